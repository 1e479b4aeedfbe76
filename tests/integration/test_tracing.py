"""One connected trace from a receipt to the outcome of what it led to, and not a word of what anybody wrote in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nostro.egress.tracing import UNTRACED
from nostro.model.facts import Fact
from nostro.model.intents import AnnotatePayment
from nostro.processes.kit.decision import Decision, Instance, Rules, State, Wanted
from nostro.runtime.otlp import Exported
from nostro.runtime.spans import exporting, wanted
from tests.dispatch_world import Worker, World
from tests.integration.intake_house import IntakeHouse, begun
from tests.integration.synthetic import PROCESS, as_fact, line
from tests.toy_partner import operation

SECRET = "Anna Example, DE89370400440532013000"


def annotating() -> Any:  # noqa: ANN401 - a process
    """The synthetic process, that annotates a payout as soon as it is reported."""
    version = PROCESS.versions[0]

    def decide(before: Instance, state: State, told: Fact, rules: Rules) -> Decision:
        right = version.decide(before, state, told, rules)
        if told.type != "payout.reported":
            return right
        wish = AnnotatePayment(entity="DE", connection="psp", payment_id=before.subject.id, invoice_number="INV/1")
        return replace(right, intents=(Wanted("annotate-po", wish),), emits=(line(before.subject.id, "txn_1"),))

    return replace(PROCESS, versions=(replace(version, decide=decide),))


def traced(house: IntakeHouse, traces: Exported) -> Worker:
    """Every stage of the house tells its spans to `traces`; returns the worker that dispatches."""
    house.processes["payout"] = annotating()
    house.intake = replace(house.intake, traces=traces)
    house.readings.traces = traces
    house.decider.traces = traces
    world = World(house.database, operation("look_up"), now=house.now)
    worker = Worker(world, "one")
    worker.dispatcher.house = replace(worker.dispatcher.house, traces=traces)
    return worker


@pytest.mark.asyncio
@pytest.mark.timeout(120)
async def test_a_receipt_and_all_that_it_leads_to_are_one_connected_trace(database_url: str) -> None:
    house = await begun(database_url)
    memory = InMemorySpanExporter()
    worker = traced(house, Exported(SimpleSpanProcessor(memory)))
    kept = await house.take({"payout": "po_1", "descriptor": SECRET})
    await house.read_all()
    worker.world.now = house.now
    for _ in range(2):  # the second command of a subject leaves when the first has ended
        for _ in range(40):
            await worker.step()
        await house.read_all()
    spans = memory.get_finished_spans()
    await house.database.__aexit__()
    mine = [span for span in spans if span.context is not None and span.context.trace_id == int.from_bytes(kept.id)]
    assert {span.name for span in mine} == {"receive", "read", "route", "decide", "dispatch", "call", "outcome"}
    one_tree(mine)
    kinds = sorted(str((span.attributes or {})["nostro.fact"]) for span in mine if span.name in ("decide", "outcome"))
    assert kinds == ["command.settled"] * 2 + ["payout.line_reported", "payout.reported", "receipt.read"]
    told = str([(span.name, dict(span.attributes or {})) for span in spans])
    assert "Anna" not in told
    assert "DE89" not in told


def one_tree(spans: list[ReadableSpan]) -> None:
    """Every span but one has its parent in the trace, and the one is the receipt's arrival."""
    ids = [span.context.span_id for span in spans if span.context is not None]
    assert len(ids) == len(set(ids))
    assert [span.name for span in spans if span.parent is None] == ["receive"]
    assert all(span.parent.span_id in ids for span in spans if span.parent is not None)
    assert all((span.end_time or 0) >= (span.start_time or 0) > 0 for span in spans)


@pytest.mark.asyncio
@pytest.mark.timeout(120)
async def test_what_began_without_a_receipt_is_a_trace_of_its_own(database_url: str) -> None:
    house = await begun(database_url)
    memory = InMemorySpanExporter()
    traced(house, Exported(SimpleSpanProcessor(memory)))
    await house.tell([as_fact(line("po_9", "txn_9"))])
    house.later(seconds=90)
    await house.tenure.step(house.now)
    await house.settle()
    await house.database.__aexit__()
    [span] = memory.get_finished_spans()
    assert (span.name, span.parent) == ("decide", None)


def test_nothing_is_exported_unless_the_standard_variables_say_where_to(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    with exporting() as traces:
        assert traces is UNTRACED
    there = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    assert wanted(there)
    assert not wanted({**there, "OTEL_SDK_DISABLED": "true"})
    assert not wanted({**there, "OTEL_TRACES_EXPORTER": "none"})
