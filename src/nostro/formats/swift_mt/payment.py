"""MT101, MT103 and MT202 (also COV): payments as they are ordered, and as banks pass them on.

SWIFT User Handbook, categories 1 and 2. Who pays is field 50, or 52 between banks; who is paid 59, or 58; through which
banks 52 to 57; how much 32A, 32B, 33B and 36; what for 70, 72 and 77B; who bears the charges 71.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from pydantic import ValidationError

from nostro.formats.reading import Unreadable
from nostro.formats.swift_mt.blocks import Field, Piece
from nostro.formats.swift_mt.parties import Told, read_agent, read_party
from nostro.formats.swift_mt.returned import returned
from nostro.formats.swift_mt.values import about, coded_amount, dated_amount, day, decimal, finer
from nostro.model.messages import Envelope, Instruction, MessageEnd, MessageHead, MessageKind
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.references import all_told
from nostro.model.statements import Charge, Check, Exchange, References, Reject, Source

PaymentItem = MessageHead | Instruction | Reject | MessageEnd

CHARGE_BEARERS = {"OUR": "DEBT", "BEN": "CRED", "SHA": "SHAR"}
"""Of field 71A, in ISO 20022's codes."""
_BETWEEN_BANKS = frozenset({"202", "205"})
_AGENTS = ("53", "54", "55", "56")
_ORDERED = "/ROC/"
"""Before the payer's own reference in field 70."""
_OTHERS = ("13C", "21F", "23B", "25", "25A", "26T", "28D", "51A")


class Payments:
    """The message that streams by, piece by piece: of an MT101 the sequences B are its payments."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.shared: list[Field] = []
        self.open: list[Field] = []
        self.items = 0
        self.rejected = 0
        self.totals: dict[str, Decimal] = {}
        self.checks: list[Check] = []
        self.where = ""
        self.uetr = ""

    def take(self, piece: Piece) -> Iterator[PaymentItem]:
        """A piece: the first one begins the message, the last one ends it."""
        fields = piece.fields
        if piece.first:
            self.where, self.uetr = f"MT{self.kind}[{piece.number}]", piece.carrier.user.get("121", "")
            if self.kind == "101":
                begins = next((n for n, told in enumerate(fields) if told.tag == "21"), len(fields))
                self.shared, fields = fields[:begins], fields[begins:]
            yield self._head(piece, self.shared or fields)
        yield from self._take_fields(fields)
        if piece.last:
            yield from self._end(piece)

    def _take_fields(self, fields: Sequence[Field]) -> Iterator[PaymentItem]:
        for told in fields:
            if self.kind == "101" and told.tag == "21" and self.open:
                yield self._payment()
            self.open.append(told)

    def _end(self, piece: Piece) -> Iterator[PaymentItem]:
        if self.open and not (piece.cut and self.open[-1].tag in AMOUNTS):
            yield self._payment()
        if piece.cut:
            # Of an amount behind which the message breaks off some digits may lack.
            self.rejected += 1
            yield Reject(where=self.where, why="the message breaks off: its end is missing", line=piece.line)
        if not self.items and not self.rejected:
            yield Reject(where=self.where, why="the message holds no payment", line=piece.line)
            self.rejected = 1
        yield MessageEnd(items=self.items, rejected=self.rejected, totals=self.totals, checks=tuple(self.checks[:100]))

    def _head(self, piece: Piece, fields: Sequence[Field]) -> MessageHead:
        kind: MessageKind = "payment_initiation" if self.kind == "101" else "interbank_payment"
        carrier = piece.carrier
        said = {told.tag: told for told in reversed(fields)}
        instructing = said.get("50C", said.get("50L"))
        cover = "COV" if self.kind == "202" and any(told.tag.startswith("59") for told in piece.fields) else ""
        envelope = Envelope(
            sender=carrier.sender,
            receiver=carrier.receiver,
            business_message_id=carrier.user.get("108", ""),
            definition=f"MT{self.kind}{cover}",
            service=carrier.user.get("119", ""),
            possible_duplicate=carrier.possible_duplicate,
        )
        return MessageHead(
            kind=kind,
            message_id=said["20"].joined.strip() if "20" in said else "",
            initiating_party=read_party(instructing).party if instructing and self.kind == "101" else None,
            envelope=envelope,
            others={tag: said[tag].joined.strip() for tag in ("21R", "25", "28D", "51A") if tag in said},
            source=Source(where=self.where, line=piece.line),
            format=f"MT{self.kind}{cover}",
        )

    def _payment(self) -> Instruction | Reject:
        fields, self.open = self.open, []
        source = Source(where=f"{self.where}/21[{self.items + self.rejected + 1}]", line=fields[0].line)
        if self.kind != "101":
            source = Source(where=self.where, line=fields[0].line)
        reader = _Reader(self.kind, [*self.shared, *fields], self.uetr)
        try:
            made = reader.instruction(source)
        except (Unreadable, ValidationError) as error:
            self.rejected += 1
            why = str(error) if isinstance(error, Unreadable) else "a field can't be taken as told"
            return Reject(where=source.where, why=why, line=source.line, amount=reader.amount)
        self.items += 1
        if made.amount:
            currency = made.amount.currency
            self.totals[currency] = self.totals.get(currency, Decimal(0)) + made.amount.value
        self.checks += [Check(name=about(why), ok=False, detail=f"line {source.line}: {why}") for why in reader.wrong]
        return made


AMOUNTS = frozenset({"32A", "32B", "33B"})
_NAMED = {"debtor_agent": "52", "creditor_agent": "57"}
"""Banks of payer and payee: what they are called where they bear neither BIC nor clearing id."""


class _Reader:
    """The fields of one payment. Of a COV, what follows the first field 50 is the customer's payment beneath."""

    def __init__(self, kind: str, fields: Sequence[Field], uetr: str) -> None:
        self.uetr = uetr if kind != "101" else ""
        self.between_banks = kind in _BETWEEN_BANKS
        self.kind = kind
        begins = len(fields)
        if self.between_banks:
            begins = next((n for n, told in enumerate(fields) if told.tag.startswith("50")), begins)
        self.fields = list(fields[:begins])
        self.beneath = list(fields[begins:])
        self.amount: Amount | None = None
        self.wrong: list[str] = []

    def instruction(self, source: Source) -> Instruction:
        """The payment. Raises `Unreadable` or `ValidationError`."""
        settled, execution = self._amount(), self._last("30")
        payer, payee = self._sides()
        codes = [told.joined.strip() for told in self.fields if told.tag == "23E"]
        equivalent, exchange = self._exchange(equal="EQUI" in codes)
        executed = day(execution.joined.strip()).on if execution and execution.joined.strip()[:6].isdecimal() else None
        under_payer, under_payee = self._beneath("50"), self._beneath("59")
        return Instruction(
            method="cheque" if any(code.startswith("CHQB") for code in codes) else "credit_transfer",
            amount=None if equivalent else self.amount,
            equivalent=equivalent,
            group=self._text("21R"),
            references=self._references(),
            execution_date=executed,
            settlement_date=settled,
            debtor=payer.party,
            debtor_account=payer.bank_account,
            ultimate_debtor=under_payer.party,
            creditor=payee.party,
            creditor_account=payee.bank_account,
            ultimate_creditor=under_payee.party,
            agents=tuple(self._agents()),
            charge_bearer=CHARGE_BEARERS.get(self._text("71A"), self._text("71A")),
            service_level=next((code for code in codes if code[:4] in ("URGP", "SDVA", "RTGS", "URNS")), ""),
            category_purpose=next((code for code in codes if code[:4] in ("INTC", "CORT")), ""),
            remittance=tuple(line for line in self._purpose() if not line.startswith(_ORDERED)),
            exchange=exchange,
            charges=tuple(self._charges()),
            returned=returned(self._lines("72")),
            regulatory=self._lines("77B"),
            instructions=(*codes, *self._lines("72")),
            others=self._others(under_payer, under_payee),
            source=source,
        )

    def _last(self, tag: str) -> Field | None:
        """The field, in its last place: what a sequence B tells comes after what the message tells for all of them."""
        return next((told for told in reversed(self.fields) if told.tag == tag), None)

    def _text(self, tag: str) -> str:
        told = self._last(tag)
        return told.joined.strip() if told else ""

    def _lines(self, tag: str, fields: Sequence[Field] | None = None) -> tuple[str, ...]:
        """The lines of a field; one that begins with `//` goes on where the line before it ended."""
        found = [told for told in (self.fields if fields is None else fields) if told.tag == tag]
        made: list[str] = []
        for line in (line.strip() for told in found[-1:] for line in told.text):
            if line.startswith("//") and made:
                made[-1] = f"{made[-1]} {line[2:].strip()}"
            elif line:
                made.append(line)
        return tuple(made)

    def _amount(self) -> date | None:
        """Takes in the amount, of 32A with its date or of 32B."""
        if dated := self._last("32A"):
            on, self.amount, wrong = dated_amount(dated.joined)
            self.wrong += wrong
            return on
        told = self._last("32B")
        if told is None:
            raise Unreadable("there is no amount")
        self.amount = coded_amount(told.joined)
        self.wrong += filter(None, [finer(told.joined, self.amount.currency)])
        return None

    def _exchange(self, *, equal: bool) -> tuple[Amount | None, Exchange | None]:
        """An amount in the payer's own currency (code EQUI), and the conversion: 33B, 36 and 21F."""
        told, rate = self._last("33B"), self._text("36")
        instructed = coded_amount(told.joined) if told else None
        own = self.amount.currency if self.amount else ""
        converted = instructed is not None and instructed.currency != own
        if not (rate or converted or (equal and instructed)):
            return None, None
        made = Exchange(
            instructed=None if equal else instructed,
            source_currency=instructed.currency if instructed and converted else "",
            target_currency=own if converted else "",
            rate=decimal(rate) if rate else None,
        )
        return (instructed if equal else None), made

    def _sides(self) -> tuple[Told, Told]:
        """Who pays and who is paid, each with the bank account at its bank."""
        if self.between_banks:
            return self._bank("52"), self._with_agent(self._bank("58"), "57")
        return self._with_agent(self._party("50", "50C", "50L"), "52"), self._with_agent(self._party("59"), "57")

    def _party(self, prefix: str, *but: str, beneath: bool = False) -> Told:
        fields = self.beneath if beneath else self.fields
        told = next((one for one in reversed(fields) if one.tag.startswith(prefix) and one.tag not in but), None)
        return read_party(told) if told else Told(None, None)

    def _bank(self, prefix: str) -> Told:
        """A bank that pays or is paid itself."""
        found = self._party(prefix)
        party = found.party or (Party(ids={"BIC": found.bic}) if found.bic else None)
        return Told(party, found.bank_account)

    def _with_agent(self, side: Told, prefix: str) -> Told:
        """The side, with the bank that keeps its bank account."""
        told = next((one for one in reversed(self.fields) if one.tag.startswith(prefix)), None)
        if told is None:
            return side
        agent, account = read_agent(told), side.bank_account or BankAccount()
        update = {"bic": agent.bic or account.bic, "clearing_id": agent.clearing_id or account.clearing_id}
        return Told(side.party, account.model_copy(update=update) if any(update.values()) else side.bank_account)

    def _beneath(self, prefix: str) -> Told:
        return self._party(prefix, beneath=True) if self.beneath else Told(None, None)

    def _agents(self) -> Iterator[BankAccount]:
        """Banks between: the correspondents' (53 to 55) and the intermediary (56), in this order."""
        for prefix in _AGENTS:
            yield from (read_agent(told) for told in self.fields if told.tag.startswith(prefix))

    def _references(self) -> References:
        """A payment of an MT101 has its own (21); what a bank passes on has that bank's (20) and another's (21)."""
        ordered = next(
            (line.removeprefix(_ORDERED).strip() for line in self._purpose() if line.startswith(_ORDERED)), ""
        )
        own = self._text("21") if self.kind == "101" else self._text("20")
        end_to_end = ordered or (self._text("21") if self.kind != "103" else "")
        message = self._text("20") if self.kind == "101" else ""
        others = {"UETR": self.uetr} if self.uetr and self.kind != "101" else {}
        told = all_told({"instruction": own, "end_to_end": end_to_end, "message": message})
        return References(**told, others=others)

    def _purpose(self) -> tuple[str, ...]:
        return self._lines("70") or self._lines("70", self.beneath)

    def _charges(self) -> Iterator[Charge]:
        """What the sender took (71F, inside the amount) and what the receiver may take (71G)."""
        for told in self.fields:
            if told.tag in ("71F", "71G"):
                bearer = "CRED" if told.tag == "71F" else "DEBT"
                place = Source(where=told.tag, line=told.line)
                included = told.tag == "71F"
                yield Charge(amount=coded_amount(told.joined), included=included, bearer=bearer, source=place)
        yield from self._deducted()

    def _deducted(self) -> Iterator[Charge]:
        """What the payer ordered (33B) and the amount lacks, in one currency, where no bank says that it took it."""
        told = self._last("33B")
        ordered = coded_amount(told.joined) if told else None
        if ordered is None or self.amount is None or self._last("36") or self._last("71F"):
            return
        if ordered.currency == self.amount.currency and ordered.value > self.amount.value:
            value = ordered.value - self.amount.value
            amount = Amount(value=value, currency=ordered.currency)
            yield Charge(amount=amount, included=True, bearer="CRED", source=Source(where="33B"))

    def _others(self, payer: Told, payee: Told) -> dict[str, str]:
        """Fields without a place of their own, by their tags; and the bank accounts beneath a cover payment."""
        found = {tag: said for tag in _OTHERS if (said := self._text(tag))}
        for name, prefix in _NAMED.items():
            told = self._party(prefix)
            bank = told.bank_account or BankAccount()
            if not ((self.between_banks and prefix == "52") or bank.bic or bank.clearing_id):
                said = told.party.name if told.party else bank.identification
                found |= {name: said} if said else {}
        if self.uetr and self.kind == "101":
            found["UETR"] = self.uetr  # that of a message, which may hold several payments
        for name, side in (("50", payer), ("59", payee)):
            if side.bank_account:
                found[name] = side.bank_account.identification or side.bank_account.bic
        return found
