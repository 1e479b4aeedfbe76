"""Acts of persons on a real PostgreSQL: policy, then a receipt, then a fact like any other sender's."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from nostro.acts.matter import Act, Close, Decide, Match, Rerun
from nostro.acts.submit import Desk, Signature
from nostro.connectors.kit.reading import IgnoredItem, Item, ReceiptView, RejectItem
from nostro.connectors.people import CONNECTOR
from nostro.egress.connections import OpenConnection
from nostro.governance.rules import Rules
from nostro.landscape.compiling import bundle_of
from nostro.model.canonical import canonical
from nostro.model.facts.house import Target
from nostro.model.failures import ActRefused
from nostro.model.ids import IdempotencyKey, Subject
from nostro.projections.worklist import waiting_commands
from tests.integration.intake_house import IntakeHouse, begun, read, till
from tests.integration.synthetic import START, StillRules, as_fact, line, payout
from tests.landscapes import group
from tests.open_items import ITEM, capture, credit, house, invoice, paid_by_card
from tests.stories import House, eur, fact

pytestmark = pytest.mark.asyncio
KEY = "payout/po_1/annotate-txn_1/0/0"


@dataclasses.dataclass
class Office:
    """A house in which one command of `payout` waits for a person, and the desk at which people act."""

    house: IntakeHouse
    desk: Desk

    async def act(self, act: Act, who: str, behalf: str = "", reason: str = "seen") -> str:
        """What the person sees is what he acts upon; the new state of the world follows."""
        seen = (await self.desk.look(act)).seen
        done = await self.desk.submit(act, Signature(who, reason, behalf), seen, self.house.now.business)
        await self.house.read_all()
        return done.right

    async def command_status(self) -> str:
        """Of the command."""
        rows = await self.house.all("select status from command_open")
        return str(rows[0][0]) if rows else str((await self.house.all("select outcome from command_closed"))[0][0])


def landscape(folder: Path, mode: str) -> Rules:
    group(folder, "act")
    text = (folder / "connections/stripe-de.yaml").read_text()
    (folder / "connections/psp.yaml").write_text(text.replace("mode: act", f"mode: {mode}"))
    interface = (folder / "interfaces/stripe-de.yaml").read_text().replace("stripe-de", "psp")
    (folder / "interfaces/psp.yaml").write_text(interface)
    return Rules.from_bundle(bundle_of(folder, START))


@pytest_asyncio.fixture(params=["propose"])
async def office(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    rules = landscape(tmp_path, request.param)
    house = await begun(database_url)
    house.connections["people"] = OpenConnection(
        "people", CONNECTOR, CONNECTOR.manifest.config(), entities=rules.users_of("people")
    )
    house.rules = StillRules(allowed=request.param)
    house.decider._rules.clear()  # as if another bundle were in force
    await house.tell([as_fact(payout("po_1"))])
    await house.settle()
    await house.tell([as_fact(line("po_1", "txn_1"))])
    await house.settle()
    yield Office(house, Desk(house.database, house.intake, rules))
    await house.database.__aexit__(None, None, None)


async def test_an_approval_is_a_receipt_a_fact_and_lets_the_command_go(office: Office) -> None:
    assert await office.command_status() == "proposed"
    assert await office.act(Decide(KEY, "release"), "treasurer") == "treasurer/approve"
    assert await office.command_status() == "ready"
    told = "select subject, actor, on_behalf_of, reason, origin from fact where type = 'command.released'"
    assert await office.house.all(told) == [("po_1", "treasurer", "", "seen", "people")]
    assert await office.house.all("select kind, signed from receipt where connection = 'people'") == [("act", True)]
    assert await office.house.all("select actor, verdict from approval") == [("treasurer", "release")]


async def test_a_refusal_discards_the_command(office: Office) -> None:
    await office.act(Decide(KEY, "discard"), "clerk", behalf="controller")
    assert await office.command_status() == "discarded"
    told = await office.house.all("select actor, on_behalf_of from fact where type = 'command.released'")
    assert told == [("clerk", "controller")]


@pytest.mark.parametrize(
    "act, who, says",
    [
        (Decide(KEY, "release"), "clerk", "no right"),
        (Decide(KEY, "release"), "leaver", "ended"),
        (Decide(KEY, "release"), "engine", "no person"),
        (Decide(KEY, "confirm_done"), "controller", "handed over"),
        (Decide("payout/po_1/annotate-txn_9/0/0", "release"), "controller", "doesn't wait"),
        (Decide("nonsense", "release"), "controller", "no key"),
        (Close("C-NOWHERE"), "controller", "no case"),
        (Rerun("00" * 16), "controller", "no receipt/"),
    ],
)
async def test_what_policy_or_state_does_not_allow_leaves_no_trace(
    office: Office, act: Act, who: str, says: str
) -> None:
    with pytest.raises(ActRefused, match=says):
        await office.act(act, who)
    assert await office.command_status() == "proposed"
    assert await office.house.all("select count(*) from receipt") == [(0,)]


async def test_an_act_without_a_reason_is_refused(office: Office) -> None:
    with pytest.raises(ActRefused, match="reason"):
        await office.act(Decide(KEY, "release"), "treasurer", reason="  ")


async def test_what_a_person_saw_has_to_be_so_still(office: Office) -> None:
    act = Decide(KEY, "release")
    seen = (await office.desk.look(act)).seen
    async with office.house.database.transaction() as tx:
        await tx.execute("update command_open set note = 'changed'")
    with pytest.raises(ActRefused, match="no longer"):
        await office.desk.submit(act, Signature("treasurer", "seen"), seen, START)


async def test_the_same_act_twice_is_one_receipt_and_one_fact(office: Office) -> None:
    act = Decide(KEY, "release")
    seen = (await office.desk.look(act)).seen
    signature = Signature("treasurer", "seen")
    told = [await office.desk.submit(act, signature, seen, START) for _ in range(3)]
    await office.house.read_all()
    assert [done.new for done in told] == [True, False, False]
    assert len({done.act for done in told}) == 1
    assert await office.house.all("select count(*) from fact where type = 'command.released'") == [(1,)]


async def test_who_had_a_command_made_cannot_approve_it(office: Office) -> None:
    telling = as_fact(line("po_1", "txn_2"))
    told = dataclasses.replace(telling, origin="people", actor="treasurer", on_behalf_of="controller")
    await office.house.tell([told])
    await office.house.settle()
    for who in ("treasurer", "controller"):
        with pytest.raises(ActRefused, match="proposed"):
            await office.act(Decide("payout/po_1/annotate-txn_2/0/0", "release"), who)
    assert await office.act(Decide(KEY, "release"), "treasurer") == "treasurer/approve", (
        "another command is his to approve"
    )


@pytest.mark.parametrize("office", ["observe"], indirect=True)
async def test_what_was_observed_is_not_released_while_its_connection_observes(office: Office) -> None:
    assert await office.command_status() == "would_do"
    with pytest.raises(ActRefused, match="observe"):
        await office.act(Decide(KEY, "release"), "treasurer")
    await office.act(Decide(KEY, "discard"), "treasurer")
    assert await office.command_status() == "discarded"


async def test_closing_a_case_closes_it_once(office: Office) -> None:
    office.house.later(hours=2)
    await office.house.tenure.step(office.house.now)
    await office.house.settle()
    [(case,)] = await office.house.all("select id from exception_case")
    await office.act(Close(str(case)), "clerk")
    assert await office.house.all("select closed_by from exception_case") == [("clerk",)]
    with pytest.raises(ActRefused, match="already"):
        await office.act(Close(str(case)), "clerk")


async def test_a_match_reaches_the_subject_that_it_is_about(office: Office) -> None:
    target = Target(process="payout", subject="po_2", kind="psp", value="po_2")
    act = Match(Subject("payout", "po_1"), target)
    with pytest.raises(ActRefused, match="not known"):
        await office.act(act, "clerk")
    await office.act(act, "controller")
    assert await office.house.all("select subject, actor from fact where type = 'match.confirmed'") == [
        ("po_1", "controller")
    ]


async def stands(office: Office, told: House) -> None:
    """The open item of a story, as the engine would have stored it."""
    body, version = canonical(told.instances[ITEM].data), told.instances[ITEM].version
    async with office.house.database.transaction() as tx:
        await tx.connection.execute(
            "insert into subject (shard, process, subject, entity, version, revision, state, lane, body, absorbed,"
            " position) values (%s, 'collection', %s, 'DE', %s, 3, 'paid', 1, %s, '{}', 1)",
            (ITEM.shard, ITEM.id, version, body),
        )


@pytest.mark.parametrize("kind", ["refund", "person"])
async def test_what_a_match_moves_is_seen_and_held_against_the_limit(office: Office, kind: str) -> None:
    told = paid_by_card()
    told.tell(fact(capture(eur("10000.01"), "ch_2")))
    await stands(office, told)
    act = Match(ITEM, Target(process="collection", subject=ITEM.id, kind=kind, value=""))
    matter = await office.desk.look(act)
    assert (str(matter.amount), matter.says["amount"]) == ("10000.01 EUR", matter.amount)
    with pytest.raises(ActRefused, match=r"10000\.01 EUR is beyond the limit of clerk"):
        await office.desk.submit(act, Signature("clerk", "seen"), matter.seen, START)
    assert (await office.desk.submit(act, Signature("controller", "seen"), matter.seen, START)).right


async def test_a_proposed_match_in_the_erp_shows_its_amount_and_is_held_against_the_limit(office: Office) -> None:
    told = house()
    told.tell(fact(invoice(eur("6000.00")), order="2"), fact(credit("6000.00")))
    await stands(office, told)
    [(key, wanted)] = [(key, w) for key, (_, w) in told.commands.items() if w.step.startswith("reconcile")]
    async with office.house.database.transaction() as tx:
        await tx.connection.execute(
            "insert into command_open select %s, %s, %s, 'NOSX', 'collection', %s, %s, 0, 0, 'DE', connection,"
            " 'reconcile', lane, 'proposed', run_at, '', 0, position, 9, %s, null, null, bundle, null, actor, since"
            " from command_open",
            (ITEM.shard, IdempotencyKey.parse(key).bytes, key, ITEM.id, wanted.step, canonical(wanted.intent)),
        )
    [command] = await waiting_commands(office.house.database, subject=ITEM)
    assert command.amount == eur("6000.00")
    with pytest.raises(ActRefused, match=r"6000\.00 EUR is beyond the limit of treasurer"):
        await office.act(Decide(key, "release"), "treasurer")
    with pytest.raises(ActRefused, match="in observe for reconcile"):  # the limit doesn't hold the controller up
        await office.act(Decide(key, "release"), "controller")


async def test_a_rerun_has_a_receipt_read_again(office: Office) -> None:
    kept = await office.house.take({"payout": "po_7"}, {"nonsense": 1})
    await office.house.read_all()
    assert await office.act(Rerun(kept.id.hex()), "clerk") == "clerk/rerun"
    told = await office.house.all("select subject from fact where type = 'receipt.read' and process = 'receipt'")
    assert told.count((kept.id.hex(),)) == 2


async def test_each_rerun_ends_in_a_reading_of_its_own_and_the_one_that_mends_closes_the_case(office: Office) -> None:
    kept = await office.house.take({"payout": "po_7"}, {"nonsense": 1})
    await office.house.read_all()
    await office.act(Rerun(kept.id.hex()), "clerk")
    _mend_the_reader(office.house)
    await office.act(Rerun(kept.id.hex()), "clerk")
    ends = [end for end in await office.house.ends() if end["receipt"] == kept.id.hex()]
    assert [(end["reading"], end["rejected"]) for end in ends] == [(1, 1), (2, 1), (3, 0)]
    state = f"select state from subject where subject = '{kept.id.hex()}'"
    assert await office.house.all(state) == [("read",)]
    assert await office.house.all("select closed_at is not null from exception_case") == [(True,)]
    assert await office.house.all("select count(*) from reading") == [(0,)]


def _mend_the_reader(house: IntakeHouse) -> None:
    """What it rejected it knows from now on, as none of its business."""

    def mended(receipt: ReceiptView) -> Iterator[Item]:
        yield from (IgnoredItem("chatter") if isinstance(item, RejectItem) else item for item in read(receipt))

    connector = dataclasses.replace(till(), read=mended)
    house.connections["till"] = dataclasses.replace(house.connections["till"], connector=connector)
