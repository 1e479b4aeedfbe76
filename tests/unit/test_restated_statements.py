"""A bank sends a corrected statement for the one it had sent: what both list counts once, what differs is a case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import NamedTuple

import pytest

from nostro.model.facts import CollectionCredited, CollectionReturned, EntryReported
from nostro.model.ids import Subject
from nostro.model.intents import BookStatementLine
from nostro.processes.bank_movement import PROCESS
from nostro.processes.kit.process import take_in
from tests.movements import NOON, Bank, eur, fact, knows, replace, report
from tests.unit.test_bank_files import read, reports
from tests.unit.test_camt import HEAD, balance, document

DAY = "<Dt>2026-08-31</Dt>"
NTRY = (
    "<Ntry><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>{back}<Sts><Cd>{status}</Cd></Sts>{booked}"
    f"<ValDt>{DAY}</ValDt>{{reference}}<NtryDtls><TxDtls><RmtInf><Ustrd>{{text}}</Ustrd></RmtInf></TxDtls></NtryDtls>"
    "</Ntry>"
)
REFERENCE = "2026083100017"


class Line(NamedTuple):
    """An entry of a statement of Monday."""

    amount: str
    text: str = ""
    reference: str = ""
    direction: str = "CRDT"
    back: bool = False
    booked: bool = True

    @property
    def worth(self) -> Decimal:
        return Decimal(self.amount) * (1 if self.direction == "CRDT" else -1)


RENT, TEA, TAX = Line("100.00", "rent"), Line("50.00", "tea"), Line("70.00", "tax")
FIRST = (RENT, TEA, TEA, TAX)
ADDED = Line("30.00", "added")


def camt(*lines: Line, ident: str = "S1", balances: bool = True, message: str = "053") -> bytes:
    opening, closing = Decimal(1000), Decimal(1000) + sum(line.worth for line in lines)
    told = [balance("OPBD", str(opening)), balance("CLBD", str(closing))] if balances else []
    head = HEAD.replace("S1", ident).replace("</Id><Acct>", "</Id><ElctrncSeqNb>17</ElctrncSeqNb><Acct>")
    content = document(*told, *(_ntry(line) for line in lines), head=head)
    if message == "052":
        swap = ((b"BkToCstmrStmt", b"BkToCstmrAcctRpt"), (b"Stmt>", b"Rpt>"), (b"camt.053", b"camt.052"))
        for old, new in swap:
            content = content.replace(old, new)
    return content


def _ntry(line: Line) -> str:
    return NTRY.format(
        amount=line.amount, direction=line.direction, text=line.text,
        back="<RvslInd>true</RvslInd>" if line.back else "",
        status="BOOK" if line.booked else "PDNG",
        booked=f"<BookgDt>{DAY}</BookgDt>" if line.booked else "",
        reference=f"<AcctSvcrRef>{line.reference}</AcctSvcrRef>" if line.reference else "",
    )  # fmt: skip


def mt940(*lines: Line, number: str = "17/1", day: str = "260831", kind: str = "940") -> bytes:
    closing = Decimal(1000) + sum(line.worth for line in lines)
    told = [":20:STMT", ":25:DE89370400440532013000", f":28C:{number}"]
    interim = [":34F:EUR0,", f":13D:{day}1200+0200"]
    told += interim if kind == "942" else [f":60F:C{day}EUR1000,00"]
    for line in lines:
        mark = "C" if line.direction == "CRDT" else "D"
        own = f"//{line.reference}" if line.reference else ""
        told += [f":61:{day}{day[2:]}{mark}{line.amount.replace('.', ',')}NTRFNONREF{own}", f":86:166?20{line.text}"]
    told += [":90C:1EUR100,00"] if kind == "942" else [f":62F:C{day}EUR{closing:.2f}".replace(".", ",")]
    return "\n".join([*told, "-", ""]).encode()


def bank(*files: bytes) -> Bank:
    """A house that was given these files, one after the other, and has booked what it could."""
    made = Bank()
    made.known.update(dict([knows("invoice_number", "INV/2026/00012", "collection", "DE/db/7")]))
    for content in files:
        give(made, content)
    return made


def give(made: Bank, content: bytes) -> None:
    told = reports(read(content))
    assert told
    made.tell(*told, receipt=sha256(content).digest())
    made.wait()
    made.answer()


def booked(made: Bank) -> list[str]:
    """The lines that were asked for, by their amounts."""
    lines = [wanted.intent for _, wanted in made.commands.values()]
    return sorted(str(line.amount.value) for line in lines if isinstance(line, BookStatementLine))


SHAPES: dict[str, tuple[Line, ...]] = {
    "the same": FIRST,
    "one inserted in the middle": (RENT, ADDED, TEA, TEA, TAX),
    "one inserted first": (ADDED, *FIRST),
    "one more of two equal ones": (RENT, TEA, TEA, TEA, TAX),
    "one removed": (RENT, TEA, TAX),
    "the last removed": FIRST[:-1],
    "in another order": (TAX, *FIRST[:-1]),
}
WRITTEN: dict[str, Callable[..., bytes]] = {
    "same id": camt,
    "new id": lambda *lines: camt(*lines, ident="S1-corrected"),
    "no balances": lambda *lines: camt(*lines, balances=False),
    "MT940": mt940,
}


def numbered(lines: Sequence[Line]) -> list[Line]:
    """The lines with references of the bank's own, the same for what is told again."""
    met: Counter[Line] = Counter()
    found = []
    for line in lines:
        number = 10 * [RENT, TEA, TAX, ADDED].index(line) + met[line]
        met[line] += 1
        found.append(line._replace(reference=f"20260831{number:05d}"))
    return found


@pytest.mark.parametrize("named", [False, True], ids=["no references", "references"])
@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("shape", SHAPES)
def test_what_a_restated_statement_lists_again_counts_once(shape: str, written: str, *, named: bool) -> None:
    before, after = (numbered(lines) if named else lines for lines in (FIRST, SHAPES[shape]))
    first = camt if written == "new id" else WRITTEN[written]
    made = bank(first(*before), WRITTEN[written](*after))
    once = Counter(line.amount for line in before) | Counter(line.amount for line in after)
    assert booked(made) == sorted(once.elements()), made.story()
    assert made.balance() == sum(int(amount.replace(".", "")) for amount in once.elements())
    assert made.open_cases() <= (set() if named else {"possible_double"})
    assert made.proof().holds


@pytest.mark.parametrize("order", ["A B A", "A B B", "B A B", "A A B"])
@pytest.mark.parametrize("written", ["same id", "other ids", "MT940"])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_comes_again_behind_its_restated_self_counts_once_and_nothing_is_lost(
    shape: str, written: str, order: str
) -> None:
    versions = {"A": FIRST, "B": SHAPES[shape]}
    files = [
        camt(*versions[name], ident=f"S{n}") if written == "other ids" else WRITTEN[written](*versions[name])
        for n, name in enumerate(order.split())
    ]
    made = bank(*files)
    once = Counter(line.amount for line in FIRST) | Counter(line.amount for line in SHAPES[shape])
    assert booked(made) == sorted(once.elements()), made.story()
    assert made.proof().holds


NAMED = TAX._replace(reference=REFERENCE, text="INV/2026/00012")
AMENDED = {
    "same id": (camt(RENT, NAMED), camt(RENT, NAMED._replace(amount="77.00"))),
    "new id": (camt(RENT, NAMED), camt(RENT, NAMED._replace(amount="77.00"), ident="S2")),
    "no balances": (camt(NAMED, balances=False), camt(NAMED._replace(amount="77.00"), balances=False)),
    "another changed before it": (
        camt(RENT, NAMED),
        camt(RENT._replace(amount="90.00", text="other"), NAMED._replace(amount="77.00")),
    ),
    "MT940": (mt940(RENT, NAMED), mt940(RENT, NAMED._replace(amount="77.00"))),
    "after an intraday report": (camt(NAMED, message="052"), camt(NAMED._replace(amount="77.00"), ident="S2")),
    "without reference": (
        camt(RENT, NAMED._replace(reference="")),
        camt(RENT, NAMED._replace(reference="", amount="77.00")),
    ),
    "without reference, MT940": (
        mt940(RENT, NAMED._replace(reference="")),
        mt940(RENT, NAMED._replace(reference="", amount="77.00")),
    ),
}


def doubtful(made: Bank) -> Subject:
    [(subject, reason)] = made.cases
    assert reason == "entry_restated"
    return subject


@pytest.mark.parametrize("files", AMENDED.values(), ids=list(AMENDED))
def test_an_entry_whose_amount_was_changed_is_one_case_with_both_sides_and_nothing_more_is_booked(
    files: tuple[bytes, bytes],
) -> None:
    made = bank(*files)
    case = made.cases[doubtful(made), "entry_restated"]
    assert "77.00" not in booked(made)
    assert booked(made).count("70.00") == 1
    assert (case.amount, len(case.candidates)) == (eur("7.00"), 1)
    assert all(amount in case.sentence for amount in ("77.00 EUR", "70.00 EUR"))
    assert made.proof().holds


@pytest.mark.parametrize("again", ["77.00", "63.00"], ids=["more", "less"])
def test_a_person_says_that_it_is_the_same_and_the_difference_is_booked_and_told_to_the_same_collection(
    again: str,
) -> None:
    made = bank(camt(RENT, NAMED), camt(RENT, NAMED._replace(amount=again)))
    subject, difference = doubtful(made), Decimal(again) - Decimal("70.00")
    [(candidate,)] = [case.candidates for case in made.cases.values()]
    made.confirm(subject, "bank_movement", candidate)
    made.wait()
    made.answer()
    assert sorted(map(Decimal, booked(made))) == sorted(map(Decimal, ["100.00", "70.00", str(difference)]))
    assert made.balance() == int((Decimal(100) + Decimal(again)) * 100)
    assert (made.open_cases(), made.proof().holds) == (set(), True)
    credited = [b.amount.minor for b in made.emitted if isinstance(b, CollectionCredited) and b.subject == "DE/db/7"]
    returned = [b.amount.minor for b in made.emitted if isinstance(b, CollectionReturned) and b.subject == "DE/db/7"]
    assert sum(credited) - sum(returned) == int(Decimal(again) * 100)
    give(made, camt(RENT, NAMED._replace(amount=again), ident="S3"))
    assert made.balance() == int((Decimal(100) + Decimal(again)) * 100), "told once more, it is the same"


def test_a_person_may_say_that_both_are_movements() -> None:
    made = bank(camt(RENT, NAMED), camt(RENT, NAMED._replace(amount="77.00")))
    subject = doubtful(made)
    made.confirm(subject, "bank_movement", subject.id)
    made.wait()
    made.answer()
    assert (booked(made), made.open_cases()) == (["100.00", "70.00", "77.00"], set())
    assert made.proof().holds


def test_while_nothing_was_booked_of_it_the_newer_statement_takes_its_place_by_rule() -> None:
    made = bank()
    for amount in ("70.00", "77.00"):
        content = camt(NAMED._replace(amount=amount, text="INV/2026/00013"))
        made.tell(*reports(read(content)), receipt=sha256(content).digest())
        assert made.balance() == int(amount.replace(".", ""))
    made.wait()
    made.answer()
    assert (booked(made), made.open_cases(), made.proof().holds) == (["77.00"], set(), True)


@pytest.mark.parametrize(
    "lines",
    [
        (NAMED, NAMED._replace(amount="1.50", direction="DBIT")),
        (NAMED, NAMED._replace(amount="77.00")),
        (NAMED._replace(amount="77.00"), NAMED, NAMED._replace(amount="1.00")),
    ],
    ids=["a charge bears the payment's", "a payment file's", "three"],
)
def test_entries_of_one_statement_that_share_a_reference_are_as_many_however_often_it_comes(
    lines: tuple[Line, ...],
) -> None:
    made = bank(camt(*lines), camt(*lines, ident="S2"), mt940(*lines))
    made.wait()
    assert len(booked(made)) == len(lines)
    assert not made.open_cases() & {"entry_restated", "possible_double"}


def test_a_reversal_in_the_restated_statement_is_a_movement_of_its_own() -> None:
    back = NAMED._replace(direction="DBIT", back=True)
    made = bank(camt(RENT, NAMED), camt(RENT, NAMED, back))
    assert (booked(made), made.balance()) == (["-70.00", "100.00", "70.00"], 10_000)
    assert made.open_cases() == {"unexplained_debit"}


@pytest.mark.parametrize(
    "files",
    [
        (camt(NAMED._replace(booked=False, reference=""), message="052"), camt(NAMED._replace(amount="77.00"))),
        (mt940(NAMED, kind="942"), mt940(NAMED._replace(amount="77.00"))),
    ],
    ids=["camt", "MT"],
)
def test_what_was_pending_with_one_amount_and_is_booked_with_another_counts_as_booked(
    files: tuple[bytes, bytes],
) -> None:
    made = bank(*files)
    assert (booked(made), made.open_cases()) == (["77.00"], set())
    pending = next(subject for subject, one in made.instances.items() if one.state == "pending")
    made.fall_due(pending)
    assert (made.instances[pending].state, made.balance(), made.open_cases()) == ("vanished", 7_700, set())


def test_intraday_reports_and_the_statement_that_is_restated_tell_one_movement() -> None:
    made = bank(
        camt(NAMED, message="052"), mt940(NAMED, kind="942"), camt(NAMED), mt940(ADDED, NAMED), camt(ADDED, NAMED)
    )
    assert (booked(made), made.open_cases()) == (["30.00", "70.00"], set())


def test_numbers_that_begin_anew_each_year_are_other_statements() -> None:
    made = bank(mt940(*FIRST, number="1/1"), mt940(*FIRST, number="1/1", day="270831"))
    assert (len(booked(made)), made.open_cases()) == (8, set())


@pytest.mark.parametrize("version", [1, 2])
def test_a_movement_of_an_older_version_is_not_counted_twice_either(version: int) -> None:
    told = report(amount=eur("70.00"), servicer_reference=REFERENCE)
    again = report(document="S2", amount=eur("77.00"), servicer_reference=REFERENCE)
    known = PROCESS.version(version)
    begun = replace(PROCESS.new("DE/main/m", "DE"), version=version, data=known.initial)
    made = bank()
    after = take_in(PROCESS, begun, fact(told), made.rules, NOON).after
    decision = take_in(PROCESS, after, fact(again), made.rules, NOON).decision
    [onward] = decision.emits
    assert isinstance(onward, EntryReported)
    assert (onward.doubts, onward.contrary, onward.known) == (("DE/main/m",), True, eur("70.00"))


def test_two_tellings_of_a_line_that_shares_a_reference_meet_although_the_other_line_was_asked_first() -> None:
    """As when both wait before the first line's movement has decided anything: what it passes on has to meet again."""
    first = report(amount=eur("70.00"), servicer_reference=REFERENCE)
    line = report(amount=eur("77.00"), servicer_reference=REFERENCE, ordinal=1)
    intraday = report("report", "R1", amount=eur("77.00"), servicer_reference=REFERENCE, text="told otherwise")
    made = bank()
    made.tell(first)
    known = made.only()
    for told in (line, intraday):
        made.take(known, fact(told))
    assert (made.balance(), made.open_cases()) == (14_700, set())
