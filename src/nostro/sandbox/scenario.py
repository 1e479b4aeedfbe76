"""Two business days of three companies, as a list of dated acts, and what has to be true in the books afterwards.

Mon 31 August and Tue 1 September 2026 and the Wednesday morning. DE sells in EUR, USD and JPY (all settled in EUR), CH
in CHF, US in USD. All hangs on the seed; a larger `size` makes more ordinary business around the same special cases.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from nostro.sandbox.currencies import decimal_text, iso_exponent, stripe_exponent
from nostro.sandbox.entropy import chance
from nostro.sandbox.references import creditor_reference, iban, qr_reference
from nostro.sandbox.stage import CLERK, ENTITIES, MONDAY, ODOO, START, TUESDAY, Entity, at
from nostro.sandbox.world import Act


@dataclass(slots=True)
class Expected:
    """What one invoice has to have come to in the end. All amounts are ISO minor units of its currency."""

    invoice: str
    entity: str
    partner: str
    currency: str
    total_minor: int
    paid_minor: int = 0
    """Everything that was paid for it, surplus included."""
    returned_minor: int = 0
    """What went back: refunds, chargebacks, returned transfers."""
    credited_minor: int = 0
    """What a credit note took off it."""

    @property
    def cleared_minor(self) -> int:
        """The part of the invoice that stays paid."""
        return max(0, min(self.total_minor - self.credited_minor, self.paid_minor - self.returned_minor))

    @property
    def surplus_minor(self) -> int:
        """What was paid beyond the invoice: a liability, not income."""
        return max(0, self.paid_minor - self.returned_minor - self.total_minor + self.credited_minor)

    @property
    def open_minor(self) -> int:
        """What the customer still owes for it."""
        return self.total_minor - self.credited_minor - self.cleared_minor


@dataclass(slots=True)
class Scenario:
    """The script, and what it intends by business id."""

    seed: int
    size: int = 1
    script: list[Act] = field(default_factory=list)
    expected: dict[str, Expected] = field(default_factory=dict)
    payments: dict[str, tuple[str, int, str]] = field(default_factory=dict)
    """Act -> (invoice, ISO minor units, `card` or `transfer`); an act may be part of a collective one."""
    specials: dict[str, str] = field(default_factory=dict)
    """Special case -> the invoice or act that shows it."""
    _structured: dict[str, str] = field(default_factory=dict)
    _chance: Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = chance(self.seed, "scenario")
        for entity in ENTITIES:
            self._ordinary(entity)
        self._foreign_sales()
        self._card_specials()
        self._transfer_specials()
        self._after_midnight()
        self.script.sort(key=lambda act: act.at)

    # Ordinary business

    def _ordinary(self, entity: Entity) -> None:
        cards, transfers = {"DE": (16, 12), "CH": (8, 6), "US": (8, 6)}[entity.code]
        for number in range(cards * self.size):
            when = self._moment(number)
            key = self._invoice(entity, f"C-{number:03d}", when)
            # Odoo's own provider writes its reference into the description; most shops set metadata.
            self._card(key, when, told="description" if number % 5 == 4 else "metadata")
        for number in range(transfers * self.size):
            when = self._moment(number, banking=True)
            key = self._invoice(entity, f"T-{number:03d}", when, structured=number % 3 == 0)
            self._transfer(key, when, told="end_to_end" if number % 3 == 1 else "remittance")

    def _foreign_sales(self) -> None:
        for number in range(5 * self.size):
            when = self._moment(number)
            self._card(self._invoice(ENTITIES[0], f"USD-{number:03d}", when, currency="USD"), when)
        for number in range(3 * self.size):
            when = self._moment(number)
            self._card(self._invoice(ENTITIES[0], f"JPY-{number:03d}", when, currency="JPY"), when)

    # Special cases

    def _card_specials(self) -> None:
        de, ch, us = ENTITIES
        when = at(MONDAY, 7, 20)
        refunded = self._special("refund", self._invoice(de, "REFUND", when, minor=48_000))
        self._card(refunded, when)
        self._give_back(refunded, at(TUESDAY, 9), 12_000, {"act": "refund", "reason": "requested_by_customer"})

        disputed = self._special("chargeback", self._invoice(us, "CHARGEBACK", when, minor=125_000))
        self._card(disputed, when)
        self._give_back(disputed, at(TUESDAY, 13), 125_000, {"act": "dispute", "reason": "fraudulent"})

        asked = self._special("inquiry", self._invoice(ch, "INQUIRY", when, minor=39_900))
        self._card(asked, when)
        inquiry = {"act": "dispute", "inquiry": True, "payment_intent": f"{{card/{asked}.id}}"}
        self._act(at(MONDAY, 15), ch.psp_path, inquiry, f"inquiry/{asked}")
        closing = {"act": "dispute_closes", "won": True, "dispute": f"{{inquiry/{asked}.id}}"}
        self._act(at(TUESDAY, 15), ch.psp_path, closing)

        declined = self._special("declined", self._invoice(de, "DECLINED", when, minor=7_700))
        self._card(declined, when, attempt=True)
        self._card(declined, at(MONDAY, 7, 22))

        adopted = self._special("adopted", self._invoice(de, "ADOPTED", when, minor=64_000))
        self._card(adopted, when, told="description")
        told = {
            "invoice": f"{{{adopted}.id}}",
            "journal": "{odoo/DE.STR1}",
            "provider_reference": f"{{card/{adopted}.id}}",
        }
        self._act(when + timedelta(seconds=4), ODOO, {"act": "provider_payment", **told}, f"provider/{adopted}")

        credited = self._special("credit_note", self._invoice(ch, "CREDITED", when, minor=21_000))
        self._act(
            at(TUESDAY, 7), ODOO, {"act": "credit_note", "invoice": f"{{{credited}.id}}"}, f"credit-note/{credited}"
        )
        self.expected[credited].credited_minor = 21_000

        hold = {"act": "reserve_hold", "amount": 150_000, "currency": "eur", "days": 30}
        self._act(at(MONDAY, 16), de.psp_path, hold, "reserve/DE")
        self.specials["reserve"] = "reserve/DE"

    def _transfer_specials(self) -> None:
        de, ch, us = ENTITIES
        when = at(MONDAY, 8, 5)
        twice = self._special("paid_twice", self._invoice(de, "TWICE", when, minor=88_000))
        self._card(twice, when)
        self._transfer(twice, at(TUESDAY, 8))

        again = at(TUESDAY, 8, 5)  # Monday's statement of this bank never comes
        thrice = self._special("told_by_052_054_053", self._invoice(ch, "THRICE", again, minor=54_321, structured=True))
        self._transfer(thrice, again)
        self._transfer(self._special("partial", self._invoice(de, "PARTIAL", when, minor=100_000)), when, 60_000)
        self._transfer(self._special("over", self._invoice(us, "OVER", when, minor=70_000)), at(MONDAY, 14), 71_500)

        late = self._special("late_return", self._invoice(de, "RETURN", when, minor=33_000))
        self._transfer(late, when)
        back = {"act": "return", "entry": f"{{credit/{late}.entry}}", "reason": "MD06", "charge": 350}
        self._act(at(TUESDAY, 10), de.bank_path, back, f"return/{late}")
        self.expected[late].returned_minor += 33_000

        self._collective(ch, at(TUESDAY, 9, 30))
        unknown = {"act": "credit", "account": us.account.number, "amount": 424_200, "name": "Sender 900"}
        self._act(at(MONDAY, 15), us.bank_path, unknown | {"remittance": "as agreed"}, "credit/unknown")
        self.specials["nobody_known"] = "credit/unknown"
        coffee = {"act": "credit", "account": de.account.number, "amount": 420, "bare": True, "remittance": "KANTINE"}
        for number in (1, 2):
            self._act(at(MONDAY, 11, 15), de.bank_path, coffee, f"credit/equal-{number}")
        self.specials["two_equal_entries"] = "credit/equal-1"
        gone = {"act": "credit", "account": us.account.number, "amount": 99_900, "pending_minutes": 2_000}
        self._act(at(MONDAY, 16), us.bank_path, gone | {"remittance": "advice"}, "credit/vanished")
        self._act(at(TUESDAY, 14), us.bank_path, {"act": "vanish", "entry": "{credit/vanished.entry}"})
        self.specials["pending_that_vanishes"] = "credit/vanished"

    def _after_midnight(self) -> None:
        """In Berlin it is the first of September; for Stripe, which counts in UTC, still August."""
        when = at(MONDAY, 22, 30)
        late = self._special("after_midnight", self._invoice(ENTITIES[0], "LATE", when, minor=26_000))
        self._card(late, when)

    def _collective(self, entity: Entity, when: datetime) -> None:
        """Three customers' payments as one entry, as Swiss banks book QR payments."""
        keys = [self._invoice(entity, f"QR-{number}", when, structured=True) for number in (1, 2, 3)]
        parts = [self._transfer_of(key, None, "remittance") for key in keys]
        op = {"act": "credit", "account": entity.account.number, "transfers": parts}
        self._act(when, entity.bank_path, op, "credit/collective")
        for key in keys:
            self._paid(f"credit/collective/{key}", key, self.expected[key].total_minor, "transfer")
        self.specials["collective_credit"] = "credit/collective"

    def _special(self, case: str, invoice: str) -> str:
        self.specials[case] = invoice
        return invoice

    # Acts

    def _invoice(
        self,
        entity: Entity,
        name: str,
        paid_at: datetime,
        *,
        minor: int | None = None,
        currency: str = "",
        structured: bool = False,
    ) -> str:
        """An invoice that was posted before it is paid: in the first hour, or half an hour to six hours earlier."""
        key, currency = f"{entity.code}-{name}", currency or entity.currency
        number = len(self.expected) + 1
        minor = minor or self._chance.randrange(2_000, 480_000) // (1 if iso_exponent(currency) else 5)
        partner = f"Customer {number:03d}"
        self.expected[key] = Expected(key, entity.code, partner, currency, minor)
        before = paid_at - timedelta(minutes=self._chance.randrange(30, 360))
        when = max(before, START + timedelta(seconds=number))
        self._act(when, ODOO, {"act": "partner", "name": partner}, f"partner/{key}")
        op = {
            "act": "invoice",
            "company": f"Entity {entity.code}",
            "partner": f"{{partner/{key}.id}}",
            "amount": decimal_text(minor, currency),
            "currency": currency,
            "date": when.date().isoformat(),
            "due": (when.date() + timedelta(days=14)).isoformat(),
        }
        self._act(when, ODOO, op, key)
        if structured:
            swiss = entity.code == "CH"
            reference = qr_reference(number) if swiss else creditor_reference(key.replace("-", ""))
            self._structured[key] = reference
            told = {"ids": [f"{{{key}.id}}"], "arguments": {"vals": {"payment_reference": reference}}, "context": {}}
            call = {"act": "call", "key": CLERK, "model": "account.move", "method": "write"}
            self._act(when, ODOO, call | told)
        return key

    def _card(self, key: str, when: datetime, *, told: str = "metadata", attempt: bool = False) -> None:
        """A card payment of the whole invoice; an `attempt` is declined."""
        invoice, entity = self.expected[key], self._entity(key)
        shift = stripe_exponent(invoice.currency) - iso_exponent(invoice.currency)
        name = f"attempt/{key}" if attempt else f"card/{key}"
        number = f"{{{key}.name}}"
        op = {
            "act": "card_payment",
            "amount": int(Decimal(invoice.total_minor).scaleb(shift)),
            "currency": invoice.currency.lower(),
            "payer": invoice.partner,
            "reference": name,
            "declined": attempt,
            **({"metadata": {"invoice": number}} if told == "metadata" else {"description": number}),
        }
        self._act(when, entity.psp_path, op, name)
        if not attempt:
            self._paid(name, key, invoice.total_minor, "card")

    def _give_back(self, key: str, when: datetime, minor: int, op: Mapping[str, Any]) -> None:
        """A refund or chargeback of a card payment."""
        told = {"amount": minor, "payment_intent": f"{{card/{key}.id}}"}
        self._act(when, self._entity(key).psp_path, {**op, **told}, f"{op['act']}/{key}")
        self.expected[key].returned_minor += minor

    def _transfer(self, key: str, when: datetime, minor: int | None = None, *, told: str = "remittance") -> None:
        entity = self._entity(key)
        op = {"act": "credit", "account": entity.account.number, **self._transfer_of(key, minor, told)}
        self._act(when, entity.bank_path, op, f"credit/{key}")
        self._paid(f"credit/{key}", key, op["amount"], "transfer")

    def _transfer_of(self, key: str, minor: int | None, told: str) -> dict[str, Any]:
        """One transfer, which names its invoice in the structured reference, the text or the end-to-end id."""
        invoice = self.expected[key]
        number = int(invoice.partner.removeprefix("Customer "))
        payer = {
            "DE": iban("DE", f"50010517{number:010d}"),
            "CH": iban("CH", f"09000{number:012d}"),
            "US": f"{900_000_000 + number}",
        }[invoice.entity]
        op = {"amount": minor or invoice.total_minor, "name": invoice.partner, "payer": payer}
        if key in self._structured:
            return op | {"reference": self._structured[key]}
        text = f"{{{key}.name}}"
        if told == "end_to_end":
            return op | {"end_to_end": text, "remittance": "invoice, see reference"}
        return op | {"remittance": f"Invoice {text} {invoice.partner}"}

    def _paid(self, act: str, key: str, minor: int, kind: str) -> None:
        self.payments[act] = (key, minor, kind)
        self.expected[key].paid_minor += minor

    def _act(self, when: datetime, system: str, op: Mapping[str, Any], name: str = "") -> None:
        self.script.append(Act(when, system, op, name))

    def _entity(self, key: str) -> Entity:
        return next(entity for entity in ENTITIES if entity.code == self.expected[key].entity)

    def _moment(self, number: int, *, banking: bool = False) -> datetime:
        """A time of one of the two days, in shop hours or, for transfers, in banking hours."""
        first, last = (7, 15) if banking else (6, 20)
        minutes = self._chance.randrange(first * 60, last * 60)
        return at((MONDAY, TUESDAY)[number % 2], 0) + timedelta(minutes=minutes, seconds=self._chance.randrange(60))
