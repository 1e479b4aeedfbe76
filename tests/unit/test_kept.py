"""What states are made of is as strict as the rest of the vocabulary, and is stored in the same bytes."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import date

import pytest
from pydantic import ValidationError

from nostro.model.base import confidential_fields
from nostro.model.canonical import canonical, parse
from nostro.model.money import Money
from nostro.model.payments import Credit, Payment
from nostro.processes.bank_movement.v3.state import MovementStateV3
from nostro.processes.collection.v3.state import CollectionStateV3
from nostro.processes.kit.following import but

PAYMENT = Payment(
    source="ch_1", method="card", received_on=date(2026, 8, 31), amount=Money.of("12.30", "EUR"), applied=1230
)


def test_a_field_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValidationError, match="unexpected"):
        CollectionStateV3.model_validate({"payd": True})


def test_a_field_of_another_type_is_refused() -> None:
    with pytest.raises(ValidationError, match="applied"):
        Credit(source="m", received_on=PAYMENT.received_on, amount=PAYMENT.amount, applied="much")  # type: ignore[arg-type]  # the flaw that is tested


def test_nobody_changes_it() -> None:
    with pytest.raises(FrozenInstanceError):
        PAYMENT.applied = 0  # type: ignore[misc]  # the flaw that is tested


def test_a_state_is_read_again_as_it_was_stored() -> None:
    state = but(CollectionStateV3(), kind="invoice", payments=(PAYMENT,), moments={"closed-dp_1": "2026-09-01"})
    assert CollectionStateV3.model_validate(parse(canonical(state))) == state
    assert hash(PAYMENT) == hash(but(PAYMENT, applied=1230))


def test_a_change_leaves_the_value_and_makes_another_of_its_class() -> None:
    paid = but(PAYMENT, registered="7")
    assert (type(paid), PAYMENT.registered, paid.registered, paid.source) == (Payment, "", "7", "ch_1")
    assert paid != PAYMENT
    assert but(PAYMENT, applied=PAYMENT.applied) is PAYMENT


def test_what_is_confidential_of_a_state_is_known() -> None:
    assert confidential_fields(MovementStateV3) == {"counterparty_name", "counterparty_iban", "remittance"}
