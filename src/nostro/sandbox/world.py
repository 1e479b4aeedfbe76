"""The world outside the house: its systems, its business clock, what happens in it, and a journal to begin again from.

One thread, no sockets: the simulation calls it directly, the sandbox's server puts HTTP around it.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from nostro.sandbox.agenda import Agenda
from nostro.sandbox.bank import Bank
from nostro.sandbox.faults import FaultPlan, Faulty, Outcome, Sender, System
from nostro.sandbox.psp import Psp
from nostro.sandbox.wire import Delivery, FileStep, WireRequest

MAXIMUM_STEPS = 1_000_000
"""More scheduled things than this between two moments is a loop, not a business."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happens in the world at a time.

    Strings in `op` may name results of earlier acts: `{invoice-7.name}` is the field `name` of what that act came to.
    """

    at: datetime
    system: str
    op: Mapping[str, Any]
    name: str = ""


@dataclass(slots=True)
class World:
    """Systems by path (`odoo/main`, `psp/de`, `bank/de`) behind their fault plans, ticked in this order."""

    seed: int
    now: datetime
    systems: Mapping[str, System]
    plans: Mapping[str, FaultPlan] = field(default_factory=dict)
    script: Sequence[Act] = ()
    journal: Path | None = None
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    faulty: dict[str, Faulty] = field(default_factory=dict)
    _agenda: Agenda = field(default_factory=Agenda)
    _awaited: dict[tuple[str, str], None] = field(default_factory=dict)
    _replaying: bool = False
    _senders: dict[str, Sender] = field(init=False)

    def __post_init__(self) -> None:
        self._senders = {path: system for path, system in self.systems.items() if isinstance(system, Sender)}
        for path, system in self.systems.items():
            plan = self.plans.get(path, FaultPlan(seed=self.seed))
            self.faulty[path] = faulty = Faulty(path, system, plan)
            faulty.recorded = partial(self._record_request, path)
        for act in self.script:
            self._agenda.at(act.at, partial(self._follow_script, act))
        self._begin_journal()

    # The clock

    def advance(self, to: datetime, *, noted: bool = True) -> None:
        """Let business time run to `to`; everything due on the way happens at its own time, in order.

        A clock that follows the machine's need not be `noted` in the journal: it moves on by itself after a restart.
        """
        assert to >= self.now, f"business time can't run back from {self.now} to {to}"
        if noted:
            self._noted("advance", to=to.isoformat())
        self._step()
        for _ in range(MAXIMUM_STEPS):
            due = self.next_due()
            if due is None or due > to:
                break
            self.now = due
            self._step()
        else:
            raise RuntimeError(f"more than {MAXIMUM_STEPS} things were due by {to}")
        self.now = to
        self._step()

    def next_due(self) -> datetime | None:
        """When the next thing happens by itself; what waits to be taken since before now does not count."""
        dues = [self._agenda.next_due(), *(due for faulty in self.faulty.values() for due in faulty.dues())]
        return min((due for due in dues if due is not None and due > self.now), default=None)

    def _step(self) -> None:
        self._agenda.run(self.now)
        for faulty in self.faulty.values():
            faulty.tick(self.now)
        self._carry_wires()

    def _carry_wires(self) -> None:
        """Money between a PSP and a bank of this world: what one sends, the other books."""
        for wire in [wire for psp in self.systems.values() if isinstance(psp, Psp) for wire in psp.take_wires()]:
            banks = {number: s for s in self.systems.values() if isinstance(s, Bank) for number in s.ledger.accounts}
            op = {
                "act": "credit" if wire.amount_minor > 0 else "debit",
                "account": wire.account,
                "amount": abs(wire.amount_minor),
                "name": "STRIPE",
                "end_to_end": wire.end_to_end,
                "remittance": wire.text,
            }
            if wire.account in banks:
                banks[wire.account].apply(op, self.now)

    # What the house does, and what happens to it

    def call(self, path: str, request: WireRequest) -> Outcome:
        """One request of the house to the system at `path`."""
        outcome = self.faulty[path].call(request, self.now)
        self._carry_wires()
        return outcome

    def act(self, path: str, op: Mapping[str, Any], name: str = "") -> dict[str, Any]:
        """Let something happen now that the script does not hold."""
        self._noted("act", system=path, op=op, name=name)
        return self._perform(path, op, name)

    def set_faults(self, path: str, plan: FaultPlan) -> None:
        """Another fault plan for one system from now on (not kept in the journal: faults are not books)."""
        self.faulty[path].plan = self.systems[path].plan = plan

    def _follow_script(self, act: Act, _due: datetime) -> None:
        self._perform(act.system, act.op, act.name)

    def _perform(self, path: str, op: Mapping[str, Any], name: str) -> dict[str, Any]:
        result = self.systems[path].apply(resolved(op, self.results), self.now)
        if name:
            assert name not in self.results, f"two acts are called {name}"
            self.results[name] = result
        self._carry_wires()
        return result

    # What leaves the world

    def take_deliveries(self) -> list[tuple[str, Delivery]]:
        """Webhooks to send now, each with the path of its sender. Say with `report` how each went."""
        senders = self._senders.items()
        taken = [(path, delivery) for path, sender in senders for delivery in sender.take_deliveries(self.now)]
        if taken:
            self._noted("deliveries")
        self._awaited.update(((path, each.reference), None) for path, each in taken if each.reference)
        return taken

    def report(self, path: str, reference: str, status: int | None) -> None:
        """A delivery was answered with an HTTP status, or not at all."""
        sender = self._senders.get(path)
        if reference and sender is not None:
            self._noted("report", system=path, reference=reference, status=status)
            self._awaited.pop((path, reference), None)
            sender.report(reference, status, self.now)

    def take_files(self) -> list[FileStep]:
        """File steps to carry out now, in order."""
        banks = [system for system in self.systems.values() if isinstance(system, Bank)]
        taken = [step for bank in banks for step in bank.take_files()]
        if taken:
            self._noted("files")
        return sorted(taken, key=lambda step: step.due)

    def books(self) -> dict[str, Any]:
        """The books of every system, and what faults were met."""
        return {
            "seed": self.seed,
            "now": self.now.isoformat(),
            "systems": {path: system.books() for path, system in self.systems.items()},
            "faults": {path: dict(faulty.met) for path, faulty in self.faulty.items()},
            "results": self.results,
        }

    # The journal

    def _begin_journal(self) -> None:
        """Take up the journal that is there, or begin one. A journal of another seed or script is refused."""
        if self.journal is None:
            return
        script = hashlib.sha256(json.dumps([asdict(act) for act in self.script], default=str).encode()).hexdigest()
        beginning = {"kind": "begin", "seed": self.seed, "at": self.now.isoformat(), "script": script}
        if not self.journal.exists():
            self._append(beginning)
            return
        first, *lines = self.journal.read_text(encoding="utf-8").splitlines()
        if json.loads(first) != beginning:
            raise ValueError(f"{self.journal} belongs to another world; move it away or use its seed and scenario")
        self._replaying = True
        for line in lines:
            self._replay(json.loads(line))
        self._replaying = False
        for path, reference in list(self._awaited):
            self.report(path, reference, None)

    def _replay(self, line: dict[str, Any]) -> None:
        if (now := datetime.fromisoformat(line["now"])) > self.now:
            self.advance(now)
        match line["kind"]:
            case "advance":
                self.advance(datetime.fromisoformat(line["to"]))
            case "act":
                self._perform(line["system"], line["op"], line["name"])
            case "deliveries":
                self.take_deliveries()
            case "files":
                self.take_files()
            case "report":
                self.report(line["system"], line["reference"], line["status"])
            case "request":
                self._replay_request(line)

    def _replay_request(self, line: dict[str, Any]) -> None:
        body = base64.b64decode(line["body"])
        query = tuple((name, value) for name, value in line["query"])
        request = WireRequest(line["method"], line["path"], query, line["headers"], body)
        faulty, at = self.faulty[line["system"]], datetime.fromisoformat(line["at"])
        if at > self.now:
            faulty.later(request, at)
        else:
            faulty.system.handle(request, at)
        self._carry_wires()

    def _record_request(self, path: str, request: WireRequest, at: datetime) -> None:
        body = base64.b64encode(request.body).decode()
        told = {"method": request.method, "path": request.path, "query": request.query, "body": body}
        self._noted("request", system=path, at=at.isoformat(), headers=dict(request.headers), **told)

    def _noted(self, kind: str, **told: object) -> None:
        if self.journal is not None and not self._replaying:
            self._append({"kind": kind, "now": self.now.isoformat(), **told})

    def _append(self, line: Mapping[str, Any]) -> None:
        assert self.journal is not None
        with self.journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def resolved(op: Any, results: Mapping[str, Mapping[str, Any]]) -> Any:  # noqa: ANN401 - a tree of JSON in, the same out
    """The operation with every `{name.field}` replaced; a string that is nothing else becomes the value itself."""
    if isinstance(op, Mapping):
        return {key: resolved(value, results) for key, value in op.items()}
    if isinstance(op, list | tuple):
        return [resolved(value, results) for value in op]
    if not isinstance(op, str):
        return op
    if whole := re.fullmatch(r"\{([\w/-]+)\.(\w+)\}", op):
        return results[whole[1]][whole[2]]
    return re.sub(r"\{([\w/-]+)\.(\w+)\}", lambda found: str(results[found[1]][found[2]]), op)
