"""Sales and what becomes of them: intents, charges, refunds, disputes.

Each change writes the object, its balance transaction and its events together. Sources: Stripe API reference, pages
"PaymentIntents", "Charges", "Refunds", "Disputes", "Types of events"; guides "Refund and cancel payments" (failed
refunds) and "How disputes work".
"""

from collections import Counter
from datetime import datetime

from nostro.sandbox.psp import shapes
from nostro.sandbox.psp.errors import Refused, unknown, wrong
from nostro.sandbox.psp.events import EventLog
from nostro.sandbox.psp.ledger import Ledger
from nostro.sandbox.psp.settings import PspSettings, stamp
from nostro.sandbox.psp.shapes import Thing

DECLINED = "pm_card_chargeDeclined"


class Payments:
    """All intents, charges, refunds and disputes of one account, oldest first."""

    def __init__(self, settings: PspSettings, ledger: Ledger, events: EventLog) -> None:
        self.intents: dict[str, Thing] = {}
        self.charges: dict[str, Thing] = {}
        self.refunds: dict[str, Thing] = {}
        self.disputes: dict[str, Thing] = {}
        self._settings = settings
        self._ledger = ledger
        self._events = events
        self._made: Counter[str] = Counter()

    # Intents and charges

    def intend(self, wish: Thing, now: datetime) -> Thing:
        """Make a PaymentIntent that waits for a payment method."""
        intent = shapes.payment_intent(self._next("pi", wish.get("reference")), wish, stamp(now))
        self.intents[intent["id"]] = intent
        self._events.emit("payment_intent.created", intent, now)
        return intent

    def confirm(self, intent: Thing, wish: Thing, now: datetime) -> Thing:
        """Charge the card. A declined card leaves the intent waiting and raises 402."""
        if intent["status"] not in ("requires_payment_method", "requires_confirmation"):
            raise _unexpected(intent)
        if wish.get("payment_method") == DECLINED:
            raise self._decline(intent, now)
        manual = intent["capture_method"] == "manual"
        payer = wish.get("payer")
        charge = shapes.charge(self._of(intent, "ch"), intent, stamp(now), payer=payer, captured=not manual)
        self.charges[charge["id"]] = charge
        intent |= {"latest_charge": charge["id"], "payment_method": charge["payment_method"]}
        if manual:
            intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
            self._events.emit("charge.succeeded", charge, now)
            self._events.emit("payment_intent.amount_capturable_updated", intent, now)
        else:
            self._take(intent, charge, charge["amount"], now)
            self._events.emit("charge.succeeded", charge, now)
            self._events.emit("payment_intent.succeeded", intent, now)
        return intent

    def capture(self, intent: Thing, wish: Thing, now: datetime) -> Thing:
        """Take what was authorised, or less; the rest is released."""
        if intent["status"] != "requires_capture":
            raise _unexpected(intent)
        minor = int(wish.get("amount_to_capture") or intent["amount_capturable"])
        if not 0 < minor <= intent["amount_capturable"]:
            raise wrong("amount_to_capture", f"Amount to capture must be at most {intent['amount_capturable']}.")
        charge = self.charges[intent["latest_charge"]]
        charge |= {"captured": True, "amount_captured": minor}
        self._take(intent, charge, minor, now)
        self._events.emit("charge.captured", charge, now)
        self._events.emit("payment_intent.succeeded", intent, now)
        return intent

    def _take(self, intent: Thing, charge: Thing, minor: int, now: datetime) -> None:
        settled = self._ledger.settle(minor, charge["currency"], now)
        fee = self._settings.fee(settled.minor)
        line = self._ledger.book("charge", charge, settled, now, fee=fee)
        charge["balance_transaction"] = line["id"]
        intent |= {"status": "succeeded", "amount_received": minor, "amount_capturable": 0}

    def _decline(self, intent: Thing, now: datetime) -> Refused:
        message = "Your card was declined."
        declined = {
            "code": "card_declined",
            "decline_code": "generic_decline",
            "type": "card_error",
            "message": message,
        }
        charge = shapes.charge(self._of(intent, "ch"), intent, stamp(now), payer=None, captured=False)
        charge |= {"paid": False, "status": "failed", "failure_code": "card_declined", "failure_message": message}
        charge["outcome"] |= {"network_status": "declined_by_network", "type": "issuer_declined"}
        self.charges[charge["id"]] = charge
        intent |= {"latest_charge": charge["id"], "last_payment_error": declined | {"charge": charge["id"]}}
        self._events.emit("charge.failed", charge, now)
        self._events.emit("payment_intent.payment_failed", intent, now)
        return Refused(
            402, message, "card_error", code="card_declined", decline_code="generic_decline", charge=charge["id"]
        )

    # Refunds

    def refund(self, wish: Thing, now: datetime) -> Thing:
        """Give money back for a charge, or for the latest charge of an intent; fees stay with Stripe."""
        charge = self._charge_of(wish)
        left = charge["amount_captured"] - charge["amount_refunded"]
        minor = int(wish["amount"]) if "amount" in wish else left
        if charge["disputed"] and not self._refundable(charge):
            raise Refused(400, f"Charge {charge['id']} has been charged back.", code="charge_disputed")
        if left == 0:
            raise Refused(400, f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
        if not 0 < minor <= left:
            raise wrong("amount", f"Refund amount ({minor}) is greater than unrefunded amount on charge ({left})")
        refund = shapes.refund(self._of(charge, "re"), charge, minor, stamp(now), wish)
        self.refunds[refund["id"]] = refund
        settled = self._ledger.settle(minor, charge["currency"], now).negative()
        refund["balance_transaction"] = self._ledger.book("refund", refund, settled, now)["id"]
        before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
        self._refunded(charge, minor)
        self._events.emit("refund.created", refund, now)
        self._events.emit("charge.refunded", charge, now, before)
        return refund

    def fail_refund(self, refund: Thing, reason: str, now: datetime) -> Thing:
        """The card is closed: the money comes back to the balance, the customer still waits for it."""
        if refund["status"] != "succeeded":
            raise _unexpected(refund)
        charge = self.charges[refund["charge"]]
        returned = self._ledger.reversal_of(self._ledger.line(refund["balance_transaction"]))
        line = self._ledger.book("refund_failure", refund, returned, now)
        refund |= {"status": "failed", "failure_reason": reason, "failure_balance_transaction": line["id"]}
        self._refunded(charge, -refund["amount"])
        self._events.emit("refund.failed", refund, now)
        self._events.emit("charge.refund.updated", refund, now, {"status": "succeeded"})
        return refund

    # Disputes

    def dispute(self, wish: Thing, now: datetime) -> Thing:
        """The card holder objects. A chargeback takes the money and a fee at once; an inquiry only asks."""
        charge = self._charge_of(wish)
        minor = int(wish.get("amount") or charge["amount_captured"] - charge["amount_refunded"])
        dispute = shapes.dispute(self._of(charge, "dp"), charge, minor, stamp(now), wish)
        self.disputes[dispute["id"]] = dispute
        charge["disputed"] = True
        self._events.emit("charge.dispute.created", dispute, now)
        if dispute["status"] == "needs_response":
            self._withdraw(dispute, now)
        return dispute

    def escalate(self, dispute: Thing, now: datetime) -> Thing:
        """An inquiry becomes a chargeback."""
        if dispute["status"] != "warning_needs_response":
            raise _unexpected(dispute)
        dispute |= {"status": "needs_response", "is_charge_refundable": False}
        self._events.emit("charge.dispute.updated", dispute, now, {"status": "warning_needs_response"})
        self._withdraw(dispute, now)
        return dispute

    def close(self, dispute: Thing, now: datetime, *, won: bool) -> Thing:
        """The card network decides; if we won, the money comes back, the fee does not."""
        if dispute["status"] in ("won", "lost", "warning_closed"):
            raise _unexpected(dispute)
        inquiry = dispute["status"].startswith("warning")
        if won and not inquiry:
            back = self._ledger.reversal_of(dispute["balance_transactions"][0])
            line = self._ledger.book("adjustment", dispute, back, now, category="dispute_reversal")
            line["description"] = f"Chargeback reversal for {dispute['charge']}"
            dispute["balance_transactions"].append(line)
            self._events.emit("charge.dispute.funds_reinstated", dispute, now)
        dispute["status"] = "warning_closed" if inquiry else "won" if won else "lost"
        self._events.emit("charge.dispute.closed", dispute, now)
        return dispute

    def _withdraw(self, dispute: Thing, now: datetime) -> None:
        settled = self._ledger.settle(dispute["amount"], dispute["currency"], now).negative()
        fee = self._settings.dispute_fee_minor
        line = self._ledger.book("adjustment", dispute, settled, now, fee=fee, category="dispute")
        line["description"] = f"Chargeback withdrawal for {dispute['charge']}"
        dispute["balance_transactions"].append(line)
        self._events.emit("charge.dispute.funds_withdrawn", dispute, now)

    # Leaves

    def annotate(self, thing: Thing, metadata: dict[str, str], now: datetime) -> Thing:
        """Write metadata: given keys are set, an empty value removes its key, others stay (page "Metadata")."""
        before = {key: thing["metadata"].get(key) for key in metadata}
        merged = thing["metadata"] | metadata
        thing["metadata"] = {key: value for key, value in merged.items() if value}
        if thing["object"] in ("charge", "refund", "dispute"):
            kind = {"charge": "charge.updated", "refund": "refund.updated", "dispute": "charge.dispute.updated"}
            self._events.emit(kind[thing["object"]], thing, now, {"metadata": before})
        return thing

    def _charge_of(self, wish: Thing) -> Thing:
        if "charge" in wish:
            return found(self.charges, "charge", wish["charge"], "charge")
        if "payment_intent" not in wish:
            raise Refused(400, "One of the following params should be provided: payment_intent or charge.")
        intent = found(self.intents, "payment_intent", wish["payment_intent"], "payment_intent")
        if intent["status"] != "succeeded":
            raise _unexpected(intent)
        return self.charges[intent["latest_charge"]]

    def _refundable(self, charge: Thing) -> bool:
        return all(d["is_charge_refundable"] for d in self.disputes.values() if d["charge"] == charge["id"])

    @staticmethod
    def _refunded(charge: Thing, minor: int) -> None:
        charge["amount_refunded"] += minor
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]

    def _next(self, prefix: str, reference: str | None) -> str:
        """An id after a reference of the scenario, if it gave one, else after the count of the references-less."""
        if reference is not None:
            ident = self._settings.ident(prefix, "of", reference)
            assert ident not in self.intents, f"the scenario names {reference} twice"
            return ident
        self._made[prefix] += 1
        return self._settings.ident(prefix, self._made[prefix])

    def _of(self, parent: Thing, prefix: str) -> str:
        self._made[f"{prefix}/{parent['id']}"] += 1
        return self._settings.ident(prefix, parent["id"], self._made[f"{prefix}/{parent['id']}"])


def found(things: dict[str, Thing], what: str, ident: str, param: str = "id") -> Thing:
    """The object of this id, or Stripe's 404."""
    if ident not in things:
        raise unknown(what, ident, param)
    return things[ident]


def _unexpected(thing: Thing) -> Refused:
    what = str(thing["object"])
    message = f"This {what} could not be used this way because it has a status of {thing['status']}."
    return Refused(400, message, code=f"{what}_unexpected_state")
