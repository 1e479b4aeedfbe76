"""What a movement wants and tells, as functions of its state and the rules. `decide` does what is new of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from nostro.ledger import Holding, accounts, fold
from nostro.model.base import text_of
from nostro.model.entities import HouseBankAccount, LegalEntity, ProviderAccount
from nostro.model.facts import (
    CollectionCredited,
    CollectionReturned,
    FactBody,
    MoneyUnapplied,
    MovementRelated,
    PayoutCredited,
)
from nostro.model.facts.house import Target
from nostro.model.intents import BookStatementLine
from nostro.model.money import InexactAmountError, Money
from nostro.model.outcomes import OutcomeKind
from nostro.model.references import Reference
from nostro.processes.bank_movement.v1.identity import announced, plain_text, scope
from nostro.processes.bank_movement.v1.state import Lead, MovementState, Part
from nostro.processes.kit.decision import Lookup, Posting, Rules, Wanted

BOOK = "book"
_BANKS_OWN = frozenset(["CHRG", "COMM", "COMT", "COME", "COMI", "FEES", "INTR", "TAXE"])
"""ISO 20022 external bank transaction sub-families for what a bank charges or pays on its own account."""
_STRENGTH = ("correlation", "structured", "psp", "invoice_number")
_PER_ENTITY = frozenset({"structured", "invoice_number"})


@dataclass(frozen=True, slots=True)
class Scene:
    """A movement with what surrounds it: its subject id, its entity and the rules."""

    subject: str
    entity: LegalEntity
    rules: Rules
    data: MovementState

    @property
    def account(self) -> HouseBankAccount:
        """Our bank account that it moved on; raises `LookupError` when the landscape no longer knows it."""
        found = self.entity.bank_account(self.data.account)
        if found is None:
            raise LookupError(self.data.account)
        return found

    @property
    def signed(self) -> Money:
        """Its amount as the bank account sees it: a credit is positive."""
        return self.data.total if self.data.direction == "credit" else -self.data.total

    @property
    def day(self) -> date:
        """The day that it was booked on; raises `ValueError` while it is pending."""
        if self.data.booked_on is None:
            message = "a pending movement has no booking day"
            raise ValueError(message)
        return self.data.booked_on

    @property
    def books(self) -> bool:
        """Whether it is to stand in the ERP: it counts, moves money, and the posting policy lets it."""
        return bool(
            self.data.counts and self.data.total and self.rules.posting(self.entity.id, "transfer", "booked").posts
        )

    @property
    def banks_own(self) -> bool:
        """Whether the bank charges or pays this itself."""
        return not self.data.original and self.data.code.rpartition("-")[2] in _BANKS_OWN

    @property
    def resolved(self) -> bool:
        """Whether it is known whose it is, as far as it ever will be by itself."""
        return self.data.counts and not leads(self)

    @property
    def line(self) -> str:
        """The statement line's id in the ERP, empty while there is none."""
        end = self.data.steps.end(BOOK)
        return end.ids.get("statement_line", "") if end and end.there else ""

    @property
    def ended(self) -> bool:
        """Whether its booking ended for good: it stands there, or never will."""
        end = self.data.steps.end(BOOK)
        return not self.books or (end is not None and (end.there or end.kind is OutcomeKind.DISCARDED))

    def provider(self) -> ProviderAccount | None:
        """The provider whose payout this is, by what it says on the statement, or because there is only one."""
        said = plain_text(text_of(self.data.remittance) + text_of(self.data.counterparty_name))
        named = [p for p in self.entity.provider_accounts if p.statement_descriptor]
        found = [p for p in named if plain_text(p.statement_descriptor) in said]
        if len(found) == 1:
            return found[0]
        return self.entity.provider_accounts[0] if self._payouts() and len(self.entity.provider_accounts) == 1 else None

    def _payouts(self) -> bool:
        owner = self.owner()
        return owner is not None and owner.process == "payout"

    def owner(self) -> Target | None:
        """The one subject that all of it belongs to."""
        found = [self.data.targets(part) for part in self.data.parts]
        same = {(target.process, target.subject): target for targets in found for target in targets}
        return next(iter(same.values())) if len(same) == 1 and all(found) else None


def leads(scene: Scene) -> tuple[Reference, ...]:
    """The references that are still to be asked, strongest first."""
    data = scene.data
    if not data.counts or data.vain or data.chosen is not None:
        return ()
    answered = {answer.lead for answer in data.answers}
    if data.original:
        return () if data.taken_back else tuple(_reference(scene, lead) for lead in data.original)
    first = _announced(scene) if data.listed_first and not data.verdict else ()
    if scene.banks_own:
        return first
    open_leads = {lead: None for part in data.parts for lead in _open(data, part) if lead not in answered}
    ordered = sorted(open_leads, key=lambda lead: _STRENGTH.index(lead[0]))
    return (*first, *(_reference(scene, lead) for lead in ordered)) if ordered or data.direction == "credit" else first


def lookup(scene: Scene) -> Lookup | None:
    """The look-up for what is still to be asked."""
    references = leads(scene)
    if not references:
        return None
    return Lookup(references, _patience(scene), ("bank_movement", "payout", "collection"))


def _open(data: MovementState, part: Part) -> tuple[Lead, ...]:
    """What of a part is to be asked: everything, or, once an invoice number has led somewhere, only other such numbers."""
    if data.direction == "debit":
        return tuple(lead for lead in part.leads if lead[0] in ("correlation", "psp"))
    found = [answer.lead for answer in data.answers if answer.lead in part.leads]
    if not found:
        return part.leads
    by_number = all(kind == "invoice_number" for kind, _ in found)
    return tuple(lead for lead in part.leads if by_number and lead[0] == "invoice_number")


def _patience(scene: Scene) -> int:
    """How long an unknown reference is waited for: an invoice may come a little later, a payout's trace id days later."""
    data, limit = scene.data, scene.rules.limit
    if data.direction == "credit" and data.parts and all(data.targets(part) for part in data.parts):
        return 0
    if scene.provider() is not None and not data.original:
        return limit("payout_wait_seconds", scene.entity.id, 172_800)
    return limit("lookup_wait_seconds", scene.entity.id, 900)


def _announced(scene: Scene) -> tuple[Reference, ...]:
    data = scene.data
    told = bool(data.counterparty_iban or data.counterparty_name or data.remittance)
    within, money = scope(scene.entity.id, data.account), f"{data.total}/{data.direction}"
    return (announced(within, money, scene.day.isoformat(), bare=told),)


def _reference(scene: Scene, lead: Lead) -> Reference:
    kind, value = lead
    if kind in ("movement", "end_to_end"):
        return Reference(kind, value, scope(scene.entity.id, scene.data.account))
    return Reference(kind, value, scene.entity.id if kind in _PER_ENTITY else "")


def wanted(scene: Scene) -> tuple[Wanted, ...]:
    """The statement line in the ERP: a payout's against the provider's clearing account, everything else on suspense."""
    data = scene.data
    if not scene.books or not scene.resolved:
        return ()
    owner, account = scene.owner(), None
    if owner is not None and owner.process == "payout":
        provider = scene.provider()
        account = provider.clearing_account if provider else None
    intent = BookStatementLine(
        entity=scene.entity.id,
        journal=scene.account.odoo_journal,
        amount=scene.signed,
        booked_on=scene.day,
        reference=data.reference,
        counterpart="account" if account else "suspense",
        counterpart_account=account,
        foreign=_foreign(scene),
        text=data.remittance,
        partner_name=data.counterparty_name,
        account_number=data.counterparty_iban,
    )
    return (Wanted(BOOK, intent, generation=data.steps.generation(BOOK)),)


def _foreign(scene: Scene) -> Money | None:
    told = scene.data.instructed
    if told is None or told.currency == scene.data.total.currency:
        return None
    try:
        money = told.to_money()
    except InexactAmountError:
        return None
    return money if scene.data.direction == "credit" else -money


def told(scene: Scene) -> tuple[FactBody, ...]:
    """What others hear from this movement."""
    if scene.data.verdict == "double":
        return tuple(_same(scene))
    if not scene.resolved:
        return ()
    return (*_takes_back(scene), *_credits(scene), *_returns(scene))


def _same(scene: Scene) -> Iterator[FactBody]:
    data = scene.data
    if data.chosen is not None and data.booked:
        yield MovementRelated(
            subject=data.chosen.subject,
            movement=scene.subject,
            relation="same",
            amount=data.total,
            booked_on=scene.day,
            stated=data.stated,
        )


def _takes_back(scene: Scene) -> Iterator[FactBody]:
    data = scene.data
    originals = [data.chosen] if data.chosen else list(data.taken_back)
    if data.original and len(originals) == 1 and originals[0].process == "bank_movement":
        yield MovementRelated(
            subject=originals[0].subject,
            movement=scene.subject,
            relation="returned",
            amount=data.total,
            booked_on=scene.day,
            reason=data.reason,
        )


def _credits(scene: Scene) -> Iterator[FactBody]:
    """Payouts hear at once; collections once the line is booked, since they match it in the ERP."""
    data = scene.data
    if data.original:
        return
    rest = data.total.minor
    for (process, subject), minor in _shares(data).items():
        amount = Money(minor=minor, currency=data.total.currency)
        rest -= minor
        if process == "payout":
            signed = amount if data.direction == "credit" else -amount
            yield PayoutCredited(payout_id=subject, movement=scene.subject, amount=signed, booked_on=scene.day)
        elif process == "collection" and data.direction == "credit" and scene.ended:
            yield CollectionCredited(
                subject=subject,
                movement=scene.subject,
                amount=amount,
                booked_on=scene.day,
                statement_line=scene.line,
                by="person" if data.chosen else "reference",
            )
    if rest > 0 and data.direction == "credit" and not scene.banks_own and not _contested(data) and scene.ended:
        yield _unapplied(scene, Money(minor=rest, currency=data.total.currency))


def _unapplied(scene: Scene, amount: Money) -> MoneyUnapplied:
    data = scene.data
    return MoneyUnapplied(
        movement=scene.subject,
        amount=amount,
        booked_on=scene.day,
        statement_line=scene.line,
        payer_name=data.counterparty_name,
        payer_iban=data.counterparty_iban,
        remittance=data.remittance,
    )


def _shares(data: MovementState) -> dict[tuple[str, str], int]:
    """What belongs to whom, in minor units; contested parts belong to nobody yet."""
    shares: dict[tuple[str, str], int] = {}
    if data.chosen is not None:
        return {(data.chosen.process, data.chosen.subject): data.total.minor}
    for part in data.parts:
        targets = data.targets(part)
        if len(targets) == 1:
            key = (targets[0].process, targets[0].subject)
            shares[key] = shares.get(key, 0) + part.amount.minor
    return shares


def _contested(data: MovementState) -> bool:
    """Whether references of one part lead to different subjects: all of the rest waits for a person then."""
    return any(len(data.targets(part)) > 1 for part in data.parts)


def _returns(scene: Scene) -> Iterator[FactBody]:
    """Whoever was credited hears that the money went back."""
    data, heir = scene.data, heir_of(scene)
    for back in data.returns if heir else ():
        yield CollectionReturned(
            subject=heir or "",
            movement=back.movement,
            original_movement=scene.subject,
            amount=back.amount,
            booked_on=back.booked_on,
            reason=back.reason,
        )


def heir_of(scene: Scene) -> str | None:
    """The one collection that the whole credit went to, unapplied money's included; None where it is not one."""
    data = scene.data
    if data.direction != "credit" or data.original or not scene.ended:
        return None
    shares = [(subject, minor) for (process, subject), minor in _shares(data).items() if process == "collection"]
    if not shares and not _contested(data) and not _shares(data) and not scene.banks_own:
        return _unapplied(scene, data.total).begins(scene.entity.id)
    return shares[0][0] if len(shares) == 1 and shares[0][1] == data.total.minor else None


def postings(scene: Scene) -> dict[str, Posting]:
    """Every movement of money that the state knows of. `decide` posts what changed."""
    data, entity = scene.data, scene.entity.id
    if not data.counts or not data.total:
        return {}
    suspense, credit = accounts.suspense(entity), data.direction == "credit"
    bank = accounts.bank(entity, data.account)
    named = {"booked": Posting(*((bank, suspense) if credit else (suspense, bank)), data.total)}
    if scene.banks_own:
        fees = accounts.fees(entity, data.account)
        named["banks_own"] = Posting(*((suspense, fees) if credit else (fees, suspense)), data.total)
    elif unexplained(scene):
        named["unexplained"] = Posting(accounts.unexplained(entity), suspense, data.total)
    return named


def unexplained(scene: Scene) -> bool:
    """A debit that nothing says anything about, though everything was asked."""
    data = scene.data
    if data.direction == "credit" or scene.banks_own or not scene.resolved:
        return False
    returned = sum(back.amount.minor for back in data.returns)
    return returned < data.total.minor and not any(True for _ in (*_takes_back(scene), *_credits(scene)))


def holdings(scene: Scene) -> tuple[Holding, ...]:
    """What the movement answers for: its own postings, less what others were told to take over."""
    own, suspense = fold(postings(scene).values()), accounts.suspense(scene.entity.id)
    currency = scene.data.total.currency
    key, sign = (suspense, currency), 1 if scene.data.direction == "credit" else -1
    for body in told(scene):
        if isinstance(body, CollectionCredited | MoneyUnapplied):
            own[key] = own.get(key, 0) + body.amount.minor
        elif isinstance(body, PayoutCredited):
            own[key] = own.get(key, 0) + sign * abs(body.amount.minor)
        elif isinstance(body, MovementRelated) and body.relation == "returned":
            own[key] = own.get(key, 0) + sign * body.amount.minor
    if heir_of(scene) is None:
        own[key] = own.get(key, 0) + sign * sum(back.amount.minor for back in scene.data.returns)
    return tuple(
        Holding(scene.subject, account, Money(minor=minor, currency=money))
        for (account, money), minor in sorted(own.items())
        if minor and accounts.kind_of(account) in accounts.TRANSIT
    )
