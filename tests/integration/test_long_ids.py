"""However long an id is that somebody sends, it stops nothing but its own item: the database bears no index entry
above 2,704 bytes, and what is decided stands in indexes by its subject's id.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path

import pytest
import pytest_asyncio

from nostro.connectors.bank_files.manifest import CONNECTOR, BankFilesConfig
from nostro.egress.connections import OpenConnection
from nostro.model.facts import CaseClosed, PaymentCaptured
from nostro.model.failures import StatementRefused, TooLong
from nostro.model.ids import Subject
from nostro.model.money import Money
from nostro.processes.registry import by_name
from nostro.projections.worklist import OpenCase, open_cases
from nostro.routing.bounds import ID_BYTES
from nostro.store.receipts import Received
from tests.integration.intake_house import IntakeHouse, begun
from tests.integration.synthetic import as_fact
from tests.stories import SmallRules
from tests.unit.test_bank_files import entity
from tests.unit.test_camt import HEAD, balance, document, entry

pytestmark = pytest.mark.asyncio
RUNBOOK = Path(__file__).parents[2] / "docs/operate/poisoned.md"
BOUNDED = "nostro.routing.route.bounded"
LONG = "".join(hashlib.sha256(b"%d" % n).hexdigest() for n in range(94))[:6000]
"""No two parts of it are alike: PostgreSQL can't make it short enough."""


def camt(ident: str) -> bytes:
    """A statement without day and number, so that its id alone tells it from others."""
    head = HEAD.replace("S1", ident)
    return document(entry("1.00"), entry("2.00"), head=head)


def mt940(ident: str) -> bytes:
    """The same of a bank that counts no statements."""
    return (
        f":20:{ident}\r\n:25:DE89370400440532013000\r\n:28C:0\r\n:60F:C260831EUR10,00\r\n"
        ":61:2608310831C1,00NTRFNONREF\r\n:61:2608310831C2,00NTRFNONREF\r\n:62F:C260831EUR13,00\r\n-\r\n"
    ).encode()


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[IntakeHouse]:
    """All processes, and a bank that sends files."""
    house = await begun(database_url)
    of = entity()
    house.processes.update(by_name())
    house.decider.rules_from = lambda _: SmallRules(of)
    house.decider._rules.clear()
    house.connections["bank"] = OpenConnection("bank", CONNECTOR, BankFilesConfig(folder="in"), entities=(of,))
    yield house
    await house.database.__aexit__()


async def received(house: IntakeHouse, name: str, content: bytes) -> None:
    await house.intake.take(Received("bank", "file", house.now.business, signed=True, name=name), content)


@pytest.mark.parametrize("told", [camt, mt940])
async def test_a_statement_whose_id_is_far_too_long_is_a_reject_and_everything_else_is_decided(
    house: IntakeHouse, told: Callable[[str], bytes]
) -> None:
    await received(house, "long", told(LONG))
    await received(house, "right", document(entry("5.00"), balance("CLBD", "5.00")))
    await house.read_all()
    assert await house.all("select count(*) from arrival") == [(0,)]
    ends = sorted((end["items"], end["read"], end["rejected"]) for end in await house.ends())
    assert ends == [(2, 2, 0), (3, 2, 1)]
    assert await house.all("select count(*) from fact where type = 'statement.entry_reported'") == [(3,)]
    [case] = [case for case in await open_cases(house.database) if case.process == "receipt"]
    assert case.reason == "rejected_items"
    assert "What statement.listed is about has an id of 6,0" in case.sentence
    assert "1,000 are the most. Its statement has 6,0" in case.sentence
    assert LONG[:100] not in case.sentence


@pytest.mark.parametrize("told", [camt, mt940])
async def test_what_an_earlier_release_has_let_onto_the_queue_is_set_apart_and_everything_else_is_decided(
    house: IntakeHouse, monkeypatch: pytest.MonkeyPatch, told: Callable[[str], bytes]
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(BOUNDED, lambda subject, _: subject)
        await received(house, "long", told(LONG))
        await house.readings.step(house.now)
    await received(house, "right", document(entry("5.00"), balance("CLBD", "5.00")))
    await house.read_all()
    assert await house.all("select count(*) from arrival") == [(0,)]
    assert await house.all("select count(*) from fact where type = 'statement.entry_reported'") == [(3,)]
    assert await house.all("select kind, process from parked") == [("poison", "statement_series")]
    await closed(house, "1")
    case = await closed(house, "2")
    _, delete, rest = RUNBOOK.read_text(encoding="utf-8").partition("delete from parked where subject = 'too-long/")
    statement = delete.removesuffix("too-long/") + case.subject + rest.partition("...")[2].partition(";")[0]
    await house.all(f"{statement} returning 1")
    await closed(house, "3")
    assert "poisoned" not in [case.reason for case in await open_cases(house.database)]
    assert await house.all("select count(*) from arrival") == [(0,)]


async def closed(house: IntakeHouse, act: str) -> OpenCase:
    """The case of what was set apart, which a person closes."""
    [case] = [case for case in await open_cases(house.database) if case.reason == "poisoned"]
    assert case.sentence.startswith("A fact (statement.listed) is about a subject whose id has 6,0")
    await house.tell([as_fact(CaseClosed(act=act, case=case.id))], [Subject(case.process, case.subject)])
    await house.read_all()
    return case


@pytest.mark.parametrize("told", [{"payout": LONG}, {"close": "case-1", "to": ["payout", LONG]}])
async def test_so_is_an_event_of_a_webhook_and_what_a_person_acts_on(
    house: IntakeHouse, told: dict[str, object]
) -> None:
    house.connections["people"] = house.connections["till"]
    await house.take(told, {"payout": "po_1"}, kind="webhook", event=LONG)
    await house.read_all()
    [end] = await house.ends()
    assert (end["items"], end["read"], end["rejected"]) == (2, 1, 1)
    assert "has an id of 6,00" in end["rejects"][0]["why"]


async def test_ids_are_bounded_in_bytes_and_the_longest_is_decided(house: IntakeHouse) -> None:
    fits = "\u00e9" + LONG[: ID_BYTES - len("psp/\u00e9".encode())]
    await house.take({"payout": fits}, {"payout": f"{fits}x"})
    await house.read_all()
    assert await house.all("select octet_length(subject) from fact where process = 'payout'") == [(ID_BYTES,)]
    [end] = await house.ends()
    assert (end["items"], end["read"], end["rejected"]) == (2, 1, 1)


def captured(charge: str) -> PaymentCaptured:
    amount = Money.of("10", "EUR")
    return PaymentCaptured(connection="psp", charge_id=charge, amount=amount, captured_on=date(2026, 8, 31))


async def test_what_could_go_nowhere_at_its_deadline_is_not_parked(house: IntakeHouse) -> None:
    with pytest.raises(TooLong, match=r"Its charge_id has 6,000\."):
        await house.tell([as_fact(captured(LONG))])


async def test_what_an_earlier_release_has_parked_is_set_apart_and_holds_nobody_else_up(
    house: IntakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(BOUNDED, lambda subject, _: subject)
        await house.tell([as_fact(captured(name)) for name in ("ch_1", LONG, "ch_2")])
    house.later(days=3)
    await house.tenure.step(house.now)
    await house.settle()
    assert await house.all("select subject from fact where type = 'payment.captured' order by 1") == [
        ("DE/unapplied/ch_1",),
        ("DE/unapplied/ch_2",),
    ]
    assert await house.all("select kind, process from parked where kind <> 'lookup'") == [("poison", "collection")]
    [case] = [case for case in await open_cases(house.database) if case.reason == "poisoned"]
    assert case.sentence.startswith("A fact (payment.captured) is about a subject whose id has 6,0")


async def test_the_database_refuses_what_an_index_can_not_bear_as_it_refuses_any_value(house: IntakeHouse) -> None:
    with pytest.raises(StatementRefused, match="ProgramLimitExceeded"):
        await house.all(f"insert into worker values ('{LONG}', now(), now(), '') returning 1")


DIGESTS = ("key", "digest", "receipt", "dispatch", "command_key", "parked", "party", "data_key")
NAMES = ("process", "connection", "operation", "kind", "status", "entity", "class", "reason")
"""Of processes, connections, entities and the like: of the landscape or our own."""
OURS = {
    "approval": "act",
    "command_closed": "correlation",
    "command_open": "correlation ordering_key",
    "data_key": "coalesce id period",
    "dispatch": "id",
    "exception_case": "id",
    "feed": "name",
    "lease": "name",
    "migration": "name",
    "parked": "id",
    "receipt": "id",
    "subject": "reverse",
    "worker": "id",
}
"""What else: ids that we make, names of feeds and workers; `ordering_key` and `reverse` have a subject's id in them."""
INDEXED = """
select distinct c.relname, a.attname from pg_index i
join pg_class c on c.oid = i.indrelid join pg_attribute a on a.attrelid = i.indexrelid
where c.relnamespace = 'public'::regnamespace and a.atttypid in ('text'::regtype, 'bytea'::regtype) order by 1, 2
"""


async def test_of_texts_from_outside_only_ids_of_subjects_are_indexed(house: IntakeHouse) -> None:
    """Names of the landscape, of processes and of their states, digests and ids of ours are short."""
    found: dict[str, str] = {}
    for table, column in [(str(table), str(column)) for table, column in await house.all(INDEXED)]:
        name = re.sub(r"_(\d{4}_)?\d\d$", "", table)
        if column not in (*DIGESTS, *NAMES, "subject") and column not in found.get(name, ""):
            found[name] = f"{found.get(name, '')} {column}".strip()
    assert found == OURS
