"""Four eyes over several subjects: who said whose money it is proposed what is matched by it in the books."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from nostro.acts.matter import Act, Decide, Match
from nostro.acts.submit import Desk, Signature
from nostro.connectors.people import CONNECTOR
from nostro.egress.connections import OpenConnection
from nostro.engine.decide import Decider
from nostro.engine.parked import Rejoin
from nostro.engine.settle import _told
from nostro.engine.tenure import Tenure
from nostro.governance.rules import Rules
from nostro.landscape.compiling import bundle_of
from nostro.model.facts.house import Target
from nostro.model.failures import ActRefused, FailureKind
from nostro.model.ids import IdempotencyKey, Subject
from nostro.model.money import Money
from nostro.model.outcomes import Outcome, done, failed, handed_over
from nostro.processes import bank_movement, collection
from nostro.processes.receipt import PROCESS as RECEIPT
from nostro.store.arrivals import put
from nostro.store.database import Database, Statements
from tests.integration.intake_house import IntakeHouse
from tests.integration.synthetic import START
from tests.landscapes import edit, group
from tests.money_world import TOTAL, invoice
from tests.movements import report
from tests.stories import fact

pytestmark = pytest.mark.asyncio
SQL = Statements("engine")
ITEM = Subject("collection", "DE/db/1")


class Books(IntakeHouse):
    """The house with the processes of bank money."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.processes.clear()
        self.processes |= {p.name: p for p in (bank_movement.PROCESS, collection.PROCESS, RECEIPT)}
        self.tenure = Tenure(self.database, self.worker, {n: len(p.versions) for n, p in self.processes.items()})
        rules: Any = self.rules
        self.decider = Decider(self.database, self.keys, self.processes, self.tenure, lambda _: rules)
        self.rejoin = Rejoin(self.database, self.keys, self.processes)


@dataclass
class Office:
    """An invoice, a credit that names nobody, and the desk: what Odoo books and matches is held by its modes."""

    house: Books
    desk: Desk

    async def act(self, act: Act, who: str, behalf: str = "") -> None:
        """The person sees it and says so; what follows is decided."""
        seen = (await self.desk.look(act)).seen
        await self.desk.submit(act, Signature(who, "seen", behalf), seen, self.house.now.business)
        await self.house.read_all()

    async def credited(self) -> Subject:
        """The movement of a credit over the invoice's amount."""
        credit = report(account="de-main", amount=Money(minor=TOTAL, currency="EUR"))
        await self.house.tell([invoice(1), fact(credit)])
        await self.house.read_all()
        [(subject,)] = await self.house.all("select subject from subject where process = 'bank_movement'")
        return Subject("bank_movement", str(subject))

    async def command(self, operation: str) -> tuple[str, str]:
        """The key of the one command that does this, and where it stands."""
        [(key, status)] = await self.house.all(
            f"select key_text, status from command_open where operation = '{operation}'"
        )
        return str(key), str(status)

    async def ends(self, key: str, outcome: Outcome) -> None:
        """The command has left, and this is what became of it."""
        known = IdempotencyKey.parse(key)
        shard = Subject(known.process, known.subject).shard
        async with self.house.database.transaction() as tx:
            row = await tx.row(SQL.command_by_key, shard=shard, key=known.bytes)
            assert row is not None
            assert row.status == "ready"
            await put(tx, [_told(row, outcome, None, row.connection, self.house.now)])
        await self.house.read_all()

    async def refuses(self, key: str, *people: str) -> None:
        """None of them may let it go: they have proposed it."""
        for who in people:
            with pytest.raises(ActRefused, match="proposed or changed"):
                await self.act(Decide(key, "release"), who)


@pytest_asyncio.fixture
async def office(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    """`param`: the mode in which statement lines are booked. Matching in the books is only proposed."""
    folder = group(tmp_path, "act")
    mode = getattr(request, "param", "act")
    edit(folder, "interfaces/odoo-books.yaml", "  - reconcile\n", "")
    edit(folder, "interfaces/odoo-books.yaml", "mode: act", f"mode: {mode}")
    match = "connection: odoo-main\noperations: [reconcile]\nmode: propose\n"
    (folder / "interfaces/odoo-match.yaml").write_text(match)
    edit(folder, "people.yaml", "people:\n", "people:\n  - {id: second, roles: [controller], os_user: five}\n")
    rules = Rules.from_bundle(bundle_of(folder, START))
    async with Database(database_url, size=6) as database:
        house = Books(database, rules=rules)  # type: ignore[arg-type]  # those of a landscape
        await house.begin()
        house.connections["people"] = OpenConnection(
            "people", CONNECTOR, CONNECTOR.manifest.config(), entities=rules.users_of("people")
        )
        yield Office(house, Desk(database, house.intake, rules))


def belongs() -> Target:
    return Target(process=ITEM.process, subject=ITEM.id, kind="person", value="")


@pytest.mark.parametrize("office", ["act", "propose"], indirect=True)
async def test_who_matched_a_movement_cannot_approve_what_its_line_is_matched_with(office: Office) -> None:
    """And who only let the line go can, so that two people are enough."""
    await office.act(Match(await office.credited(), belongs()), "controller")
    key, status = await office.command("book_statement_line")
    if status == "proposed":
        await office.refuses(key, "controller")
        await office.act(Decide(key, "release"), "treasurer")
    await office.ends(key, done(statement_line=1001))
    key, status = await office.command("reconcile")
    assert status == "proposed"
    await office.refuses(key, "controller")
    await office.act(Decide(key, "release"), "treasurer")
    assert await office.command("reconcile") == (key, "ready")


async def test_who_matched_on_behalf_of_another_cannot_approve_it_either(office: Office) -> None:
    await office.act(Match(await office.credited(), belongs()), "controller", behalf="treasurer")
    key, _ = await office.command("book_statement_line")
    await office.ends(key, done(statement_line=1001))
    key, _ = await office.command("reconcile")
    await office.refuses(key, "controller", "treasurer")


async def unapplied(office: Office) -> Subject:
    """The collection of a credit that leads nowhere: its line is booked, and nobody said whose it is."""
    await office.credited()
    office.house.later(minutes=16)
    await office.house.tenure.step(office.house.now)
    await office.house.read_all()
    key, _ = await office.command("book_statement_line")
    await office.ends(key, done(statement_line=1001))
    [(subject,)] = await office.house.all("select subject from subject where subject like '%unapplied%'")
    return Subject("collection", str(subject))


@pytest.mark.parametrize("known", [True, False])
async def test_another_try_is_still_proposed_by_who_said_whose_money_it_is(office: Office, known: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Over a subject that passed the money on, a failure that was told or that a person confirmed, and his release."""
    await office.act(Match(await unapplied(office), belongs()), "controller", behalf="treasurer")
    key, _ = await office.command("reconcile")
    await office.refuses(key, "controller", "treasurer")
    await office.act(Decide(key, "release"), "second")
    await office.ends(key, failed(FailureKind.CONFLICT, "It is locked.") if known else handed_over("No answer came."))
    if not known:
        await office.act(Decide(key, "confirm_not_done"), "second")
    await office.act(Decide(key, "release"), "second")
    again, status = await office.command("reconcile")
    assert (again, status) == (f"{key[:-1]}1", "proposed")
    await office.refuses(again, "controller", "treasurer", "second")
