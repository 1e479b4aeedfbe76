from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from nostro.sandbox.bank import AccountSettings, Bank, BankSettings, StatementFault
from nostro.sandbox.faults import FaultPlan

MONDAY = date(2026, 8, 31)
OPENED = datetime(2026, 8, 31, 4, tzinfo=UTC)
NOON = datetime(2026, 8, 31, 10, tzinfo=UTC)
WEDNESDAY = datetime(2026, 9, 2, 12, tzinfo=UTC)
EURO = AccountSettings("DE89370400440532013000", "EUR", "Entity DE", "COBADEFFXXX", "Europe/Berlin", 1_000_000)
FRANC = AccountSettings(
    "CH9300762011623852957", "CHF", "Entity CH", "UBSWCHZH80A", "Europe/Zurich", cumulative=True, own_references=True
)
DOLLAR = AccountSettings(
    "000123456789", "USD", "Entity US", "CHASUS33XXX", "America/New_York", clearing_member="021000021"
)
YEN = AccountSettings("JP0001", "JPY", "Entity DE", "MHCBJPJT", "Asia/Tokyo")
ALL = (EURO, FRANC, DOLLAR, YEN)
QUIET = FaultPlan(seed=3)


class Counter:
    """A bank, and its folder as the house would find it."""

    def __init__(self, *faults: StatementFault, plan: FaultPlan = QUIET) -> None:
        self.bank = Bank(BankSettings("main", ALL, seed=3, statement_faults=faults), plan, OPENED)
        self.files: dict[str, bytes] = defaultdict(bytes)

    def credit(self, account: AccountSettings, amount: int, at: datetime = NOON, **more: object) -> int:
        op = {"act": "credit", "account": account.number, "amount": amount, **more}
        entry: int = self.bank.apply(op, at)["entry"]
        return entry

    def run_to(self, moment: datetime) -> None:
        while (due := self.bank.next_due()) is not None and due <= moment:
            self.bank.tick(due)
            self.carry_files()

    def carry_files(self) -> None:
        for step in self.bank.take_files():
            self.files[step.name] += step.content
            if step.rename_to:
                self.files[step.rename_to] = self.files.pop(step.name)

    def told(self, kind: str, account: AccountSettings) -> list[etree._Element]:
        """Messages of a kind about an account, in the order of the folder."""
        names = sorted((n for n in self.files if n.startswith(f"camt{kind}_{account.number}")), key=lambda n: n[-9:])
        return [etree.fromstring(self.files[name]) for name in names]


def texts(message: etree._Element, path: str) -> list[str]:
    steps = "/".join(f"{{*}}{step}" for step in path.split("/"))
    return [node.text or "" for node in message.iterfind(f".//{steps}")]


def balance(statement: etree._Element, code: str) -> str:
    for node in statement.iter("{*}Bal"):
        if texts(node, "Cd") == [code]:
            return texts(node, "Amt")[0]
    raise AssertionError(code)


def busy() -> Counter:
    """One of everything that the bank can tell."""
    counter = Counter(plan=FaultPlan(seed=3, file_halved=0.3))
    first = counter.credit(EURO, 12_345, name="Customer 001", end_to_end="E2E-1", remittance="INV/2026/00001 " * 20)
    counter.credit(EURO, 300, bare=True)
    counter.credit(EURO, 300, bare=True)
    counter.credit(EURO, 4_500, pending_minutes=150, reference="RF18539007547034", remittance="thanks")
    counter.credit(FRANC, 8_015, reference="210000000003139471430009017", payer="CH4409000000495962779")
    counter.bank.apply(
        {"act": "credit", "account": FRANC.number, "transfers": [{"amount": 100}, {"amount": 250, "end_to_end": "B"}]},
        NOON,
    )
    counter.credit(DOLLAR, 99)
    counter.credit(YEN, 5_000)
    counter.bank.apply({"act": "debit", "account": EURO.number, "amount": 77, "end_to_end": "STRIPE1"}, NOON)
    counter.run_to(NOON + timedelta(hours=4))
    counter.bank.apply({"act": "return", "entry": first, "charge": 350}, NOON + timedelta(hours=4))
    counter.run_to(WEDNESDAY)
    return counter


@pytest.fixture(scope="session")
def schemas(shared: Path) -> Mapping[str, etree.XMLSchema]:
    folder = shared / "data/bank/iso20022/xsd"
    return {k: etree.XMLSchema(etree.parse(folder / f"camt.{k}.001.08.xsd")) for k in ("052", "053", "054")}


def test_every_file_is_valid_after_its_iso_20022_schema(schemas: Mapping[str, etree.XMLSchema]) -> None:
    counter = busy()
    assert {name[4:7] for name in counter.files} == {"052", "053", "054"}
    for name, content in counter.files.items():
        schemas[name[4:7]].assertValid(etree.fromstring(content))


def test_statements_chain_their_balances_and_count_without_gaps() -> None:
    statements = busy().told("053", EURO)
    assert [texts(s, "ElctrncSeqNb") for s in statements] == [["1"], ["2"]]
    assert balance(statements[0], "OPBD") == "10000.00"
    assert balance(statements[0], "CLBD") == balance(statements[1], "OPBD")
    net = 12_345 + 300 + 300 + 4_500 - 77 - 12_345 - 350
    assert balance(statements[0], "CLBD") == f"{10_000 + net / 100:.2f}"


def test_a_day_without_entries_has_its_statement_too() -> None:
    statement = busy().told("053", EURO)[1]
    assert list(statement.iter("{*}Ntry")) == []


def test_yen_have_no_decimals_in_a_file() -> None:
    assert texts(busy().told("054", YEN)[0], "Ntry/Amt") == ["5000"]


def test_one_credit_is_told_by_052_054_and_053_under_one_reference() -> None:
    counter = Counter()
    counter.credit(EURO, 500, end_to_end="E2E-7")
    counter.run_to(WEDNESDAY)
    told = [counter.told(kind, EURO)[0] for kind in ("052", "054", "053")]
    assert [texts(message, "EndToEndId") for message in told] == [["E2E-7"]] * 3
    assert len({texts(message, "Ntry/AcctSvcrRef")[0] for message in told}) == 1


def test_a_statement_may_carry_references_of_its_own() -> None:
    counter = Counter()
    counter.credit(FRANC, 500)
    counter.run_to(WEDNESDAY)
    early, final = counter.told("054", FRANC)[0], counter.told("053", FRANC)[0]
    assert texts(early, "Ntry/AcctSvcrRef") != texts(final, "Ntry/AcctSvcrRef")
    assert texts(early, "UETR") == texts(final, "UETR")


def test_two_bare_entries_of_one_day_and_amount_look_alike_and_are_two() -> None:
    counter = Counter()
    for _ in range(2):
        counter.credit(EURO, 420, bare=True)
    counter.run_to(WEDNESDAY)
    first, second = counter.told("053", EURO)[0].iter("{*}Ntry")
    assert etree.tostring(first, with_tail=False) == etree.tostring(second, with_tail=False)


def test_a_pending_entry_is_told_as_pending_until_it_is_booked_and_never_if_it_vanishes() -> None:
    counter = Counter()
    counter.credit(EURO, 100, pending_minutes=90)
    gone = counter.credit(EURO, 999, pending_minutes=600)
    counter.run_to(NOON + timedelta(hours=2))
    counter.bank.apply({"act": "vanish", "entry": gone}, NOON + timedelta(hours=2))
    counter.run_to(WEDNESDAY)
    reports = counter.told("052", EURO)
    assert [texts(report, "Sts/Cd") for report in reports] == [["PDNG", "PDNG"], ["BOOK"]]
    assert texts(counter.told("053", EURO)[0], "Ntry/Amt") == ["1.00"]


def test_a_cumulative_report_repeats_the_day_and_another_tells_only_news() -> None:
    counter = Counter()
    for amount, minutes in ((100, 0), (200, 90)):
        for account in (EURO, FRANC):
            counter.credit(account, amount, NOON + timedelta(minutes=minutes))
    counter.run_to(WEDNESDAY)
    assert [len(texts(report, "Ntry/Amt")) for report in counter.told("052", EURO)] == [1, 1]
    assert [len(texts(report, "Ntry/Amt")) for report in counter.told("052", FRANC)] == [1, 2]


def test_what_is_booked_after_close_counts_for_the_next_business_day() -> None:
    counter = Counter()
    counter.credit(EURO, 100, datetime(2026, 8, 31, 17, tzinfo=UTC))
    counter.run_to(WEDNESDAY)
    assert [len(list(s.iter("{*}Ntry"))) for s in counter.told("053", EURO)] == [0, 1]


@pytest.mark.parametrize(
    "kind,messages,sequences",
    [
        ("missing", 1, ["2"]),
        ("doubled", 3, ["1", "1", "2"]),
        ("repeated", 3, ["1", "1", "2"]),
        ("restated", 3, ["1", "1", "2"]),
        ("belated", 3, ["1", "1", "2"]),
        ("amended", 3, ["1", "1", "2"]),
        ("withdrawn", 3, ["1", "1", "2"]),
    ],
)
def test_a_statement_is_missing_doubled_repeated_or_restated_as_planned(
    kind: str, messages: int, sequences: list[str]
) -> None:
    counter = Counter(StatementFault(EURO.number, MONDAY, kind))
    counter.credit(EURO, 100)
    counter.credit(EURO, 200)
    counter.run_to(WEDNESDAY)
    statements = counter.told("053", EURO)
    assert [texts(s, "ElctrncSeqNb")[0] for s in statements] == sequences
    if messages == 3:
        first, second = statements[:2]
        assert (etree.tostring(first) == etree.tostring(second)) == (kind == "repeated")
        assert (texts(first, "Ntry/Amt") == texts(second, "Ntry/Amt")) == (kind in ("doubled", "repeated"))
        assert texts(second, "Ntry/Amt") == ["1.00", "2.00"]
    assert balance(statements[-1], "OPBD") == "10003.00"


def test_a_missing_statement_comes_when_somebody_asks_for_it() -> None:
    counter = Counter(StatementFault(EURO.number, MONDAY, "missing"))
    counter.credit(EURO, 100)
    counter.run_to(WEDNESDAY)
    counter.bank.apply({"act": "resend_statement", "account": EURO.number, "day": "2026-08-31"}, WEDNESDAY)
    counter.carry_files()
    assert [texts(s, "ElctrncSeqNb")[0] for s in counter.told("053", EURO)] == ["2", "1"]


def test_a_halved_file_is_not_whole_before_its_rest_and_whole_after() -> None:
    counter = Counter(plan=FaultPlan(seed=3, file_halved=1.0))
    counter.credit(EURO, 100)
    counter.run_to(NOON + timedelta(seconds=90))
    ((_, half),) = counter.files.items()
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(half)
    counter.run_to(NOON + timedelta(seconds=90 + 240))
    ((name, whole),) = counter.files.items()
    assert name.endswith(".xml")
    assert whole.startswith(half)
    etree.fromstring(whole)


def test_a_return_takes_the_credit_back_and_the_bank_charges_for_it() -> None:
    entries = list(busy().told("053", EURO)[0].iter("{*}Ntry"))
    returned, charge = entries[-2:]
    assert texts(returned, "EndToEndId") == ["E2E-1"]
    assert (texts(returned, "RtrInf/Rsn/Cd"), texts(returned, "RvslInd")) == (["AC04"], ["true"])
    assert [texts(entry, "CdtDbtInd")[0] for entry in (returned, charge)] == ["DBIT", "DBIT"]
    assert texts(charge, "Ntry/Amt") + texts(charge, "Amt")[:1] == ["3.50"]


def test_the_same_seed_writes_the_same_files() -> None:
    assert busy().files == busy().files
