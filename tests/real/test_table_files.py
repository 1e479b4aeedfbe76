"""Real tables without a profile: what is proposed, and what is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from nostro.formats.reading import Beginning
from nostro.formats.tables.formats import read_table
from nostro.formats.tables.profile import PROFILES
from nostro.formats.tables.proposal import is_table, propose
from tests.statement_texts import entries

ASKED = {
    "balance": "", "debit_credit": "", "multi_currency": "", "debit_credit_amount": "debits_negative",
    "meta_data_separated_credit_debit": "date_order", "original_currency_no_header": "proves",
    "sample_statement_en": "currency", "sample_statement_credit_card_inverse_sign_en": "currency",
}  # fmt: skip
SAME = {"debit_credit": "us-debit-credit-mark", "balance": "us-balance", "multi_currency": "us-currency"}


@pytest.mark.parametrize("name, asked", ASKED.items())
def test_a_real_table_is_proposed_and_what_it_leaves_open_is_asked(shared: Path, name: str, asked: str) -> None:
    raw = (shared / "data" / "bank" / "csv_xlsx" / "oca" / f"{name}.csv").read_bytes()
    assert is_table(Beginning(raw))
    proposal = propose(Beginning(raw))
    assert proposal.profile is not None
    assert proposal.usable is not bool(asked)
    assert asked in " ".join(proposal.questions)


@pytest.mark.parametrize("name, profile", SAME.items())
def test_what_is_read_through_a_proposal_is_what_its_profile_reads(shared: Path, name: str, profile: str) -> None:
    raw = (shared / "data" / "bank" / "csv_xlsx" / "oca" / f"{name}.csv").read_bytes()
    assert entries(list(read_table([raw]))) == entries(list(read_table([raw], PROFILES[profile])))
