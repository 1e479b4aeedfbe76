"""What a movement wants and tells, as functions of its state and the rules. `decide` does what is new of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import Any, Literal

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
from nostro.model.intents import BookStatementLine
from nostro.model.money import InexactAmountError, Money
from nostro.model.outcomes import OutcomeKind
from nostro.model.references import Reference
from nostro.model.unchanging import unchanging
from nostro.processes.bank_movement.v1.identity import plain_text, scope
from nostro.processes.bank_movement.v1.state import Lead, MovementState, Return
from nostro.processes.kit.decision import Instance, Lookup, Posting, PostingRule, Rules, Wanted
from nostro.processes.kit.following import same

BOOK = "book"
_PER_ENTITY = frozenset({"structured", "invoice_number"})


@unchanging(frozen=True, slots=True)
class Scene:
    """A movement with what surrounds it: its subject id, its entity and the rules; and whose it is."""

    subject: str
    entity: LegalEntity
    rules: Rules
    data: MovementState
    shares: Mapping[tuple[str, str], int]

    @property
    def house_account(self) -> HouseBankAccount:
        """Our bank account that it moved on; raises `LookupError` when the landscape no longer knows it."""
        if (found := self.entity.bank_account(self.data.account)) is None:
            raise LookupError(self.data.account)
        return found

    @property
    def awaits_statement(self) -> bool:
        """Whether a statement has to list it."""
        return bool(self.house_account.statement_expected_by)

    @property
    def signed(self) -> Money:
        """Its amount as the bank account sees it: a credit is positive."""
        return self.data.total if self.data.direction == "credit" else -self.data.total

    @property
    def day(self) -> date:
        """The day that it was booked on; raises `ValueError` while it is pending."""
        if self.data.booked_on is None:
            raise ValueError("a pending movement has no booking day")
        return self.data.booked_on

    @property
    def told(self) -> dict[str, Any]:
        """What every fact about it says alike."""
        return {"movement": self.subject, "booked_on": self.day}

    @property
    def posting(self) -> PostingRule:
        """The posting policy's row for booked bank movements."""
        return self.rules.posting(self.entity.id, "transfer", "booked")

    @property
    def resolved(self) -> bool:
        """Whether it is known whose it is, as far as it ever will be by itself."""
        return self.data.counts and self.data.asked

    @property
    def line(self) -> str:
        """The statement line's id in the ERP, empty while there is none."""
        end = self.data.steps.end(BOOK)
        return end.ids.get("statement_line", "") if end and end.there else ""

    @property
    def ended(self) -> bool:
        """Whether its booking ended for good: the line stands in the ERP, or a person said that it shall not."""
        end = self.data.steps.end(BOOK)
        return end is not None and (end.there or end.kind is OutcomeKind.DISCARDED)

    @property
    def still(self) -> bool:
        """Whether nothing is to be booked: no money moved, or the posting policy keeps it out of the books."""
        return not self.data.total or not self.posting.posts

    def provider(self) -> ProviderAccount | None:
        """The provider whose payout this is: the one that the statement names, or the only one that there is."""
        said = plain_text(text_of(self.data.remittance) + text_of(self.data.counterparty_name))
        accounts_here = self.entity.provider_accounts
        named = [p for p in accounts_here if p.statement_descriptor and plain_text(p.statement_descriptor) in said]
        if len(named) == 1:
            return named[0]
        return accounts_here[0] if len(accounts_here) == 1 and self.pays_out else None

    @property
    def pays_out(self) -> bool:
        """Whether all of it is one payout."""
        return [process for process, _ in self.shares] == ["payout"]


def scene_of(instance: Instance, rules: Rules, data: MovementState, kind: type[Scene] = Scene) -> Scene:
    """The movement as it counts, with what surrounds it."""
    counted = data.counted
    return kind(instance.subject.id, rules.entity(instance.entity), rules, counted, counted.shares)


def leads(scene: Scene) -> tuple[Reference, ...]:
    """The references that are still to be asked, strongest first."""
    return tuple(_reference(scene, lead) for lead in scene.data.open_leads) if scene.data.counts else ()


def lookup(scene: Scene) -> Lookup | None:
    """The look-up for what is still to be asked."""
    references = leads(scene)
    return Lookup(references, _patience(scene), ("bank_movement", "payout", "collection")) if references else None


def _patience(scene: Scene) -> int:
    """How long is waited for a reference: an invoice may come a little later, a payout's trace id days later."""
    data, limit = scene.data, scene.rules.limit
    if not data.original and all(data.targets(part) for part in data.parts):
        return 0
    if not data.original and scene.provider() is not None:
        return limit("payout_wait_seconds", scene.entity.id, 172_800)
    return limit("lookup_wait_seconds", scene.entity.id, 900)


def _reference(scene: Scene, lead: Lead) -> Reference:
    kind, value = lead
    if kind in ("movement", "end_to_end"):
        return Reference(kind, value, scope(scene.entity.id, scene.data.account))
    return Reference(kind, value, scene.entity.id if kind in _PER_ENTITY else "")


def wanted(scene: Scene, before: Iterable[Wanted] = ()) -> tuple[Wanted, ...]:
    """The statement line in the ERP: a payout's against its provider's clearing account, all else on suspense.

    `before`: what was asked for before.
    """
    data = scene.data
    if not scene.resolved or scene.still:
        return ()
    provider = scene.provider() if scene.pays_out else None
    account = provider.clearing_account if provider else None
    intent = partial(
        BookStatementLine, entity=scene.entity.id, journal=scene.house_account.odoo_journal, amount=scene.signed,
        booked_on=scene.day, reference=data.reference, counterpart="account" if account else "suspense",
        counterpart_account=account, foreign=_foreign(scene), text=data.remittance, partner_name=data.counterparty_name,
        account_number=data.counterparty_iban,
    )  # fmt: skip
    return data.steps.put_together([(BOOK, 0, intent)], before)


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
    data = scene.data
    if data.verdict == "double":
        again = {"relation": "same", "amount": scene.signed, "stated": data.stated}
        return (MovementRelated(subject=data.chosen.subject, **again, **scene.told),) if data.chosen else ()
    return (*_takes_back(scene), *_credits(scene), *_returns(scene)) if scene.resolved else ()


def _takes_back(scene: Scene) -> Iterator[FactBody]:
    originals = [target for target in scene.data.taken_back if target.subject != scene.subject]
    if len(originals) == 1:
        taken = {"relation": "returned", "amount": scene.signed, "reason": scene.data.reason}
        yield MovementRelated(subject=originals[0].subject, **taken, **scene.told)


def _credits(scene: Scene) -> Iterator[FactBody]:
    """Payouts hear at once; collections once the line is booked, since they match it in the ERP."""
    data = scene.data
    for (process, subject), minor in scene.shares.items():
        amount = Money(minor=minor, currency=data.total.currency)
        if process == "payout":
            signed = amount if data.direction == "credit" else -amount
            yield PayoutCredited(payout_id=subject, amount=signed, **scene.told)
        elif process == "collection" and data.direction == "credit" and scene.ended:
            by: Literal["person", "reference"] = "person" if data.chosen else "reference"
            yield CollectionCredited(subject=subject, amount=amount, statement_line=scene.line, by=by, **scene.told)
    rest = _nobodys(scene)
    if rest and scene.ended:
        yield _unapplied(scene, rest)


def _nobodys(scene: Scene) -> Money | None:
    """What of a credit nothing leads to anybody from. While a part is contested, a person is to say first."""
    data = scene.data
    rest = data.total.minor - sum(scene.shares.values())
    if data.direction == "debit" or rest <= 0 or data.contested or data.taken_back or scene.data.banks_own:
        return None
    return Money(minor=rest, currency=data.total.currency)


def _unapplied(scene: Scene, amount: Money) -> MoneyUnapplied:
    data = scene.data
    payer = {"payer_name": data.counterparty_name, "payer_iban": data.counterparty_iban}
    return MoneyUnapplied(
        amount=amount,
        statement_line=scene.line,
        leads=_late_leads(data),
        remittance=data.remittance,
        **payer,
        **scene.told,
    )


def _late_leads(data: MovementState) -> tuple[Lead, ...]:
    """What may still lead to an open item that comes late. Of a collective credit a person says what is whose."""
    leads = data.parts[0].leads if len(data.parts) == 1 else ()
    return tuple(lead for lead in leads if lead[0] in ("correlation", *_PER_ENTITY))


def _returns(scene: Scene) -> Iterator[FactBody]:
    """Whoever was credited hears that the money went back."""
    heir = heir_of(scene) if scene.data.taken else None
    for back in scene.data.taken if heir else ():
        yield CollectionReturned(
            subject=heir or "", original_movement=scene.subject, amount=-back.amount,
            **same(back, "movement booked_on reason"),
        )  # fmt: skip


def heir_of(scene: Scene) -> str | None:
    """The one collection that the whole credit went to, unapplied money's included; None where it is not one."""
    data = scene.data
    if not scene.ended or data.direction == "debit":
        return None
    if _nobodys(scene) == data.total:
        return _unapplied(scene, data.total).begins(scene.entity.id)
    heirs = [subject for (process, subject), minor in scene.shares.items() if process == "collection"]
    return heirs[0] if len(heirs) == 1 and scene.shares["collection", heirs[0]] == data.total.minor else None


def postings(scene: Scene) -> dict[str, Posting]:
    """Every movement of money that the state knows of. `decide` posts what changed."""
    data, entity = scene.data, scene.entity.id
    if not data.counts or not data.total:
        return {}
    suspense, credit = accounts.suspense(entity), data.direction == "credit"
    bank = accounts.bank(entity, data.account)
    named = {"booked": Posting(*((bank, suspense) if credit else (suspense, bank)), data.total)}
    if scene.data.banks_own:
        fees = accounts.fees(entity, data.account)
        named["banks_own"] = Posting(*((suspense, fees) if credit else (fees, suspense)), data.total)
    elif left := unexplained(scene):
        named["unexplained"] = Posting(accounts.unexplained(entity), suspense, left)
    return named


def unassigned(scene: Scene) -> tuple[Return, ...]:
    """Returns that nobody was told of: the credit was not one collection's, or they went the same way as it."""
    data = scene.data
    if not (data.returns and scene.ended):
        return ()
    told_of = data.taken if data.direction == "debit" or heir_of(scene) else ()
    return tuple(back for back in data.returns if back not in told_of)


def unexplained(scene: Scene) -> Money | None:
    """What of a debit nothing says anything about, though everything was asked, and that did not come back."""
    data = scene.data
    if data.direction == "credit" or scene.data.banks_own or not scene.resolved:
        return None
    left = 0 if any(True for _ in _takes_back(scene)) else data.unsaid(scene.shares)
    came_back = sum(back.amount.minor for back in data.taken) >= left
    return None if came_back else Money(minor=left, currency=data.total.currency)


def holdings(instance: Instance, rules: Rules) -> tuple[Holding, ...]:
    """What the movement answers for: its own postings, less what others were told to take over."""
    assert isinstance(instance.data, MovementState)
    scene = scene_of(instance, rules, instance.data)
    if scene.data.amount is None:
        return ()
    own, key = fold(postings(scene).values()), (accounts.suspense(scene.entity.id), scene.data.total.currency)
    sign = 1 if scene.data.direction == "credit" else -1
    heard = told(scene) if scene.data.counts else ()  # what took back one that does not count yet is held all the same
    taken_over = sum(abs(body.amount.minor) for body in heard if isinstance(body, _TAKES_OVER))
    handed_on = sum(body.amount.minor for body in heard if isinstance(body, CollectionReturned))
    back = -sum(back.amount.minor for back in scene.data.returns)
    own[key] = own.get(key, 0) + sign * taken_over + back - handed_on
    return tuple(
        Holding(scene.subject, account, Money(minor=minor, currency=money))
        for (account, money), minor in sorted(own.items())
        if minor and accounts.kind_of(account) in accounts.TRANSIT
    )


_TAKES_OVER = (CollectionCredited, MoneyUnapplied, PayoutCredited, MovementRelated)
"""Facts with which this movement's money becomes another subject's; its returns' money it has from their movements."""
