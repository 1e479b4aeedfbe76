"""Erasing a person: what they left waits, stays, is rebuilt or is destroyed, whatever an erasure is cut by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nostro.engine.deciding import load_subjects
from nostro.engine.rebuild import Rebuild, Rebuilt
from nostro.model.base import ConfidentialText
from nostro.model.facts import Fact, PaymentCaptured, ReceiptRead
from nostro.model.ids import Subject
from nostro.model.references import Reference
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import but
from nostro.processes.receipt import PROCESS as RECEIPT
from nostro.store.erase import Erasure, erase
from nostro.store.receipts import Received, keep
from tests.integration.synthetic import PROCESS, House, Tally, as_fact, line, payout
from tests.integration.test_audit import captured, house

__all__ = ["house"]
pytestmark = pytest.mark.asyncio


class Known(Tally):
    """What the process remembers of the first payer."""

    payer_name: ConfidentialText = None


def knowing(house: House) -> None:
    """From here on payouts remember a payer."""

    def evolve(state: State, told: Fact) -> State:
        assert isinstance(state, Known)
        assert isinstance(told.body, PaymentCaptured)
        return state if state.payer_name else but(state, payer_name=told.body.payer_name)

    edges = {key: to | {"counting"} for key, to in PROCESS.versions[0].machine.edges.items()}
    edges |= {(at, "payment.captured"): frozenset({"counting"}) for at in ("new", "counting")}
    version = replace(PROCESS.versions[0], machine=replace(PROCESS.versions[0].machine, edges=edges))
    house.processes["payout"] = replace(PROCESS, versions=(replace(version, initial=Known(), evolve=evolve),))


async def erased(house: House, payer: str) -> Erasure:
    """Their keys are destroyed; the states are still to be rebuilt."""
    party = [Reference.to("email", f"{payer}@example.test")]
    return await erase(house.database, house.keys, party, "person", house.now.business)


async def test_what_waits_of_an_erased_person_is_decided_although_the_subject_knows_another(house: House) -> None:
    knowing(house)
    await house.tell([captured()], [Subject("payout", "po_1")])
    await house.settle()
    await house.tell([captured("ch_2", "customer-043")], [Subject("payout", "po_1")])
    await erased(house, "customer-043")
    await house.settle()
    assert await house.all("select reason, sentence from exception_case") == []
    assert await house.all("select revision from subject where subject = 'po_1'") == [(2,)]
    await house.tell([captured("ch_3")], [Subject("payout", "po_1")])
    await house.settle()
    assert await house.all("select revision, poisoned from subject where subject = 'po_1'") == [(3, "")]


async def test_an_erasure_that_was_cut_between_its_halves_is_gone_on_with(house: House) -> None:
    """The state is under another person's living key, and knows the one who was erased until it is rebuilt."""
    knowing(house)
    await house.tell([captured()], [Subject("payout", "po_1")])
    await house.settle()
    await house.tell([captured("ch_2", "customer-043")], [Subject("payout", "po_1")])
    await house.settle()
    first = await erased(house, "customer-042")
    again = await erased(house, "customer-042")
    assert await remembered(house, "po_1") == "Customer 042"
    assert (first.keys, again.keys, again.held) == (1, 0, 0)
    assert again.subjects == first.subjects == (("payout", "po_1"),)
    rebuilt = await Rebuild(house.database, house.keys, house.processes).run([Subject(*again.subjects[0])])
    assert rebuilt == Rebuilt(1)
    assert await remembered(house, "po_1") is None


async def test_a_subject_that_cannot_be_rebuilt_is_told_and_keeps_no_other_from_it(house: House) -> None:
    knowing(house)
    subjects = [Subject("payout", name) for name in ("po_1", "po_2")]
    facts = [
        (captured(f"ch_{payer}_{to.id}", payer), to) for payer in ("customer-042", "customer-043") for to in subjects
    ]
    for fact, to in facts:
        await house.tell([fact], [to])
        await house.settle()
    async with house.database.transaction() as tx:
        await tx.execute(b"update fact set sealed_body = 'changed' where subject = 'po_1' and revision = 2")
    found = [Subject(*subject) for subject in (await erased(house, "customer-042")).subjects]
    assert set(found) == set(subjects)
    rebuilt = await Rebuild(house.database, house.keys, house.processes).run(sorted(found))
    assert rebuilt == Rebuilt(1, (subjects[0],))
    assert [await remembered(house, name) for name in ("po_1", "po_2")] == ["Customer 042", None]


async def remembered(house: House, payout_id: str) -> object:
    """The payer that a payout knows."""
    subject = Subject("payout", payout_id)
    async with house.database.transaction() as tx:
        [row] = (await load_subjects(tx, house.keys, house.processes, [subject])).values()
    assert isinstance(row.instance.data, Known)
    return row.instance.data.payer_name


async def told_by_receipt(
    house: House, *, items: int = 1, ignored: int = 0, lane: str | None = None, decided: bool = True
) -> bytes:
    """A receipt of which one payment is in the log, and of which its reading says that so many items were in it.

    `lane`: it waits there to be read again. Not `decided`: what it told is still on its way.
    """
    house.processes["receipt"] = RECEIPT
    received = Received("psp", "file", house.now.business, signed=True, lane=lane)
    async with house.database.transaction() as tx:
        receipt = (await keep(tx, house.keys, received, b"a payment of customer 042")).id
    await house.tell([replace(captured(), receipt=receipt, item=1)], [Subject("payout", "po_1")])
    counts = {"items": items, "read": items - ignored, "duplicate": 0, "ignored": ignored, "rejected": 0}
    read = ReceiptRead(receipt=receipt.hex(), digest="", connection="psp", reading=1, **counts)
    await house.tell([replace(as_fact(read), receipt=receipt)])
    if decided:
        await house.settle()
    return receipt


async def test_a_receipt_that_speaks_of_nobody_else_is_destroyed_with_its_person(house: House) -> None:
    await told_by_receipt(house, items=2, ignored=1)
    done = [await erased(house, "customer-042") for _ in range(2)]
    assert [(one.receipts, one.receipts_kept) for one in done] == [(1, 0), (0, 0)]
    assert await house.all("select wrapped from receipt") == [(None,)]


async def test_a_receipt_of_which_nothing_is_decided_yet_is_kept_and_told_and_destroyed_later(house: House) -> None:
    """Its bytes say all of the person: whoever was told that nothing is left would not ask again."""
    await told_by_receipt(house, decided=False)
    first = await erased(house, "customer-042")
    assert (first.keys, first.receipts, first.receipts_kept, first.subjects) == (1, 0, 1, ())
    again = await erased(house, "customer-042")
    assert (again.keys, again.receipts, again.receipts_kept) == (0, 0, 1)
    await house.settle()
    last = await erased(house, "customer-042")
    assert (last.receipts, last.receipts_kept, last.subjects) == (1, 0, (("payout", "po_1"),))
    assert await house.all("select wrapped from receipt") == [(None,)]


async def test_a_receipt_whose_facts_were_set_aside_is_kept_and_told(house: House) -> None:
    await house.tell([as_fact(payout("po_1", descriptor="throw"))])
    await house.settle()
    await told_by_receipt(house)
    assert await house.all("select kind, data_key is not null from parked where subject = 'po_1' order by 2 desc") == [
        ("poison", True),
        ("poison", False),
    ]
    async with house.database.transaction() as tx:
        await tx.execute(
            b"insert into parked select shard, '\\x00', kind, process, subject, since, until, '\\x00ff5c22',"
            b" sealed_body, data_key from parked where data_key is not null"
        )
    done = await erased(house, "customer-042")
    assert (done.keys, done.receipts, done.receipts_kept) == (1, 0, 1)


@pytest.mark.parametrize("other", [captured("ch_2", "customer-043"), as_fact(line("po_unknown", "txn_1"))])
async def test_a_receipt_of_which_anothers_fact_waits_is_kept(house: House, other: Fact) -> None:
    """It waits to be decided, or is parked since nobody knows yet where it leads."""
    receipt = await told_by_receipt(house)
    to = [Subject("payout", "po_1")] if isinstance(other.body, PaymentCaptured) else None
    await house.tell([replace(other, receipt=receipt, item=2)], to)
    done = await erased(house, "customer-042")
    assert (done.keys, done.receipts, done.receipts_kept) == (1, 0, 1)
    assert await house.all("select wrapped from receipt") != [(None,)]


@pytest.mark.parametrize("still", [{"lane": "bulk"}, {"items": 2}])
async def test_a_receipt_of_which_something_is_unread_or_known_from_elsewhere_is_kept(
    house: House, still: dict[str, Any]
) -> None:
    await told_by_receipt(house, **still)
    done = await erased(house, "customer-042")
    assert (done.keys, done.receipts, done.receipts_kept) == (1, 0, 1)
