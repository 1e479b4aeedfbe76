"""What is said of a payment on another journal, and of a loss that is not booked yet."""

import pytest

from nostro.model.outcomes import done
from tests.open_items import ITEM, capture, dispute, house, paid_by_card, registered
from tests.stories import eur, fact


@pytest.mark.parametrize("captured_first", ["yes", "no"])
def test_a_payment_that_the_erps_provider_registered_on_another_journal_is_a_case_until_it_moves(
    captured_first: str,
) -> None:
    told = house(odoo_provider=True)
    facts = [fact(capture()), fact(registered().model_copy(update={"journal": 99}), order="1")]
    told.tell(*(facts if captured_first == "yes" else reversed(facts)))
    case = told.cases[ITEM, "on_other_journal"]
    assert case.amount == eur("100.00")
    assert "payment 77" in case.sentence
    told.tell(fact(registered(at="2026-08-31 10:00:00"), order="2"))
    assert told.open_cases(ITEM) == set()


def test_a_payment_that_was_found_on_another_journal_is_a_case() -> None:
    told = house()
    told.tell(fact(capture()))
    told.answer("register-ch_1", done(adopted=True, payment=41, move=42, notes={"journal": "99"}))
    assert told.cases[ITEM, "on_other_journal"].amount == eur("100.00")


def test_two_payments_on_other_journals_are_one_case_with_their_sum() -> None:
    told = house()
    told.tell(fact(capture(eur("60.00"))), fact(capture(eur("40.00"), "ch_2")))
    for number in ("1", "2"):
        told.answer(f"register-ch_{number}", done(adopted=True, payment=number, move=42, notes={"journal": "99"}))
    newest = [case for case in told.opened if case.reason == "on_other_journal"][-1]
    assert newest.amount == eur("100.00")


def test_a_lost_chargeback_says_that_the_invoice_is_open_again_only_once_that_is_booked() -> None:
    told = paid_by_card()
    told.tell(fact(dispute("open", "withdrawn")), fact(dispute("lost", "withdrawn")))
    assert "not booked yet" in told.cases[ITEM, "chargeback_lost"].sentence
    told.answer_all()
    newest = [case for case in told.opened if case.reason == "chargeback_lost"][-1]
    assert newest.sentence.endswith("The invoice is open again.")
