from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.governance.answers import DENIED
from nostro.governance.posting import PostingPolicy, posting_flaws
from nostro.model.entities import LegalEntity

STARTING = (resources.files("nostro.landscape.starting") / "rules" / "posting.json").read_text()
DE = LegalEntity(
    id="DE",
    country="DE",
    currency="EUR",
    zone="Europe/Berlin",
    calendar="TARGET",
    odoo_connection="odoo",
    odoo_company=1,
)


def table(**rule: str) -> str:
    """The starting table with its first rule changed."""
    told = json.loads(STARTING)
    told["nodes"][1]["content"]["rules"][0] |= rule
    return json.dumps(told)


def content(**change: Any) -> str:  # noqa: ANN401 - any option of zen's
    told = json.loads(STARTING)
    told["nodes"][1]["content"] |= change
    return json.dumps(told)


@pytest.mark.parametrize(
    "method, state, row",
    [
        ("card", "captured", "card-at-capture"),
        ("sepa_debit", "captured", "direct-debit-at-collection"),
        ("transfer", "booked", "transfer-when-booked"),
        ("transfer", "credited", "transfer-when-booked"),
        ("klarna", "paid_out", "anything-else-at-payout"),
    ],
)
def test_the_starting_policy_says_when_a_payment_becomes_a_commitment(method: str, state: str, row: str) -> None:
    told = PostingPolicy(STARTING).rule(DE, method, state)
    assert (told.row, told.posts) == (row, True)


@pytest.mark.parametrize("method, state", [("klarna", "captured"), ("transfer", "pending"), ("card", "authorised")])
def test_where_no_row_speaks_nothing_is_posted(method: str, state: str) -> None:
    assert PostingPolicy(STARTING).rule(DE, method, state) == DENIED
    assert DENIED.posts is False


def test_rows_are_asked_in_order_and_the_first_one_answers() -> None:
    policy = PostingPolicy(table(method="", state="", posts="false", account='"none"', row='"stop"'))
    assert policy.rule(DE, "card", "captured").row == "stop"


def test_a_cell_may_name_entity_and_use_pure_functions() -> None:
    policy = PostingPolicy(table(method="startsWith($, 'sepa')", entity='"CH", "DE"', state=""))
    assert policy.rule(DE, "sepa_credit", "pending").row == "transfer-when-booked"


@pytest.mark.parametrize(
    "cell",
    [
        "d() > d('2026-01-01')",
        "date('now') > 3",
        "d().add(1, 'd')",
        "rand(100) == 1",
        "now",
        "`${d()}`",
        "$ == `${rand(9)}`",
        "matches($, '(a+)+$')",
        "len($) > 3",
        '"card" ++ (',
        "'it''s'",
        "nosuch($)",
        "#.x",
        "$" * 500,
    ],
)
def test_a_cell_that_reads_clock_or_chance_or_cannot_be_read_is_refused(cell: str) -> None:
    (flaw,) = posting_flaws(table(method=cell))
    assert flaw.place == ("nodes", 1, "content", "rules", 0, "method")
    with pytest.raises(ValueError, match="cell"):
        PostingPolicy(table(method=cell))


def test_a_word_inside_a_text_is_no_function() -> None:
    assert posting_flaws(table(method="contains($, 'd() now rand')")) == []


@pytest.mark.parametrize("answer", ["100.5", "amount * 2", "d()", '""', "", '"card" + "x"'])
def test_no_number_and_nothing_worked_out_comes_out_of_a_table(answer: str) -> None:
    assert [flaw.place[-1] for flaw in posting_flaws(table(row=answer))] == ["row"]


def test_an_answer_is_one_of_those_that_the_house_knows() -> None:
    assert [flaw.place[-1] for flaw in posting_flaws(table(account='"income"'))] == ["account"]
    assert [flaw.place[-1] for flaw in posting_flaws(table(posts='"yes"'))] == ["posts"]


@pytest.mark.parametrize("kind", ["functionNode", "expressionNode", "switchNode", "decisionNode", "customNode"])
def test_any_other_node_than_one_table_is_refused(kind: str) -> None:
    told = json.loads(STARTING)
    told["nodes"].append({"id": "x", "type": kind, "name": "x", "content": {"source": "export const handler = ..."}})
    assert [flaw.place for flaw in posting_flaws(json.dumps(told))] == [("nodes", 3, "type")]


@pytest.mark.parametrize(
    "option",
    [
        {"hitPolicy": "collect"},
        {"passThrough": True},
        {"inputField": "x"},
        {"outputPath": "x"},
        {"executionMode": "loop"},
    ],
)
def test_options_that_change_what_a_table_answers_are_refused(option: dict[str, Any]) -> None:
    assert [flaw.place[-1] for flaw in posting_flaws(content(**option))] == list(option)


def test_a_column_that_nobody_asks_or_understands_is_refused() -> None:
    told = json.loads(STARTING)
    told["nodes"][1]["content"]["inputs"][0]["field"] = "amount"
    assert "'amount'" in posting_flaws(json.dumps(told))[0].sentence
    told["nodes"][1]["content"]["outputs"].pop()
    assert any("account" in flaw.sentence for flaw in posting_flaws(json.dumps(told)))


def test_a_table_that_its_edges_do_not_reach_is_refused() -> None:
    told = json.loads(STARTING)
    told["edges"].pop()
    assert [flaw.place for flaw in posting_flaws(json.dumps(told))] == [("edges",)]


@given(st.text(max_size=30))
def test_whatever_stands_in_a_file_is_a_flaw_and_never_a_crash(text: str) -> None:
    assert posting_flaws(text) != []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["inputs", "outputs", "rules", "hitPolicy"]), json_values)
def test_a_part_of_another_shape_is_a_flaw_and_never_a_crash(part: str, value: object) -> None:
    if value == [] and part in ("inputs", "rules"):
        return  # no rows: everything is denied; no columns: each row speaks about everything
    assert posting_flaws(content(**{part: value})) != []
