"""The collection's machine: where an open item stands as far as our own work is concerned. Amounts live in the state.

The same money can be paid, disputed and refunded at once; the process state is what has to happen next, the first of
this list that applies: booking, awaiting_provider, disputed, refund_open, in_transit; then where the item rests.
"""

from __future__ import annotations

from datetime import timedelta

from nostro.processes.collection.v1.cases import REASONS
from nostro.processes.collection.v1.evolve import PROVIDER_DEADLINE
from nostro.processes.kit.machine import NEW, Effect, Machine, Row, Terminal, Waiting, edges_of

STATES: dict[str, Waiting | Terminal] = {
    "open": Terminal("the item waits for its customer; nothing of ours is under way"),
    "booking": Waiting("booking", timedelta(hours=4), "something asked for is not booked yet"),
    "awaiting_provider": Waiting(PROVIDER_DEADLINE, timedelta(minutes=15), "the ERP's own provider may register it"),
    "disputed": Waiting("disputed", timedelta(days=75), "a card holder objects; a decision is awaited"),
    "refund_open": Waiting("refund_open", timedelta(days=3), "refunded; a credit note is awaited"),
    "in_transit": Waiting("in_transit", timedelta(days=10), "captured; the PSP's payout is awaited"),
    "paid": Terminal("cleared, and the money is where it belongs"),
    "withdrawn": Terminal("the ERP has withdrawn the item"),
    "unapplied": Waiting("unapplied", timedelta(days=5), "money without an item; a person is awaited"),
    "settling": Waiting("settling", timedelta(days=20), "a person has decided; the PSP's part is awaited"),
    "applied": Terminal("its item was found late, a person has said where the money belongs, or nothing of it is here"),
    "noted": Terminal("attempts, registrations, credit notes before their item: kept, no money of ours moved"),
}

RESTS = ("open", "paid", "withdrawn")
UNDER_WAY = ("booking", "awaiting_provider", "disputed", "refund_open", "in_transit")
ITEM = (*RESTS, *UNDER_WAY)
LOOSE = ("unapplied", "settling", "applied")
"""Money without an item."""
PSP_NEWS = ("refund.reported", "dispute.reported", "collection.paid_out")
QUIET = ("payment.attempted", "fact.corrected", "case.closed")
"""What never changes where a collection stands."""

ROWS: tuple[Row, ...] = (
    # Beginnings.
    ((NEW, "noted"), ("invoice.posted",), ("open", "paid")),
    ((NEW,), PSP_NEWS, ("applied",)),
    ((NEW, "noted"), ("invoice.withdrawn",), ("withdrawn",)),
    ((NEW,), ("payment.captured", "money.unapplied"), ("unapplied",)),
    ((NEW, "noted"), ("payment.attempted", "payment.registered", "collection.credit_noted"), ("noted",)),
    # The ERP speaks: where the item rests changes, what is under way goes on.
    (RESTS, ("invoice.posted", "payment.registered"), ("open", "paid")),
    (RESTS, ("invoice.withdrawn",), ("withdrawn",)),
    (UNDER_WAY, ("invoice.posted", "invoice.withdrawn"), ()),
    (ITEM, ("payment.registered", "collection.credit_noted"), ("booking",)),
    (("booking", "awaiting_provider"), ("payment.registered",), ITEM),
    (("refund_open",), ("collection.credit_noted",), ("in_transit", *RESTS)),
    # Money comes.
    (ITEM, ("payment.captured",), ("booking", "awaiting_provider")),
    (RESTS, ("payment.captured",), ("in_transit",)),
    (ITEM, ("collection.credited", "collection.payment_moved"), ("booking",)),
    (("open",), ("collection.credited", "collection.payment_moved"), ("paid",)),
    # Money goes back, or on.
    (ITEM, ("collection.returned",), ("booking",)),
    (("paid",), ("collection.returned",), ("open",)),
    (ITEM, PSP_NEWS, ("booking",)),
    (RESTS, PSP_NEWS, ("in_transit",)),
    (("in_transit",), PSP_NEWS, RESTS),
    ((*RESTS, "in_transit"), ("refund.reported",), ("refund_open",)),
    (("refund_open",), ("refund.reported",), ("in_transit", *RESTS)),
    ((*RESTS, "in_transit", "refund_open"), ("dispute.reported",), ("disputed", *RESTS)),
    (("disputed",), ("dispute.reported",), ("in_transit", "refund_open", *RESTS)),
    # What we asked for ends, persons decide, time passes.
    (ITEM, ("command.settled", "command.released", "match.confirmed"), ("booking",)),
    (("booking",), ("command.settled",), ITEM),
    (ITEM, ("deadline.fell_due",), ()),
    (("awaiting_provider",), ("deadline.fell_due",), ITEM),
    # Money without an item.
    (LOOSE, (*PSP_NEWS, "collection.returned", "lookup.answered"), LOOSE),
    (LOOSE, ("payment.registered",), ()),
    (LOOSE, ("payment.captured", "collection.credited", "collection.payment_moved"), ("unapplied",)),
    (("unapplied",), ("match.confirmed",), ("settling", "applied")),
    (("settling",), ("command.settled",), ("applied",)),
    (LOOSE, ("match.confirmed", "command.settled", "command.released", "deadline.fell_due"), ()),
    ((*ITEM, *LOOSE), QUIET, ()),
)


EFFECTS = {
    "register": Effect("register_customer_payment", "reopen"),
    "reconcile": Effect("reconcile", "reopen"),
    "reopen": Effect("reopen_invoice", "none: what is owed again is paid by a payment of its own"),
    "annotate": Effect("annotate_payment", "none: metadata move no money"),
    "refunded": Effect("book_journal_entry", "unrefunded"),
    "unrefunded": Effect("book_journal_entry", "none: it takes back an entry itself"),
    "match": Effect("reconcile", "none: a person unmatches in the ERP"),
    "disputed": Effect("book_journal_entry", "reinstated"),
    "reinstated": Effect("book_journal_entry", "none: it takes back an entry itself"),
    "lost": Effect("reopen_invoice", "none: what is owed again is paid by a payment of its own"),
    "owed": Effect("book_journal_entry", "none: what is owed again is paid by a payment of its own"),
    "convert": Effect("book_journal_entry", "none: what the PSP settled does not change"),
    "refund": Effect("refund_payment", "none: money given back can't be fetched; a failed refund is reported"),
}

MACHINE = Machine(
    process="collection", version=1, states=STATES, edges=edges_of(ROWS), effects=EFFECTS, case_reasons=REASONS
)
