"""Bacs's XML reports: returned debits (ARUDD), credits (ARUCS); changed mandates, accounts (ADDACS, AUDDIS, AWACS).

Built from the published shape of `BACSDocument`; no sample was at hand. Attributes are matched without case and
hyphens: the two groups of reports write them differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from nostro.formats.bacs.codes import ADVICES
from nostro.formats.codes import SETS, name_of
from nostro.formats.reading import Beginning, Format
from nostro.formats.xml import BrokenXml, Element, events, line_of, local, release
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageEnd, MessageHead, PaymentStatus, Reason
from nostro.model.money import EXPONENTS, Amount, plain
from nostro.model.parties import BankAccount, Party
from nostro.model.references import told as really_told
from nostro.model.statements import Check, References, Reject, ReturnInformation, Source

BacsItem = MessageHead | Instruction | PaymentStatus | MessageEnd | Reject
Attributes = dict[str, str]

_RETURNS = frozenset({"ARUDD", "ARUCS"})
_RETURNED = re.compile(r"(?:Returned|Unapplied)\w*Item")
_DECIMAL = re.compile(r"(?:\d{1,15}|\d{1,3}(?:,\d{3}){1,4})(?:\.\d{1,2})?", re.ASCII)
"""Some banks put commas between the thousands."""
_ABOUT = frozenset({"Header", "MessagingHeader", "AddresseeInformation", "ServiceLicenseInformation"})


def read_bacs_reports(chunks: Iterable[bytes]) -> Iterator[BacsItem]:
    """Per report its head, what it tells, located rejects, and its end. One that is cut off has no end.

    Raises `FormatRefused` before anything was yielded when the bytes are no Bacs report.
    """
    walk = _Walk()
    try:
        for kind, element in events(chunks):
            yield from walk.start(local(element), element) if kind == "start" else walk.end(local(element), element)
    except BrokenXml as broken:
        if walk.report is None and not walk.reports:
            raise broken.refused("a Bacs report") from None
        yield broken.reject(walk.where)
        return
    if not walk.reports:
        raise FormatRefused("There is no Bacs report in this XML.")


@dataclass(slots=True)
class _Report:
    """The report that streams by: what stands before its items, and what they sum to."""

    name: str
    source: Source
    about: Attributes = field(default_factory=dict)
    account: Attributes = field(default_factory=dict)
    headed: bool = False
    items: int = 0
    rejected: int = 0
    totals: dict[str, Decimal] = field(default_factory=dict)
    since: tuple[int, Decimal] = (0, Decimal(0))
    checks: list[Check] = field(default_factory=list)


@dataclass(slots=True)
class _Walk:
    """Where the walk through the document is."""

    reports: int = 0
    report: _Report | None = None
    payer: Attributes = field(default_factory=dict)
    depth: int = 0

    @property
    def where(self) -> str:
        """The innermost thing that is being read."""
        return self.report.source.where if self.report else "/BACSDocument"

    def start(self, name: str, element: Element) -> Iterator[BacsItem]:
        """A report begins below `Data`."""
        self.depth += 1
        if self.report is None and (name in _RETURNS or name == "MessagingAdvices"):
            self.reports += 1
            where = f"/BACSDocument/Data/{name}[{self.reports}]"
            self.report = _Report(name, Source(where=where, line=line_of(element)))
        yield from ()

    def end(self, name: str, element: Element) -> Iterator[BacsItem]:
        """An element is complete."""
        report = self.report
        self.depth -= 1
        if report is None:
            return
        if name in _ABOUT:
            report.about |= attributes(element)
        elif name == "OriginatingAccount":
            report.account = attributes(element)
        elif name.endswith("Account"):
            self.payer = attributes(element)
        elif _RETURNED.fullmatch(name) or name in ("MessagingAdvice", "MessagingError"):
            yield from self._take(report, name, element)
        elif name == "Totals":
            _total(report, attributes(element))
        elif name == report.name:
            yield from _head(report)
            yield self._end(report)
            self.report = None

    def _take(self, report: _Report, name: str, element: Element) -> Iterator[BacsItem]:
        told, payer, self.payer = attributes(element), self.payer, {}
        if not report.headed and name == "MessagingAdvice":
            report.about.setdefault("recordtype", told.get("recordtype", ""))
        yield from _head(report)
        where = f"{report.source.where}/{name}[{report.items + report.rejected + 1}]"
        source = Source(where=where, line=line_of(element))
        if _RETURNED.fullmatch(name):
            yield _returned(report, told, payer, source)
        else:
            report.items += 1
            yield _error(told, source) if name == "MessagingError" else _advice(report_of(report.about), told, source)
        release(element)

    @staticmethod
    def _end(report: _Report) -> MessageEnd:
        checks = tuple(report.checks)
        return MessageEnd(items=report.items, rejected=report.rejected, totals=report.totals, checks=checks)


def attributes(element: Element) -> Attributes:
    """An element's attributes, and its children's texts, by names without case and hyphens."""
    told = {_bare(str(name)): str(value).strip() for name, value in element.attrib.items()}
    for child in element:
        if isinstance(child.tag, str) and child.text and child.text.strip():
            told.setdefault(_bare(local(child)), child.text.strip())
    return told


def _bare(name: str) -> str:
    return name.rpartition("}")[2].replace("-", "").replace("_", "").lower()


def report_of(about: Attributes) -> str:
    """Which messaging report this is: as its header says, or by the type of its first advice."""
    said = " ".join(about.values()).upper()
    return next(
        (name for name in ("ADDACS", "AUDDIS", "AWACS") if name in said), ADVICES.get(about.get("recordtype", ""), "")
    )


def _head(report: _Report) -> Iterator[MessageHead]:
    if report.headed:
        return
    report.headed = True
    about = report.about
    name = report.name if report.name in _RETURNS else report_of(about)
    on = day(about.get("currentprocessingdate", "") or about.get("reportgenerationdate", "") or about.get("date", ""))
    number = about.get("usernumber", "")
    yield MessageHead(
        kind="payment_return" if name in _RETURNS else "mandate_change",
        message_id=about.get("advicenumber", "") or "-".join(part for part in (name, number, str(on or "")) if part),
        created_on=on,
        initiating_party=Party(
            name=about.get("username", "") or about.get("name", ""), ids={"SUN": number} if number else {}
        ),
        others={key: said for key, said in about.items() if key in ("reporttype", "advicenumber", "filetype") and said},
        source=report.source,
        format=f"Bacs {name}".strip(),
    )


def _returned(report: _Report, told: Attributes, payer: Attributes, source: Source) -> Instruction | Reject:
    amount = amount_of(told)
    if amount is None:
        report.rejected += 1
        return Reject(where=source.where, line=source.line, why="the amount is no decimal number of a known currency")
    report.items += 1
    report.totals[amount.currency] = report.totals.get(amount.currency, Decimal(0)) + amount.value
    report.since = (report.since[0] + 1, report.since[1] + amount.value)
    debit = report.name == "ARUDD"
    other, own = ("debtor", "creditor") if debit else ("creditor", "debtor")
    code, mandate = told.get("returncode", ""), really_told(payer.get("ref", "")) if debit else ""
    text = told.get("returndescription", "") or _reason(report.name, code)
    return Instruction.model_validate(
        {
            "method": "direct_debit" if debit else "credit_transfer",
            "amount": amount,
            "references": References(end_to_end=really_told(told.get("ref", "")), mandate=mandate),
            "execution_date": day(told.get("originalprocessingdate", "")),
            other: Party(name=payer.get("name", "")),
            f"{other}_account": account_of(payer, "number", "sortcode"),
            own: Party(name=report.account.get("name", "") or report.about.get("username", "")),
            f"{own}_account": account_of(report.account, "number", "sortcode"),
            "agents": tuple(_banks(payer, report.account)),
            "returned": ReturnInformation(code=code, text=text),
            "others": {"transaction_code": told["transcode"]} if told.get("transcode") else {},
            "source": source,
        }
    )


def _advice(name: str, told: Attributes, source: Source) -> PaymentStatus:
    """An advice about an instruction or a payee: the account as it was, and what is new about it."""
    code = told.get("reasoncode", "")
    old, new = ("number", "sortcode"), ("newaccountnumber", "newsortcode")
    account = account_of(told, *(_ending(told, end, new=False) for end in old))
    others = {
        "report": name,
        "record_type": told.get("recordtype", ""),
        "effective_date": told.get("effectivedate", ""),
    }
    others |= {"new_account": told.get(_ending(told, new[0]), ""), "new_sort_code": told.get(_ending(told, new[1]), "")}
    others |= {key: told.get(key, "") for key in ("duedate", "aosn", "transactioncode", "payernewname", "filetype")}
    reference = really_told(told.get("reference", ""))
    credit = name == "AWACS"
    party = Party(name=told.get(_ending(told, "payername"), "") or told.get(_ending(told, "name"), ""))
    return PaymentStatus.model_validate(
        {
            "level": "transaction",
            "status": code or told.get("recordtype", ""),
            "reasons": (Reason(code=code, text=_reason(name, code)),) if code else (),
            "references": References(end_to_end=reference) if credit else References(mandate=reference),
            "amount": amount_of(told),
            "creditor" if credit else "debtor": party,
            "creditor_account" if credit else "debtor_account": account,
            "others": {key: said for key, said in others.items() if said},
            "source": source,
        }
    )


def _ending(told: Attributes, end: str, *, new: bool = True) -> str:
    """The first attribute whose name ends so; `new` False: and that is not about what is new."""
    return next(
        (name for name in told if name.endswith(end) and (new or "new" not in name) and name != "usernumber"), ""
    )


def _error(told: Attributes, source: Source) -> PaymentStatus:
    text = " ".join(told[name] for name in sorted(told) if name.startswith("line"))
    return PaymentStatus(level="message", status="R", reasons=(Reason(text=text),), source=source)


def _total(report: _Report, told: Attributes) -> None:
    count, total = report.since
    report.since = (0, Decimal(0))
    value = _decimal(told.get("valueof", ""))
    if value is not None:
        ok = value == total
        detail = "" if ok else f"{plain(value)} is told, {plain(total)} is there"
        report.checks.append(Check(name="totals/value", ok=ok, detail=detail))
    said = told.get("numberof", "")
    if said.isdecimal() and len(said) < 18:
        ok = int(said) == count
        report.checks.append(Check(name="totals/count", ok=ok, detail="" if ok else f"{int(said)} told, {count} there"))


def account_of(told: Attributes, number: str, sort_code: str) -> BankAccount | None:
    """A bank account by number and sort code, which is told with hyphens or without."""
    found, bank = told.get(number, ""), told.get(sort_code, "").replace("-", "").replace(" ", "")
    if not found and not bank:
        return None
    return BankAccount(other=found, clearing_id=bank, owner=told.get("name", ""))


def _banks(*accounts: Attributes) -> Iterator[BankAccount]:
    """The banks that are named, by their sort codes."""
    for told in accounts:
        if name := told.get("bankname", ""):
            yield BankAccount(clearing_id=told.get("sortcode", "").replace("-", "").replace(" ", ""), name=name)


def amount_of(told: Attributes) -> Amount | None:
    """`valueOf` in its currency, which is sterling where none is told."""
    value, currency = _decimal(told.get("valueof", "")), told.get("currency", "") or "GBP"
    return Amount(value=value, currency=currency) if value is not None and currency in EXPONENTS else None


def _decimal(said: str) -> Decimal | None:
    return Decimal(said.replace(",", "")) if _DECIMAL.fullmatch(said) else None


def day(said: str) -> date | None:
    """A day as ISO 8601 has it."""
    try:
        return date.fromisoformat(said[:10]) if said else None
    except ValueError:
        return None


def _is_report(beginning: Beginning) -> bool:
    names = beginning.elements
    return bool(names) and names[0] == "BACSDocument" and any(name in (*_RETURNS, "MessagingAdvices") for name in names)


BACS_REPORTS: Sequence[Format] = (
    Format(
        "bacs_report", "Bacs reports (ARUDD, ARUCS, ADDACS, AUDDIS, AWACS)", _is_report, read_bacs_reports, proven=False
    ),
)


def _reason(report: str, code: str) -> str:
    """What a report's code means; nothing in a report that has none."""
    name = f"bacs.{report.lower()}"
    return name_of(name, code) if name in SETS else ""
