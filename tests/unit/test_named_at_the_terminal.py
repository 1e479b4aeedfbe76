"""What a person names or reads at the terminal: the company that a case is of, and accounts that have no number."""

import pytest

from nostro.model.ids import Subject
from nostro.runtime.cli_cases import legible
from nostro.runtime.cli_references import of_entity

DE, FR = Subject("collection", "DE/db/7"), Subject("collection", "FR/db/9")
PAYOUT = Subject("payout", "psp/po_1")


@pytest.mark.parametrize(
    "found, entity, left",
    [
        ([DE, FR], "FR", [FR]),
        ([DE, FR], "", [DE, FR]),
        ([DE, FR], "US", [DE, FR]),
        ([DE, PAYOUT], "DE", [DE]),
        ([DE], "FR", [DE]),
        ([Subject("collection", "DE2/db/1"), DE], "DE", [DE]),
    ],
)
def test_of_several_items_that_of_the_cases_company_is_meant(
    found: list[Subject], entity: str, left: list[Subject]
) -> None:
    assert of_entity(found, entity) == left


def test_an_account_that_stands_for_the_customers_receivable_is_named_so() -> None:
    told = {"lines": [{"account": 0, "partner_of_move": 7}, {"account": 1401}], "account": 0, "journal": 12}
    assert legible(told) == {
        "lines": [{"account": "receivable of the invoice's customer", "partner_of_move": 7}, {"account": 1401}],
        "journal": 12,
    }
