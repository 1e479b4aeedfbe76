"""Every MT file at hand is read, says what its truth says, and bears any damage."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from nostro.formats.catalogue import recognise
from nostro.formats.reading import BEGINNING_BYTES, Beginning
from nostro.formats.swift_mt.line import told_reference
from nostro.formats.swift_mt.read import MtItem, read_mt
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageEnd, MessageHead
from nostro.model.statements import Entry, Reject, StatementEnd, StatementHead

NO_STATEMENT = "invalid_statement.sta"
"""Ten lines with numbers: broken on purpose."""
WITHOUT_CURRENCY = {
    "MT940-optional.txt": 3, "statement-details-mt940.txt": 1, "statement-mt940.txt": 2, "empty_entry_date.sta": 1,
    "statement_details.sta": 1, "statement_line.sta": 1, "transaction_details.yml": 3,
    "multiline.sta": 1, "sparkassen.sta": 1,
}  # fmt: skip
"""Pieces of statements in which no field tells a currency: their lines are located rejects."""
DO_NOT_ADD_UP = {
    "abnamro.sta", "abnamro.txt", "details_60-63.sta", "ing-dos.txt", "ing.sta", "knab.sta", "knab.txt",
    "malformed_details.sta", "mt940-abnamro.txt", "mt940-headers.txt", "mt940-with-detailed-end-balance.txt",
    "overly_long_details.sta", "postfinance.sta", "postfinance.txt", "rabobank.sta", "rabobank.txt",
    "raiffeisen-cmi.sta", "sepa_snippet.sta", "sepa_snippet_broken.sta", "triodos.sta", "triodos.txt",
    "valid-mt940-content.txt", "valid-mt940.txt", "whitespace.sta", "with_newline_in_tnr.sta",
}  # fmt: skip


@dataclass
class Told:
    """What the reader made of one statement."""

    head: StatementHead
    entries: list[Entry] = field(default_factory=list)
    end: StatementEnd | None = None


def mt_files(shared: Path) -> list[Path]:
    bank = shared / "data" / "bank"
    return sorted(
        path
        for folder in ("mt940", "mt_other")
        for path in (bank / folder).rglob("*")
        if path.suffix in (".sta", ".txt", ".fin", ".rje") or path.name == "transaction_details.yml"
    )


def read(path: Path) -> list[MtItem]:
    return list(read_mt([path.read_bytes()]))


def statements(items: list[MtItem]) -> list[Told]:
    found: list[Told] = []
    for item in items:
        if isinstance(item, StatementHead):
            found.append(Told(item))
        elif isinstance(item, Entry):
            found[-1].entries.append(item)
        elif isinstance(item, StatementEnd):
            found[-1].end = item
    return found


def test_every_file_is_read_whole(shared: Path) -> None:
    files = mt_files(shared)
    assert len(files) == 83
    for path in files:
        if path.name == NO_STATEMENT:
            with pytest.raises(FormatRefused, match="no SWIFT MT message"):
                read(path)
            continue
        items = read(path)
        rejects = [item for item in items if isinstance(item, Reject)]
        assert Counter(reject.why for reject in rejects) == Counter(
            {"the currency is not told, or is none that there is": WITHOUT_CURRENCY.get(path.name, 0)}
        ), path
        content = path.read_bytes().replace(b":\r\n86:", b":86:")
        lines = len(re.findall(rb"^:61:", content, re.MULTILINE))
        assert sum(isinstance(item, Entry) for item in items) + len(rejects) == lines, path
        for one in statements(items):
            assert one.end is not None, path
            assert one.end.entries == len(one.entries), path


def test_statements_that_do_not_add_up_are_read_and_say_so(shared: Path) -> None:
    broken = {
        path.name
        for path in mt_files(shared)
        if path.name != NO_STATEMENT
        for one in statements(read(path))
        if one.end and any(check.name == "balance" and not check.ok for check in one.end.checks)
    }
    assert broken == DO_NOT_ADD_UP


def test_orders_and_payments_are_read_whole(shared: Path) -> None:
    folder = shared / "data" / "bank" / "mt_other" / "prowide"
    order = read(folder / "MT101.fin")
    (payment,) = (item for item in order if isinstance(item, Instruction))
    assert isinstance(order[0], MessageHead)
    assert (order[0].message_id, payment.references.instruction) == ("DG942_171206-004", "010735904")
    assert payment.amount is not None
    assert (payment.amount.value, payment.amount.currency) == (Decimal("14.00"), "CNY")
    assert payment.execution_date == date(2017, 5, 2)
    assert payment.creditor_account is not None
    assert (payment.creditor_account.other, payment.creditor_account.bic) == ("344110000361", "CIBKCNBJ473")
    batch = read(folder / "MT103-bulk-with-ack.rje")
    amounts = [str(item.amount.value) for item in batch if isinstance(item, Instruction) and item.amount]
    assert amounts == ["3700", "1321.00", "1417.8"]
    assert [item.rejected for item in batch if isinstance(item, MessageEnd)] == [0, 0, 0]


def test_what_is_made_for_speed_is_what_pydantic_makes(shared: Path) -> None:
    compared = 0
    for path in mt_files(shared):
        if path.name != NO_STATEMENT:
            for item in read(path):
                assert type(item).model_validate(item.model_dump()) == item, path
                compared += 1
    assert compared > 500


def test_every_file_is_taken_by_this_family_or_left_alone(shared: Path) -> None:
    ours = {path for path in mt_files(shared) if path.name != NO_STATEMENT}
    for folder in ("bank", "einvoice"):
        for path in sorted((shared / "data" / folder).rglob("*")):
            if path.is_file():
                with path.open("rb") as opened:
                    found = recognise(Beginning(opened.read(BEGINNING_BYTES), path.name))
                assert (found is not None and found.name == "mt") == (path in ours), path


# mt-940's own expectations, which are told as Python objects in YAML


class Truth(SafeConstructor):
    """Reads the objects as mappings, lists and texts; makes none of them."""


def _plain(constructor: Truth, suffix: str, node: Node) -> Iterator[dict[str, Any]]:
    made: dict[str, Any] = {"__kind__": suffix}
    yield made
    if isinstance(node, MappingNode):
        made.update(constructor.construct_mapping(node))
    elif isinstance(node, SequenceNode):
        made["told"] = constructor.construct_sequence(node)
    else:
        made["told"] = node.value


for scalar in ("int", "float", "timestamp", "bool"):
    # Theirs are references with leading zeros.
    Truth.add_constructor(f"tag:yaml.org,2002:{scalar}", SafeConstructor.construct_yaml_str)
Truth.add_multi_constructor("tag:yaml.org,2002:python/", _plain)


def loaded(path: Path) -> Any:  # noqa: ANN401 - whatever is told
    reader = YAML(typ="safe", pure=True)
    reader.Constructor = Truth
    return reader.load(path.read_text(encoding="utf-8"))


def truths(shared: Path) -> Iterator[tuple[Path, list[Told], Any]]:
    for path in sorted((shared / "data" / "bank" / "mt940" / "wolph").rglob("*.sta")):
        truth = path.with_suffix(".yml")
        if truth.exists():
            yield path, statements(read(path)), loaded(truth)


def day_of(told: Any) -> date | None:  # noqa: ANN401 - a piece of the truth
    """Their dates are pickled: year in two bytes, month, day."""
    if not told:
        return None
    raw = told["told"][0]
    return date(raw[0] * 256 + raw[1], raw[2], raw[3])


def squashed(told: str | None) -> str:
    return "".join((told or "").split())


def differences(entry: Entry, told: dict[str, Any]) -> Iterator[str]:
    """The fields in which an entry does not say what its truth says; blanks don't matter."""
    refs, other = entry.references, entry.counterparty_account
    codes, own = entry.bank_transaction_code.split("+"), told.get("customer_reference") or ""
    theirs = {
        "amount": (Decimal(told["amount"]["amount"]["told"][0]), told["amount"]["currency"]),
        "value_date": day_of(told["date"]),
        "booking_date": day_of(told.get("guessed_entry_date")) or day_of(told["date"]),
        "type": squashed(told["id"]),
        "own": squashed(told_reference(own.removeprefix("KREF+\n"))),
        "servicer": told_reference(told.get("bank_reference") or ""),
        "end_to_end": squashed(told_reference(told.get("end_to_end_reference") or "")),
        "mandate": squashed(told.get("additional_position_reference")),
        "creditor": squashed(told.get("applicant_creditor_id")),
        "text": squashed(told.get("purpose")) + squashed(told.get("additional_purpose")),
    }
    ours = {
        "amount": (entry.signed.value, entry.amount.currency),
        "value_date": entry.value_date,
        "booking_date": entry.booking_date,
        "type": squashed(codes[0]),
        "own": squashed(refs.instruction),
        "servicer": refs.account_servicer,
        "end_to_end": squashed(refs.end_to_end),
        "mandate": squashed(refs.mandate),
        "creditor": squashed(refs.others.get("CRED")),
        "text": squashed("".join(entry.remittance)),
    }
    if "transaction_code" in told:
        theirs |= {"gvc": told["transaction_code"], "primanota": told.get("prima_nota") or ""}
        ours |= {"gvc": codes[1], "primanota": codes[2] if codes[2:] else ""}
        theirs |= {"bank": told.get("applicant_bin") or "", "number": told.get("applicant_iban") or ""}
        ours |= {"bank": (other.bic or other.clearing_id) if other else "", "number": ""}
        ours["number"] = other.identification if other else ""
        posting = told.get("posting_text") or ""
        theirs |= {"name": squashed(told.get("applicant_name")), "posting": posting}
        ours |= {"name": squashed(entry.counterparty.name if entry.counterparty else "")}
        ours["posting"] = posting if posting in entry.additional else entry.additional
    elif "transaction_details" in told:
        theirs["text"] = squashed(told["transaction_details"])
    yield from (name for name in theirs if theirs[name] != ours[name])


def test_entries_say_what_mt_940_says_or_it_is_listed_who_is_right(shared: Path) -> None:
    compared, found = 0, Counter[tuple[str, str]]()
    for path, told, truth in truths(shared):
        entries = [entry for one in told for entry in one.entries]
        theirs = truth["transactions"] if isinstance(truth, dict) else truth
        if path.name in WITHOUT_CURRENCY:
            continue
        assert len(entries) == len(theirs), path
        for entry, one in zip(entries, theirs, strict=True):
            compared += 1
            found.update((f"{path.parent.name}/{path.name}", name) for name in differences(entry, one["data"]))
    assert compared == 204
    assert found == Counter({key: count for key, (count, _) in DIFFERENT.items()})


REVERSED = "ours: RC takes back a credit, so it is a debit; only then do the statement's balances meet"
PARTS = "ours: a reference ends with its part, and MTLG is text of its own; theirs runs on, or has no own reference"
MISPLACED = "both: the part is told under another tag (25); we read it as the text that it is, they drop it"
UNSTRUCTURED = "ours: parts are told apart (reference, other side, text); theirs keeps them as one text"
DIFFERENT: dict[tuple[str, str], tuple[int, str]] = {
    ("betterplace/sepa_mt9401.sta", "amount"): (2, REVERSED),
    ("betterplace/sepa_mt9401.sta", "end_to_end"): (15, PARTS),
    ("betterplace/sepa_mt9401.sta", "own"): (33, PARTS),
    ("betterplace/sepa_mt9401.sta", "text"): (32, PARTS),
    ("betterplace/sepa_snippet.sta", "end_to_end"): (4, PARTS),
    ("betterplace/sepa_snippet.sta", "own"): (5, PARTS),
    ("betterplace/sepa_snippet.sta", "text"): (5, PARTS),
    ("betterplace/sepa_snippet_broken.sta", "end_to_end"): (1, MISPLACED),
    ("betterplace/sepa_snippet_broken.sta", "text"): (1, MISPLACED),
    ("cmxl/mt940.sta", "number"): (2, "ours: the IBAN of part 38 names the account; theirs is the number of part 31"),
    ("cmxl/mt940.sta", "text"): (11, "ours: 999 is the code for free text, not text"),
    ("jejik/ing.sta", "text"): (1, "ours: what follows the closing balance is the statement's, not its last entry's"),
    ("jejik/knab.sta", "text"): (2, UNSTRUCTURED),
    ("jejik/rabobank-iban.sta", "end_to_end"): (2, UNSTRUCTURED),
    ("jejik/rabobank-iban.sta", "text"): (4, UNSTRUCTURED),
    ("jejik/rabobank.sta", "own"): (4, "ours: here the reference's place holds the other bank account"),
    ("jejik/sns.sta", "own"): (2, "ours: here too"),
    ("jejik/sns.sta", "text"): (2, "ours: the first line only says again who stands on the other side"),
    ("jejik/triodos.sta", "text"): (2, UNSTRUCTURED),
    ("mBank/mt940.sta", "text"): (3, UNSTRUCTURED),
    ("mBank/mt942.sta", "text"): (3, UNSTRUCTURED),
    ("mBank/with_newline_in_tnr.sta", "text"): (2, UNSTRUCTURED),
    ("sberbank/171011_01234945.sta", "text"): (3, "both: theirs tells the lines of a field NS by their numbers"),
    ("self-provided/details_60-63.sta", "text"): (1, "both: what the tag ABWA holds is text there and a party here"),
    ("self-provided/gv_codes.sta", "text"): (1, "ours: what stands before the first tag is text too; they drop it"),
    ("self-provided/malformed_details.sta", "text"): (1, "both: the tag ABWA, as above"),
    ("self-provided/raphaelm.sta", "text"): (2, "both: a field NS, as above"),
    ("self-provided/wrapped_timestamp.sta", "creditor"): (1, PARTS),
    ("self-provided/wrapped_timestamp.sta", "mandate"): (1, "ours: nothing but zeros is no mandate"),
    ("self-provided/wrapped_timestamp.sta", "text"): (1, PARTS),
}
"""Where we differ from mt-940: how often, who is right, and why."""


# Damage


def damaged(content: bytes, chance: random.Random) -> Iterator[bytes]:
    """The file cut, with pieces swapped, doubled, dropped and garbled."""
    lines = content.splitlines(keepends=True)
    one, other = sorted(chance.sample(range(len(content) + 1), 2))
    yield content[:one]
    yield content[one:]
    yield content[:one] + content[other:]
    yield content[:other] + content[one:]
    yield content[:one] + chance.randbytes(min(other - one, 40)) + content[other:]
    yield b"".join(chance.sample(lines, len(lines)))
    yield b"".join(line for line in lines for _ in range(chance.choice((0, 1, 1, 1, 2))))
    yield bytes(chance.choice((sign, sign, sign, 58, 45, 123, 63, 47, 10)) for sign in content)


def test_no_damage_is_more_than_rejects_and_failed_checks(shared: Path) -> None:
    chance = random.Random(20260831)  # noqa: S311 - damage that a seed repeats
    rounds = 0
    for path in mt_files(shared):
        content = path.read_bytes()
        if len(content) > 30:
            for bad in damaged(content, chance):
                rounds += 1
                try:
                    items = list(read_mt([bad]))
                except FormatRefused:
                    continue
                opened = sum(isinstance(item, StatementHead | MessageHead) for item in items)
                assert opened == sum(isinstance(item, StatementEnd | MessageEnd) for item in items), path
                assert all(item.where for item in items if isinstance(item, Reject)), path
    assert rounds > 400


def test_whatever_lines_stand_in_whatever_order_every_statement_line_is_an_entry_or_a_reject(shared: Path) -> None:
    chance = random.Random(17)  # noqa: S311 - an order that a seed repeats
    for path in mt_files(shared):
        lines = [line for line in path.read_bytes().replace(b"\r", b"").split(b"\n") if line.startswith(b":")]
        chance.shuffle(lines)
        lines = [line for line in lines if line.strip() != b":"]
        try:
            items = list(read_mt([b"\n".join(lines)]))
        except FormatRefused:
            continue
        found = sum(isinstance(item, Entry) for item in items)
        lost = sum(isinstance(item, Reject) and "/61[" in item.where for item in items)
        told = sum(line.startswith(b":61:") for line in lines)
        refused = any(isinstance(item, Reject) and "/61[" not in item.where for item in items)
        assert found + lost == told or refused, path
