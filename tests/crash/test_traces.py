"""One trace from a webhook to what came of it in other systems, told by the door and by two workers, each a process;
and one from each page that a worker polled.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from nostro.sandbox.scenario import Scenario
from nostro.sandbox.stage import START
from tests.crash.living import Days, days
from tests.crash.processes import DOOR, WORKERS

PAYMENTS = 10
MOMENT = timedelta(seconds=2)
INSIDE = {"receive", "read", "route", "decide"}
STAGES = {*INSIDE, "dispatch", "call", "outcome"}
TOLD_BY = "select distinct encode(receipt, 'hex') from fact where type = %s and receipt is not null"
BOOKED = "select count(*) from command_closed where connection = 'odoo' and outcome = 'done'"


class Told:
    """What was exported: spans by trace, each with the process that told it."""

    def __init__(self) -> None:
        self.traces: dict[str, list[tuple[str, Any]]] = defaultdict(list)

    def take(self, body: bytes) -> None:
        """One request of an exporter."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.traces[span.trace_id.hex()].append((named["service.name"], span))


@contextmanager
def collector() -> Iterator[tuple[str, Told]]:
    """Where spans go, over OTLP as any collector takes them."""
    told = Told()

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.timeout(300)
def test_a_trace_goes_from_a_webhook_to_the_outcomes_through_all_processes(tmp_path: Path) -> None:
    with collector() as (url, told):
        charges, pages = asyncio.run(_lived(tmp_path, url))
    assert len(charges) == PAYMENTS
    for receipt in charges:
        assert _one_tree(told.traces[receipt]) == (DOOR, STAGES)
    assert pages
    for receipt in pages:  # of invoices, which are polled: a worker receives them, and nothing goes outside for them
        who, stages = _one_tree(told.traces[receipt])
        assert (who in WORKERS, stages) == (True, INSIDE)
    assert any({who for who, _ in told.traces[receipt]} == {DOOR, *WORKERS} for receipt in charges)


async def _lived(folder: Path, url: str) -> tuple[list[str], list[str]]:
    """Invoices are paid by card and booked; the receipts that told the payments, and the invoices."""
    async with days(folder, 1, START, START, ()) as made:
        made.house.telemetry, made.scenario = url, Scenario(1, 2)
        for path, faulty in made.sandbox.world.faulty.items():
            made.sandbox.world.set_faults(path, faulty.plan.off())
        keys = [f"CH-C-{number:03d}" for number in range(PAYMENTS)]
        made.happen(f"{kind}{key}" for key in keys for kind in ("partner/", ""))
        await made.all_up((DOOR, *WORKERS))
        await _until(made, "select count(*) from subject where process = 'collection'")
        made.happen(f"card/{key}" for key in keys)
        await _until(made, BOOKED)
        async with await psycopg.AsyncConnection.connect(made.house.url()) as eyes:
            charges = await (await eyes.execute(TOLD_BY.encode(), ["payment.captured"])).fetchall()
            pages = await (await eyes.execute(TOLD_BY.encode(), ["invoice.posted"])).fetchall()
        await asyncio.to_thread(made.house.end)
        return [str(receipt) for (receipt,) in charges], [str(receipt) for (receipt,) in pages]


async def _until(made: Days, question: str) -> None:
    """Business goes on until the database counts all of them."""
    while (await made.under_way(question) or 0) < PAYMENTS:
        await made.to(made.now + MOMENT)


def _one_tree(spans: list[tuple[str, Any]]) -> tuple[str, set[str]]:
    """Every span but one has its parent in the trace, and the one is what was received; by whom, and all stages."""
    ids = {span.span_id for _, span in spans}
    [(who, root)] = [(who, span) for who, span in spans if not span.parent_span_id]
    assert root.name == "receive"
    assert all(span.parent_span_id in ids for _, span in spans if span is not root)
    return who, {span.name for _, span in spans}
