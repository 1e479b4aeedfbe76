"""Identities never move: shards, keys and correlation ids are pinned."""

from __future__ import annotations

from base64 import b32encode
from hashlib import sha256

import pytest

from nostro.model.ids import IdempotencyKey, Subject, case_id, correlation_id, shard_of, short_digest
from nostro.model.references import Reference


def test_a_subjects_shard_is_fixed_for_ever() -> None:
    assert [shard_of(name) for name in ("po_1", "DE/odoo/7", "")] == [50, 17, 20]
    assert Subject("payout", "po_1").shard == shard_of("po_1")


def test_a_key_names_one_effect_and_fits_every_reference_field() -> None:
    key = IdempotencyKey("collection", "DE/odoo/7", "register-ch_1", occurrence=2)
    assert key.text == "collection/DE/odoo/7/register-ch_1/2/0"
    assert IdempotencyKey.parse(key.text) == key
    assert key.correlation_id.startswith("NOS")
    assert len(key.correlation_id) == 19


def test_a_correlation_id_is_base32_of_its_keys_digest() -> None:
    for key in (f"payout/po_{n}/annotate-{n % 7}/0/0" for n in range(200)):
        assert correlation_id(key) == "NOS" + b32encode(sha256(key.encode()).digest()[:10]).decode()


def test_of_many_cases_no_two_are_alike() -> None:
    """A case whose id is taken would not be opened, and nobody would know. Of ten million in 60 bits: 1 in 20,000."""
    names = {case_id("payout/po_1", "late", str(number)) for number in range(5000)}
    assert {len(name) for name in names} == {len("C-ABCDEFGHIJKL")}
    assert all(len({name[at] for name in names}) == 32 for at in range(2, 14)), "each character tells five bits"


def test_parts_of_a_digest_do_not_run_into_each_other() -> None:
    assert short_digest("ab", "c") != short_digest("a", "bc")


@pytest.mark.parametrize(
    "kind,one,other",
    [
        ("iban", "DE89 3704 0044 0532 0130 00", "de89370400440532013000"),
        ("invoice_number", "inv/2026/00001", "INV / 2026/00001"),
        ("structured", "RF18 5390 0754 7034", "539007547034"),
        ("structured", "21 00000 00003 13947 14300 09017", "210000000003139471430009017"),
        ("email", " Customer-042@Example.Test", "customer-042@example.test"),
    ],
)
def test_two_spellings_of_a_reference_meet(kind: str, one: str, other: str) -> None:
    assert Reference.to(kind, one) == Reference.to(kind, other)


def test_psp_ids_are_taken_verbatim() -> None:
    assert Reference.to("psp", "ch_aB") != Reference.to("psp", "ch_ab")
