from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from nostro.model.facts import FACT_TYPES, DeadlineFellDue, FactBody, SubjectPoisoned
from nostro.processes.kit.machine import NEW, Effect, Machine, Terminal, Waiting, edges_of
from nostro.processes.kit.process import PASSED, UNEXPECTED, Process, take_in
from nostro.processes.registry import PROCESSES, by_name, flaws
from tests.integration.synthetic import PROCESS, START, StillRules, as_fact
from tests.stories import NOON, SmallRules, fact

ROOT = Path(__file__).parents[2]
MINE = list(PROCESSES)


@pytest.mark.parametrize("process", MINE, ids=lambda process: process.name)
def test_the_drawing_in_the_process_page_is_the_table(process: Process) -> None:
    page = (ROOT / "src" / "nostro" / "processes" / process.name / "PROCESS.md").read_text()
    machine = process.versions[-1].machine
    assert f"```mermaid\n{machine.mermaid()}\n```" in page
    assert all(f"| `{step}` | `{effect.operation}` |" in page for step, effect in machine.effects.items())


@pytest.mark.parametrize("process", MINE, ids=lambda process: process.name)
def test_each_case_that_a_process_can_open_has_its_runbook(process: Process) -> None:
    pages = {page.stem: page.read_text() for page in (ROOT / "docs" / "operate").glob("*.md")}
    reasons = process.versions[-1].machine.case_reasons
    assert reasons <= set(pages)
    assert all(pages[reason].startswith(f"# {reason}: ") for reason in reasons)


def test_every_fact_type_has_one_owner_that_can_take_it_in() -> None:
    assert list(flaws(PROCESSES, FACT_TYPES)) == []


def test_a_fact_type_whose_owner_is_not_there_is_a_flaw() -> None:
    without = [process for process in PROCESSES if process.name != "receipt"]
    assert list(flaws(without, FACT_TYPES)) == [
        "receipt.read is owned by receipt, which does not exist",
        "rerun.asked is owned by receipt, which does not exist",
    ]


def test_a_fact_type_that_its_owner_has_no_edge_for_is_a_flaw() -> None:
    class Unheard(FactBody):
        fact_type: ClassVar[str] = "unheard"
        owner: ClassVar[str] = "receipt"

        def natural_key(self) -> str:
            return ""

    assert list(flaws(PROCESSES, [Unheard])) == ["receipt owns unheard and has no edge for it"]


def test_an_effect_whose_end_nobody_hears_is_a_flaw() -> None:
    machine = Machine(
        process="deaf", version=1, states={"done": Terminal("done")}, edges=edges_of([((NEW,), ("a",), ("done",))]),
        effects={"pay": Effect("refund_payment", "none: a test")},
    )  # fmt: skip
    receipt = by_name()["receipt"]
    deaf = replace(receipt, name="deaf", versions=(replace(receipt.versions[0], machine=machine),))
    assert list(flaws([deaf], [])) == ["deaf has effects and can't hear how they end"]


@pytest.mark.parametrize("revision, state", [(3, "counting"), (4, "over"), (5, "counting")])
def test_a_deadline_falls_due_only_in_the_state_that_it_was_set_for(revision: int, state: str) -> None:
    waiting = replace(PROCESS.new("po_1", "DE"), state="counting", revision=6, deadline_revision=4)
    due = DeadlineFellDue(name="count", subject="po_1", due_at="2026-08-31T07:00:00Z", revision=revision)
    assert take_in(PROCESS, waiting, as_fact(due), StillRules(), START).after.state == state


def test_rows_of_a_table_add_up_and_lead_back() -> None:
    edges = edges_of([((NEW, "a"), ("x",), ("a",)), (("a",), ("x", "y"), ("b",))])
    assert edges == {(NEW, "x"): frozenset("a"), ("a", "x"): frozenset("ab"), ("a", "y"): frozenset("ab")}


@pytest.mark.parametrize("process", MINE, ids=lambda process: process.name)
def test_every_deadline_has_a_name_of_its_own(process: Process) -> None:
    states = process.versions[-1].machine.states.values()
    names = [state.deadline for state in states if isinstance(state, Waiting)]
    assert len(names) == len(set(names))


def test_a_deadline_of_a_state_that_has_passed_changes_nothing() -> None:
    process = by_name()["payout"]
    waiting = replace(process.new("psp/po_1", "DE"), state="collecting", revision=5, deadline_revision=4)
    for revision in (3, 5):
        body = DeadlineFellDue(name="collecting", subject="payout/psp/po_1", due_at=NOON.isoformat(), revision=revision)
        taken = take_in(process, waiting, fact(body), SmallRules(), NOON)
        assert (taken.decision.rule, taken.after.state, taken.after.revision) == (PASSED, "collecting", 6)


def test_a_fact_without_an_edge_is_kept_and_is_a_case() -> None:
    process = by_name()["payout"]
    taken = take_in(
        process, process.new("psp/po_1", "DE"), fact(SubjectPoisoned(by="a", cause="b")), SmallRules(), NOON
    )
    assert (taken.decision.to, taken.decision.rule, taken.after.revision) == (NEW, UNEXPECTED, 1)
    assert [case.reason for case in taken.decision.opens] == [UNEXPECTED]
