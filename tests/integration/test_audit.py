"""Seals: whatever is done to the log behind Nostro's back is found and located; erasing a person leaves it whole."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import pytest
import pytest_asyncio

from nostro.engine.checkpoints import Checkpoints
from nostro.model.base import ERASED
from nostro.model.facts import Fact, PaymentCaptured
from nostro.model.failures import OutOfService
from nostro.model.ids import Subject
from nostro.model.money import Money
from nostro.model.references import Reference
from nostro.store import audit
from nostro.store.arrivals import COLUMNS as ARRIVAL_COLUMNS
from nostro.store.arrivals import Arrival
from nostro.store.audit import Anchor, Verdict, verify
from nostro.store.blobs import open_body
from nostro.store.database import Database
from nostro.store.erase import erase
from nostro.store.log import FactRow, leaf_of
from nostro.store.sealing import Checkpoint, Head, SealKey, sign
from tests.integration.synthetic import House, as_fact, payout

pytestmark = pytest.mark.asyncio
SEAL = SealKey.from_text(base64.b64encode(b"s" * 32).decode())


@dataclass
class Sealed:
    """A house with a sealed log of some facts, and the anchors that were put outside."""

    house: House
    anchors: list[Anchor] = field(default_factory=list)

    async def anchor(self, anchor: Anchor, at: datetime) -> None:
        """Keeps the newest anchors in memory, as a folder elsewhere would."""
        assert at
        self.anchors.append(anchor)

    async def seal(self) -> None:
        """Signs a checkpoint now."""
        assert await Checkpoints(self.house.database, SEAL, self.anchor).step(self.house.now) == 1

    async def verdict(self) -> Verdict:
        """What `audit verify` says."""
        [(deployment,)] = await self.house.all("select id from deployment")
        assert isinstance(deployment, bytes)
        return await verify(self.house.database, deployment, SEAL.private.public_key(), self.anchors)

    async def behind_our_back(self, statement: str) -> None:
        """Somebody with a superuser's rights at work."""
        async with self.house.database.transaction() as tx:
            await tx.execute(statement.encode())


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with Database(database_url, size=4) as database:
        house = House(database)
        await house.begin()
        yield house


@pytest_asyncio.fixture
async def sealed(house: House) -> Sealed:
    """Sixty payouts, one captured payment with confidential fields, and a checkpoint."""
    await house.tell([as_fact(payout(f"po_{n}")) for n in range(60)])
    await house.tell([captured()], [Subject("payout", "po_1")])
    await house.settle()
    result = Sealed(house)
    await result.seal()
    return result


def captured(charge: str = "ch_1", payer: str = "customer-042") -> Fact:
    """A payment with a payer."""
    body = PaymentCaptured(
        connection="psp",
        charge_id=charge,
        amount=Money.of("10", "EUR"),
        captured_on=date(2026, 8, 31),
        payer_email=f"{payer}@example.test",
        payer_name=payer.replace("-", " ").capitalize(),
    )
    return as_fact(body)


async def shard_with(house: House, facts: int) -> int:
    """A shard with at least so many facts."""
    [(shard,), *_] = await house.all(f"select shard from shard where position >= {facts} order by shard")
    assert isinstance(shard, int)
    return shard


async def test_an_untouched_log_verifies(sealed: Sealed) -> None:
    verdict = await sealed.verdict()
    assert verdict.findings == ()
    assert verdict.facts == 64 + 61
    assert verdict.unsealed == 0


async def test_facts_after_the_checkpoint_are_shown_as_unsealed(sealed: Sealed) -> None:
    await sealed.house.tell([as_fact(payout("po_100"))])
    await sealed.house.settle()
    assert (await sealed.verdict()).unsealed == 1


@pytest.mark.parametrize("change", ["actor = 'somebody else'", "body = body || ' '", "sealed_body = 'other'"])
async def test_a_changed_fact_is_located(sealed: Sealed, change: str) -> None:
    shard = await shard_with(sealed.house, 2)
    await sealed.behind_our_back(f"update fact set {change} where shard = {shard} and position = 2")
    [finding] = (await sealed.verdict()).findings
    assert (finding.kind, finding.where) == ("changed", f"shard {shard} position 2")


async def test_a_fact_changed_together_with_its_leaf_is_located_by_the_one_behind_it(sealed: Sealed) -> None:
    shard = await shard_with(sealed.house, 3)
    first, second = await sealed.house.all(
        f"select {', '.join(FactRow._fields)} from fact where shard = {shard} and position <= 2 order by position"
    )
    forged = FactRow._make(second)._replace(actor="somebody else")
    leaf = leaf_of(FactRow._make(first).leaf, forged).hex()
    await sealed.behind_our_back(
        f"update fact set actor = 'somebody else', leaf = '\\x{leaf}' where shard = {shard} and position = 2"
    )
    assert {f.where for f in (await sealed.verdict()).findings} >= {f"shard {shard} position 3"}


async def test_a_deleted_fact_is_located(sealed: Sealed) -> None:
    shard = await shard_with(sealed.house, 3)
    await sealed.behind_our_back(f"delete from fact where shard = {shard} and position = 2")
    findings = (await sealed.verdict()).findings
    assert ("missing", f"shard {shard} position 2") in {(f.kind, f.where) for f in findings}


async def test_two_facts_that_changed_places_are_located(sealed: Sealed) -> None:
    shard = await shard_with(sealed.house, 3)
    swap = "update fact set position = case position when -2 then 3 when -3 then 2 end"
    await sealed.behind_our_back(f"update fact set position = -position where shard = {shard} and position in (2, 3)")
    await sealed.behind_our_back(f"{swap} where shard = {shard} and position in (-2, -3)")
    assert {f.where for f in (await sealed.verdict()).findings} >= {f"shard {shard} position 2"}


async def test_a_log_cut_off_together_with_its_shard_row_is_found_by_the_checkpoint(sealed: Sealed) -> None:
    shard = await shard_with(sealed.house, 2)
    await sealed.behind_our_back(f"delete from fact where shard = {shard} and position > 1")
    await sealed.behind_our_back(
        f"update shard set position = 1, head = (select leaf from fact where shard = {shard} and position = 1) "
        f"where shard = {shard}"
    )
    assert "cut_off" in {f.kind for f in (await sealed.verdict()).findings}


async def rewritten(sealed: Sealed, shard: int) -> int:
    """The shard's newest fact says something else, and its leaf and the shard's row were made to fit. Its position."""
    *_, before, newest = await sealed.house.all(
        f"select {', '.join(FactRow._fields)} from fact where shard = {shard} order by position"
    )
    forged = FactRow._make(newest)._replace(actor="somebody else")
    leaf = leaf_of(FactRow._make(before).leaf, forged).hex()
    await sealed.behind_our_back(
        f"update fact set actor = 'somebody else', leaf = '\\x{leaf}' "
        f"where shard = {shard} and position = {forged.position}"
    )
    await sealed.behind_our_back(f"update shard set head = '\\x{leaf}' where shard = {shard}")
    return forged.position


async def cut(sealed: Sealed, shard: int) -> int:
    """The shard's newest fact is gone, and its row says so. The position where it stood; everybody starts anew."""
    [(position,)] = await sealed.house.all(f"select position from shard where shard = {shard}")
    assert isinstance(position, int)
    await sealed.behind_our_back("create table if not exists taken (like fact)")
    await sealed.behind_our_back(
        f"with gone as (delete from fact where shard = {shard} and position = {position} returning *) "
        "insert into taken select * from gone"
    )
    await sealed.behind_our_back(
        f"update shard s set position = f.position, head = f.leaf from fact f "
        f"where s.shard = {shard} and f.shard = {shard} and f.position = {position - 1}"
    )
    return position


async def test_the_newest_fact_rewritten_and_sealed_anew_by_us_is_found_by_the_checkpoint_before(
    sealed: Sealed,
) -> None:
    shard = await shard_with(sealed.house, 2)
    position = await rewritten(sealed, shard)
    await sealed.seal()
    [finding] = (await sealed.verdict()).findings
    assert (finding.kind, finding.where) == ("changed", f"shard {shard} position {position}")


async def test_the_newest_fact_replaced_by_the_next_one_is_found_by_the_checkpoint_before(sealed: Sealed) -> None:
    house, shard = sealed.house, await shard_with(sealed.house, 2)
    position = await cut(sealed, shard)
    house.tenure.shards.clear()
    house.later(seconds=60)
    await house.tenure.step(house.now)
    name = next(f"po_{n}" for n in range(100, 10_000) if Subject("payout", f"po_{n}").shard == shard)
    await house.tell([as_fact(payout(name))])
    await house.settle()
    await sealed.seal()
    [finding] = (await sealed.verdict()).findings
    assert (finding.kind, finding.where) == ("changed", f"shard {shard} position {position}")


async def test_a_shard_that_stood_lower_in_a_later_checkpoint_is_found_although_its_fact_was_put_back(
    sealed: Sealed,
) -> None:
    shard = await shard_with(sealed.house, 2)
    position = await cut(sealed, shard)
    await sealed.seal()
    await sealed.behind_our_back("insert into fact select * from taken")
    await sealed.behind_our_back(
        f"update shard s set position = {position}, head = t.leaf from taken t where s.shard = {shard}"
    )
    await sealed.seal()
    [finding] = (await sealed.verdict()).findings
    assert (finding.kind, finding.where) == ("cut_off", "checkpoint 2")


async def test_what_the_house_appends_while_it_is_verified_is_no_flaw(
    sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = audit._Walk.run
    house = sealed.house

    async def walked(self: audit._Walk, database: Database, start: bytes) -> tuple[int, list[audit.Finding]]:
        if self.shard == 0:  # the heads are read by now
            await house.tell([as_fact(payout(f"po_{n}")) for n in range(100, 300)])
            await house.settle()
        return await walk(self, database, start)

    monkeypatch.setattr(audit._Walk, "run", walked)
    verdict = await sealed.verdict()
    assert verdict.findings == ()
    assert verdict.facts == 64 + 61
    monkeypatch.undo()
    assert (await sealed.verdict()).facts == 64 + 61 + 200


async def test_a_fact_that_somebody_wrote_behind_its_shard_s_end_is_located(sealed: Sealed) -> None:
    shard = await shard_with(sealed.house, 2)
    [(position,)] = await sealed.house.all(f"select position from shard where shard = {shard}")
    assert isinstance(position, int)
    await sealed.behind_our_back("create table forged (like fact)")
    await sealed.behind_our_back(f"insert into forged select * from fact where shard = {shard} and position = 2")
    await sealed.behind_our_back(f"update forged set position = {position + 1}")
    await sealed.behind_our_back("insert into fact select * from forged")
    [finding] = (await sealed.verdict()).findings
    assert (finding.kind, finding.where) == ("changed", f"shard {shard} position {position + 1}")


async def test_a_shard_whose_row_is_gone_is_found_and_its_facts_are_walked(sealed: Sealed) -> None:
    await sealed.behind_our_back("delete from shard where shard = 7")
    verdict = await sealed.verdict()
    assert [(finding.kind, finding.where) for finding in verdict.findings] == [("missing", "shard 7")]
    assert verdict.facts == 64 + 61


async def test_checkpoints_that_were_cut_off_too_are_found_by_the_anchor(sealed: Sealed) -> None:
    await sealed.behind_our_back("delete from checkpoint")
    assert {f.kind for f in (await sealed.verdict()).findings} == {"anchor"}


async def test_what_could_not_be_anchored_is_anchored_again_although_nothing_was_appended(sealed: Sealed) -> None:
    """Else a restore to before it goes unnoticed for a whole quiet night."""
    house = sealed.house

    async def refuses(_: Anchor, __: datetime) -> None:
        raise OutOfService("The folder is full.")

    await house.tell([as_fact(payout("po_late"))])
    await house.settle()
    with pytest.raises(OutOfService):
        await Checkpoints(house.database, SEAL, refuses).step(house.now)
    sealed.anchors.clear()
    house.later(seconds=60)
    await sealed.seal()
    newest = await house.all("select number, digest from checkpoint order by number desc limit 1")
    assert [(anchor.number, anchor.digest) for anchor in sealed.anchors] == newest
    assert await Checkpoints(house.database, SEAL, sealed.anchor).step(house.now) == 0


async def test_a_checkpoint_signed_with_another_key_is_not_trusted(sealed: Sealed) -> None:
    await sealed.behind_our_back("delete from checkpoint")
    forged = SealKey.from_text(base64.b64encode(b"f" * 32).decode())
    anchors = list(sealed.anchors)
    await Checkpoints(sealed.house.database, forged, sealed.anchor).step(sealed.house.now)
    sealed.anchors = anchors
    assert {f.kind for f in (await sealed.verdict()).findings} == {"checkpoint", "anchor"}


async def test_a_checkpoint_that_leaves_out_a_shard_is_found(sealed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(key: SealKey, number: int, at: datetime, heads: Mapping[int, Head], previous: bytes) -> Checkpoint:
        return sign(key, number, at, {shard: head for shard, head in heads.items() if shard}, previous)

    monkeypatch.setattr("nostro.engine.checkpoints.sign", forgetful)
    sealed.house.later(seconds=10)
    await sealed.house.tell([as_fact(payout("po_100"))])
    await sealed.house.settle()
    await sealed.seal()
    [finding] = (await sealed.verdict()).findings
    assert (finding.kind, finding.where) == ("checkpoint", "checkpoint 2")


async def test_the_sealer_can_change_nothing_that_it_seals(sealed: Sealed) -> None:
    for statement in ("delete from fact", "update shard set position = 0", "update checkpoint set digest = ''"):
        with pytest.raises(Exception, match="permission denied"):
            await sealed.behind_our_back(f"set local role nostro_checkpoint; {statement}")


async def test_erasing_a_person_leaves_the_seals_whole_and_their_fields_unreadable(sealed: Sealed) -> None:
    house = sealed.house
    stored = await dump(house)
    assert b"ch_1".hex() in stored
    assert b"Customer 042".hex() not in stored
    erasure = await erase(
        house.database, house.keys, [Reference.to("email", "Customer-042@example.test")], "person", house.now.business
    )
    assert (erasure.keys, erasure.held) == (1, 0)
    assert (await sealed.verdict()).findings == ()
    names = ", ".join(FactRow._fields)
    [row] = await house.all(f"select {names} from fact where type = 'payment.captured'")
    fact = FactRow(*row)  # type: ignore[arg-type]  # a row of the log, in the columns' order
    async with house.database.transaction() as tx:
        known = await house.keys.load(tx, [fact.data_key or b""])
    body = open_body(house.keys, as_arrival(fact), known)
    assert isinstance(body, PaymentCaptured)
    assert (body.payer_name, body.payer_email, body.amount) == (ERASED, ERASED, Money.of("10", "EUR"))


async def test_a_key_under_legal_hold_is_not_destroyed(sealed: Sealed) -> None:
    house = sealed.house
    await sealed.behind_our_back("update data_key set held_until = '2036-01-01' where party is not null")
    party = [Reference.to("email", "customer-042@example.test")]
    erasure = await erase(house.database, house.keys, party, "person", house.now.business)
    assert (erasure.keys, erasure.held) == (0, 1)


def as_arrival(fact: FactRow) -> Arrival:
    """The columns that an arrival shares with a fact."""
    shared = {name: getattr(fact, name) for name in ARRIVAL_COLUMNS if hasattr(fact, name)}
    return Arrival(**shared, lane=1, at=fact.decided_at, key=b"")


async def dump(house: House) -> str:
    """All facts and subjects as text, in which bytes are hexadecimal."""
    rows = await house.all("select f::text from fact f union all select s::text from subject s")
    return "".join(str(row) for (row,) in rows)
