"""The business of a seed: a handful of deals over two days, each with what is unusual about it.

Deals hang on the seed and their own number only: one can be left out and the others stay as they are. Where people act,
there may be one more, of which a card payment is over: they give it back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from nostro.sandbox.bank import StatementFault
from nostro.sandbox.entropy import chance
from nostro.sandbox.scenario import Scenario
from nostro.sandbox.stage import CLERK, ENTITIES, MONDAY, ODOO, TUESDAY, Entity, at
from tests.simulation.circumstances import Circumstances

Deal = Callable[["Business", "Entity", str], None]
AFTER = timedelta(hours=2)
LATE = 0.1
OVER = 0.3
"""Share of the seeds with people in which a card payment is over."""
STATEMENT_FAULTS = ("", "", "doubled", "repeated", "restated", "missing", "late")
RESTATED = ("restated", "belated", "amended", "withdrawn")
"""What a statement lacked, told wrongly or had too much before it was restated."""


@dataclass(slots=True)
class Business(Scenario):
    """The scenario of one seed. `left_out`: numbers of deals that don't happen."""

    left_out: frozenset[int] = frozenset()
    companies: tuple[Entity, ...] = ()
    stories: dict[int, str] = field(default_factory=dict)
    """What each deal is, in words."""

    def __post_init__(self) -> None:
        drawn = chance(self.seed, "business")
        self.companies = _companies(drawn)
        for entity in self.companies:  # an invoice that nobody pays
            self._chance = chance(self.seed, "unpaid", entity.code)
            self._invoice(entity, "unpaid", at(MONDAY, 8))
        deals = drawn.randrange(1, 5)
        for number in range(deals):
            self._deal(number, DEALS)
        if Circumstances.drawn(self.seed).people and chance(self.seed, "given back by people").random() < OVER:
            self._deal(deals, CARDS_OVER)
        self.script.sort(key=lambda act: act.at)

    def _deal(self, number: int, kinds: Mapping[str, Deal]) -> None:
        self._chance = chance(self.seed, "deal", number)
        entity = self._chance.choice(self.companies)
        kind = self._chance.choice([kind for kind in sorted(kinds) if entity.code == "DE" or kind not in ONLY_DE])
        if number not in self.left_out:
            self.stories[number] = f"{entity.code} {kind.replace('_', ' ')}"
            kinds[kind](self, entity, f"{number}")

    @property
    def card_is_over(self) -> bool:
        """Whether a card payment is over, so that people may give it back."""
        return any(story[3:].replace(" ", "_") in CARDS_OVER for story in self.stories.values())

    def statement_faults(self) -> tuple[StatementFault, ...]:
        """What goes wrong with a bank's statements of Monday."""
        faults = []
        for entity in self.companies:
            kind = chance(self.seed, "statement", entity.code).choice(STATEMENT_FAULTS)
            kind = chance(self.seed, "restated", entity.code).choice(RESTATED) if kind == "restated" else kind
            later = None if kind == "missing" else timedelta(hours=3)
            if kind:
                name = "missing" if kind == "late" else kind
                faults.append(StatementFault(entity.account.number, MONDAY, name, later))
        return tuple(faults)

    # Kinds of deals

    def card(self, entity: Entity, name: str) -> None:
        """A card payment, told in one of two ways."""
        self._card_sale(entity, name)

    def declined_first(self, entity: Entity, name: str) -> None:
        """The first attempt is declined."""
        when = self._monday()
        key = self._invoice(entity, name, when)
        self._card(key, when, attempt=True)
        self._card(key, when + timedelta(minutes=2))

    def refunded(self, entity: Entity, name: str) -> None:
        """Part or all of it goes back."""
        key, when = self._card_sale(entity, name)
        whole = self.expected[key].total_minor
        part = self._chance.choice((whole, whole // 3))
        self._give_back(key, self._later(when), part, {"act": "refund", "reason": "requested_by_customer"})

    def charged_back(self, entity: Entity, name: str) -> None:
        """The customer's bank takes it back."""
        key, when = self._card_sale(entity, name)
        self._give_back(key, self._later(when), self.expected[key].total_minor, {"act": "dispute", "reason": "fraud"})

    def asked_about(self, entity: Entity, name: str) -> None:
        """An inquiry that ends well: no money moves."""
        key, when = self._card_sale(entity, name)
        inquiry = {"act": "dispute", "inquiry": True, "payment_intent": f"{{card/{key}.id}}"}
        self._act(when + AFTER, entity.psp_path, inquiry, f"inquiry/{key}")
        closing = {"act": "dispute_closes", "won": True, "dispute": f"{{inquiry/{key}.id}}"}
        self._act(when + 2 * AFTER, entity.psp_path, closing)

    def registered_by_odoo(self, entity: Entity, name: str) -> None:
        """Odoo's own provider books the payment too."""
        key, when = self._card_sale(entity, name, told="description")
        told = {
            "invoice": f"{{{key}.id}}",
            "journal": f"{{odoo/{entity.code}.STR1}}",
            "provider_reference": f"{{card/{key}.id}}",
        }
        self._act(when + timedelta(seconds=4), ODOO, {"act": "provider_payment", **told}, f"provider/{key}")

    def paid_twice(self, entity: Entity, name: str) -> None:
        """By card, and by transfer on the next day."""
        key, _ = self._card_sale(entity, name)
        self._transfer(key, at(TUESDAY, 8))

    def transferred(self, entity: Entity, name: str) -> None:
        """A transfer that names its invoice in one of three ways."""
        self._bank_sale(entity, name)

    def paid_in_part(self, entity: Entity, name: str) -> None:
        """Less than the invoice."""
        self._bank_sale(entity, name, share=0.6)

    def paid_too_much(self, entity: Entity, name: str) -> None:
        """More than the invoice."""
        self._bank_sale(entity, name, share=1.1)

    def returned(self, entity: Entity, name: str) -> None:
        """A transfer that is taken back, and the bank charges for it."""
        key, when = self._bank_sale(entity, name)
        back = {"act": "return", "entry": f"{{credit/{key}.entry}}", "reason": "MD06", "charge": 350}
        self._act(self._later(when), entity.bank_path, back, f"return/{key}")
        self.expected[key].returned_minor += self.expected[key].paid_minor

    def credited(self, entity: Entity, name: str) -> None:
        """A credit note takes the invoice back before anybody pays."""
        key = self._invoice(entity, name, self._monday())
        credit = {"act": "credit_note", "invoice": f"{{{key}.id}}"}
        self._act(at(TUESDAY, 7), ODOO, credit, f"credit-note/{key}")
        self.expected[key].credited_minor = self.expected[key].total_minor

    def nobody_known(self, entity: Entity, name: str) -> None:
        """Money of which nobody knows whose it is."""
        credit = {"act": "credit", "account": entity.account.number, "amount": 424_200, "name": "Sender 900"}
        self._act(self._monday(), entity.bank_path, {**credit, "remittance": "as agreed"}, f"credit/unknown-{name}")

    def two_equal(self, entity: Entity, name: str) -> None:
        """Two entries that nothing tells apart are two."""
        when = self._monday()
        coffee = {"act": "credit", "account": entity.account.number, "amount": 420, "bare": True, "remittance": "CAFE"}
        for number in (1, 2):
            self._act(when, entity.bank_path, coffee, f"credit/equal-{name}-{number}")

    def vanishing(self, entity: Entity, name: str) -> None:
        """A pending entry that is never booked."""
        credit = {"act": "credit", "account": entity.account.number, "amount": 99_900, "pending_minutes": 2_000}
        self._act(at(MONDAY, 14), entity.bank_path, {**credit, "remittance": "advice"}, f"credit/vanished-{name}")
        gone = {"act": "vanish", "entry": f"{{credit/vanished-{name}.entry}}"}
        self._act(at(TUESDAY, 14), entity.bank_path, gone)

    def collective(self, entity: Entity, name: str) -> None:
        """Three customers in one entry."""
        when = at(TUESDAY, 9, 30)
        keys = [self._invoice(entity, f"{name}-{number}", when, structured=True) for number in (1, 2, 3)]
        parts = [self._transfer_of(key, None, "remittance") for key in keys]
        op = {"act": "credit", "account": entity.account.number, "transfers": parts}
        self._act(when, entity.bank_path, op, f"credit/collective-{name}")
        for key in keys:
            self._paid(f"credit/collective-{name}/{key}", key, self.expected[key].total_minor, "transfer")

    def reserved(self, entity: Entity, name: str) -> None:
        """The provider keeps some of it back."""
        _, when = self._card_sale(entity, name, minor=300_000)
        hold = {"act": "reserve_hold", "amount": 50_000, "currency": entity.currency.lower(), "days": 30}
        self._act(when + AFTER, entity.psp_path, hold, f"reserve/{entity.code}-{name}")

    def foreign(self, entity: Entity, name: str) -> None:
        """A sale in another currency, settled in the company's own."""
        self._card_sale(entity, name, currency=self._chance.choice(("USD", "JPY")))

    # Kinds of which a card payment is over

    def card_twice(self, entity: Entity, name: str) -> None:
        """By card, and by card once more: all of the second is over."""
        key, when = self._card_sale(entity, name)
        again = self._chance.choice((when + timedelta(minutes=2), at(TUESDAY, 9)))
        self._card_again(key, f"again/{key}", again)

    def card_beyond(self, entity: Entity, name: str) -> None:
        """A part by transfer, and all of it by card on the next day: a part of that is over."""
        key, _ = self._bank_sale(entity, name, share=self._chance.choice((0.2, 0.4)))
        self._card_again(key, f"card/{key}", at(TUESDAY, 9))

    def card_of_nobody(self, entity: Entity, name: str) -> None:
        """By card, for an invoice that there isn't."""
        minor = self._chance.randrange(2_000, 200_000)
        op = {"act": "card_payment", "amount": minor, "currency": entity.currency.lower(), "payer": "Customer 900"}
        told = {"reference": f"card/nobody-{name}", "declined": False, "metadata": {"invoice": f"LOST-{name}"}}
        self._act(self._monday(), entity.psp_path, {**op, **told}, f"card/nobody-{name}")

    def card_for_nothing(self, entity: Entity, name: str) -> None:
        """By card, for an invoice that was cancelled before."""
        when = self._monday()
        key = self._invoice(entity, name, when)
        told = {"ids": [f"{{{key}.id}}"], "arguments": {}, "context": {}}
        call = {"act": "call", "key": CLERK, "model": "account.move", "method": "button_cancel"}
        self._act(when, ODOO, call | told)
        self.expected[key].credited_minor = self.expected[key].total_minor
        self._card_again(key, f"card/{key}", when + timedelta(minutes=self._chance.choice((1, 60))))

    # What they have in common

    def _card_again(self, key: str, name: str, when: datetime) -> None:
        """A card payment of all of an invoice, whatever was paid of it."""
        expected, entity = self.expected[key], self._entity(key)
        amount = {"amount": expected.total_minor, "currency": expected.currency.lower(), "payer": expected.partner}
        told = {"reference": name, "declined": False, "metadata": {"invoice": f"{{{key}.name}}"}}
        self._act(when, entity.psp_path, {"act": "card_payment", **amount, **told}, name)
        self._paid(name, key, expected.total_minor, "card")

    def _card_sale(
        self, entity: Entity, name: str, *, told: str = "", minor: int | None = None, currency: str = ""
    ) -> tuple[str, datetime]:
        when = self._monday()
        key = self._invoice(entity, name, when, minor=minor, currency=currency)
        told = told or self._chance.choice(("metadata", "description"))
        if chance(self.seed, "late", name).random() < LATE:
            when = at(MONDAY, 22, 30)  # after midnight in Berlin and Zurich
        self._card(key, when, told=told)
        return key, when

    def _bank_sale(self, entity: Entity, name: str, *, share: float = 1.0) -> tuple[str, datetime]:
        when = at(MONDAY, 8) + timedelta(minutes=self._chance.randrange(360))
        way = self._chance.choice(("remittance", "end_to_end", "structured"))
        key = self._invoice(entity, name, when, structured=way == "structured")
        amount = int(self.expected[key].total_minor * share)
        self._transfer(key, when, amount, told="remittance" if way == "structured" else way)
        return key, when

    def _monday(self) -> datetime:
        return at(MONDAY, 6) + timedelta(seconds=self._chance.randrange(10 * 3600))

    def _later(self, when: datetime) -> datetime:
        """An hour later, or on the next day when the money has been paid out."""
        return self._chance.choice((when + timedelta(hours=1), at(TUESDAY, 9)))


DEALS: Mapping[str, Deal] = {
    "card": Business.card,
    "declined_first": Business.declined_first,
    "refunded": Business.refunded,
    "charged_back": Business.charged_back,
    "asked_about": Business.asked_about,
    "registered_by_odoo": Business.registered_by_odoo,
    "paid_twice": Business.paid_twice,
    "transferred": Business.transferred,
    "paid_in_part": Business.paid_in_part,
    "paid_too_much": Business.paid_too_much,
    "returned": Business.returned,
    "credited": Business.credited,
    "nobody_known": Business.nobody_known,
    "two_equal": Business.two_equal,
    "vanishing": Business.vanishing,
    "collective": Business.collective,
    "reserved": Business.reserved,
    "foreign": Business.foreign,
}
ONLY_DE = frozenset({"registered_by_odoo", "foreign", "reserved"})
CARDS_OVER: Mapping[str, Deal] = {
    "card_twice": Business.card_twice,
    "card_beyond": Business.card_beyond,
    "card_of_nobody": Business.card_of_nobody,
    "card_for_nothing": Business.card_for_nothing,
}
"""What people can give back: of `paid_twice` the transfer is over, which leaves by a payment of one's own."""


def _companies(drawn: Random) -> tuple[Entity, ...]:
    """One company mostly, sometimes two: they share the Odoo."""
    return tuple(drawn.sample(ENTITIES, 2 if drawn.random() < 0.2 else 1))
