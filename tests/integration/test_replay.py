"""Replay on a real log of all processes: under the recorded rules, in samples with state rows, under other rules."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import pytest
import pytest_asyncio
from rich.console import Console

from nostro.engine import replay as replaying
from nostro.engine.difference import MONEY
from nostro.engine.difference_in_money import by_currency
from nostro.engine.fitness import fitting_rules
from nostro.engine.replay import Check, Replay, WhatIf
from nostro.engine.walk import Walk
from nostro.governance.bundle import Bundle
from nostro.model.ids import SHARDS
from nostro.model.money import Money
from nostro.runtime.output import as_json
from nostro.runtime.replay_page import Told, page_of
from nostro.store.database import Database
from tests.money_story import Story, bundle, live

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300), pytest.mark.slow]
UNREAD = "can't be read (SealBroken)"
SPOILT = """
update fact set sealed_body = set_byte(sealed_body, 20, 255 - get_byte(sealed_body, 20))
where (shard, position) = (
    select shard, position from fact join data_key on id = data_key
    where sealed_body is not null and wrapped is not null and process = 'collection' order by 1, 2 limit 1
) returning shard, position"""
GONE = """
update bundle set digest = sha256(digest)
where digest = (select bundle from fact where process = 'collection' order by decided_at, shard, position limit 1)
returning (select bundle from fact where process = 'collection' order by decided_at, shard, position limit 1)"""
HOW_TO = Path(__file__).parents[2] / "docs/do/change-rules.md"


@pytest_asyncio.fixture
async def story(database_url: str) -> AsyncIterator[Story]:
    async with Database(database_url, size=4) as database:
        lived = Story(database)
        await live(lived)
        yield lived


async def asked(story: Story, rules: Bundle) -> Told:
    what_if = WhatIf(story.database, story.keys, story.processes, fitting_rules, fitting_rules(rules.content))
    changes = await what_if.run()
    return Told(story.now.business, what_if.rules.bundle, "new rules, not published", what_if, changes)


async def test_replay_of_a_lived_log(story: Story) -> None:
    """One story for all that is asked of it: living it takes a while."""
    await under_the_recorded_rules_nothing_differs_and_memory_is_bounded(story)
    await rules_that_change_nothing_change_nothing(story)
    await other_rules_show_what_would_have_been_in_money(story)
    await another_mode_shows_what_would_have_left(story)
    await rules_that_cannot_bear_a_fact_say_so(story)
    await subjects_that_are_not_kept_are_in_the_sums(story)
    await rules_that_only_wait_otherwise_are_no_rules_that_change_nothing(story)
    await a_sample_compares_state_rows_with_the_log_and_finds_what_was_changed(story)
    await a_sample_waits_for_no_decision_and_keeps_none_waiting(story)
    await a_changed_decision_is_found_and_a_throwing_one_is_no_end(story)
    await what_cannot_be_read_and_what_lacks_its_rules_are_found_and_are_no_end(story)


async def under_the_recorded_rules_nothing_differs_and_memory_is_bounded(story: Story) -> None:
    seen: list[int] = []
    replay = Replay(story.database, story.keys, story.processes, fitting_rules)
    count, differences = await replay.run(seen.append)
    [(facts,)] = [tuple(row) for row in await story.all("select count(*) from fact")]
    assert (count, differences, sum(seen)) == (facts, [], facts)
    walk = Walk(story.database, story.keys, story.processes, fitting_rules, held=0)
    steps = [step for shard in range(SHARDS) async for stretch in walk.shard(shard) for step in stretch]
    assert walk.folded_again > 10, "subjects that were let go are folded anew"
    assert all(step.equal for step in steps)


async def rules_that_change_nothing_change_nothing(story: Story) -> None:
    told = await asked(story, bundle(mode="act", overpayment_tolerance_minor=0))
    first = await asked(story, bundle())
    assert told.plain()["money"] == first.plain()["money"]
    assert told.asked.unlike == 0


async def other_rules_show_what_would_have_been_in_money(story: Story) -> None:
    """Cards that are never booked at capture: no booking of 200 EUR, and what was said of it is told by subject."""
    told = await asked(story, bundle(cards_post=False))
    lines = {(line.kind, line.entity, line.what): line for line in told.asked.totals.lines(MONEY)}
    booked = lines["command", "DE", "register_customer_payment at odoo, sent"]
    assert (booked.was, booked.was_amount) == (2, Money.of("200.00", "EUR"))
    assert booked.would_amount in (None, Money.zero("EUR"))
    subjects = [of[0].subject for of in told.changes]
    assert {"collection/DE/db/1", "collection/DE/db/2"} <= set(subjects)
    page = page_of(told)
    for text in (page.markdown(), page.html(), drawn(told)):
        for part in ("200.00 EUR", "register_customer_payment", "collection/DE/db/1", "not published"):
            assert part in text
        assert text.index("no forecast of balances") < text.index("EUR by entity"), "nobody may overlook it"
        for figures in (["200.00 EUR", "0.00 EUR", "-200.00 EUR"], ["0.00 EUR", "0.50 EUR", "+0.50 EUR"]):
            assert re.search(r"\W+".join(map(re.escape, figures)), re.sub(r"<[^>]+>", " ", text)), figures
        assert "payment.captured: card-at-capture -> no row" in unescape(text)
        assert "0.50 EUR more came in than INV/5 asks for" in " ".join(text.split()), "the case says why"
    assert not re.search(r"<script|src=|href=", page.html()), "the file needs no other"
    shown = re.findall(r"^\| (?:DE|collection/).*\|$", HOW_TO.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(shown) > 3
    assert set(shown) <= set(page.markdown().splitlines()), "what the page for approvers shows is such a page"
    plain = json.loads(as_json(told.plain()))
    assert {"as_of", "under", "money", "differences", "facts"} <= plain.keys()
    [euros] = plain["money_by_subject"]
    assert (euros["currency"], [of["subject"][-4:] for of in euros["subjects"]]) == ("EUR", ["db/1", "db/2", "db/5"])
    assert plain["not_followed"]["subjects"] == {"state": 3, "fact": 0, "command": 3, "stopped": 0}


def drawn(told: Told) -> str:
    console = Console(width=220, record=True, markup=False)
    page_of(told).draw(console)
    return console.export_text()


async def another_mode_shows_what_would_have_left(story: Story) -> None:
    told = await asked(story, bundle(mode="observe"))
    fates = {(line.what.rpartition(", ")[2], line.was > line.would) for line in told.asked.totals.lines(("command",))}
    assert fates == {("sent", True), ("only noted", False)}


async def rules_that_cannot_bear_a_fact_say_so(story: Story) -> None:
    nobody = bundle().model_copy(update={"entities": ()})
    told = await asked(story, nobody)
    [line, *_] = told.asked.totals.lines(("stopped",))
    assert line.would > 10
    assert "set aside: KeyError" in page_of(told).markdown()


async def subjects_that_are_not_kept_are_in_the_sums(story: Story) -> None:
    whole = await asked(story, bundle(cards_post=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replaying, "OF_A_SHARD", 0)
        told = await asked(story, bundle(cards_post=False))
    assert told.plain()["money"] == whole.plain()["money"]
    [euros] = by_currency(told.asked.totals, told.changes, 50)
    assert (euros.subjects, euros.others) == ((), euros.totals)
    assert "of at least 0 subjects" in page_of(told).markdown()


async def rules_that_only_wait_otherwise_are_no_rules_that_change_nothing(story: Story) -> None:
    less, more = await asked(story, bundle()), await asked(story, bundle(payout_grace_days=9))
    assert less.plain()["money"] == more.plain()["money"]
    assert less.asked.waits == 0 < more.asked.waits
    assert "would have waited until another time" in page_of(more).markdown()


async def a_sample_compares_state_rows_with_the_log_and_finds_what_was_changed(story: Story) -> None:
    check = Check(story.database, story.keys, story.processes, fitting_rules)
    assert await check.run("2026-09-01", 1000) == []
    assert check.subjects == 14
    some = Check(story.database, story.keys, story.processes, fitting_rules)
    await some.run("2026-09-01", SHARDS)
    assert 0 < some.subjects < 14, "a sample is a sample"
    await story.all("update subject set state = 'paid' where subject = 'DE/db/2' returning 1")
    [found] = await Check(story.database, story.keys, story.processes, fitting_rules).run("2026-09-02", 1000)
    assert (found.subject, found.recorded) == ("collection/DE/db/2", "a state row whose state is another")
    await story.all("update subject set state = 'open', body = '{}' where subject = 'DE/db/2' returning 1")
    [found] = await Check(story.database, story.keys, story.processes, fitting_rules).run("2026-09-03", 1000)
    assert "data" in found.recorded
    assert "invoice" not in found.recorded, "a state's content isn't told"


async def a_sample_waits_for_no_decision_and_keeps_none_waiting(story: Story) -> None:
    async with story.database.transaction() as deciding:
        await deciding.execute(b"select from subject for update")
        async with asyncio.timeout(20):
            await Check(story.database, story.keys, story.processes, fitting_rules).run("2026-09-01", 1000)


async def a_changed_decision_is_found_and_a_throwing_one_is_no_end(story: Story) -> None:
    await story.all("update fact set decided = leaf where subject = 'DE/db/4' and revision = 2 returning 1")
    await story.all("update fact set state_after = 'nowhere' where subject = 'DE/db/1' and revision = 1 returning 1")
    replay = Replay(story.database, story.keys, story.processes, fitting_rules)
    _, differences = await replay.run()
    assert {"collection/DE/db/4", "collection/DE/db/1"} == {one.subject for one in differences}
    assert replay.differing == len(differences) > 1


async def what_cannot_be_read_and_what_lacks_its_rules_are_found_and_are_no_end(story: Story) -> None:
    [(facts,)] = [tuple(row) for row in await story.all("select count(*) from fact")]
    [(shard, position)] = [tuple(row) for row in await story.all(SPOILT)]
    [(digest,)] = [tuple(row) for row in await story.all(GONE)]
    replay = Replay(story.database, story.keys, story.processes, fitting_rules)
    count, differences = await replay.run()
    assert count == facts
    assert [one.replayed for one in differences if (one.shard, one.position) == (shard, position)] == [UNREAD]
    lacking = f"bundle {bytes(digest).hex()[:12]} is missing"
    assert sum(one.replayed == lacking for one in differences) > 1
    sampled = await Check(story.database, story.keys, story.processes, fitting_rules).run("2026-09-04", 1000)
    assert {UNREAD, lacking} <= {one.replayed for one in sampled}
    [subject] = {one.subject for one in sampled if one.replayed == UNREAD}
    assert [one for one in sampled if (one.subject, one.type) == (subject, "state row")] == []
    told = await asked(story, bundle())
    assert told.asked.unlike == replay.differing
