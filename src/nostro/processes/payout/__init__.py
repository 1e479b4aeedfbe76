"""The process of a payout: its lines, what the PSP kept, and its arrival at the bank; see PROCESS.md.

Way in: `PROCESS`.
May not be here: input and output, another process, a vendor's or an ERP's knowledge.
"""

from collections.abc import Sequence

from nostro.model.facts import Fact, PayoutCredited, PayoutLineReported, PayoutReissued, PayoutReported
from nostro.model.references import Reference
from nostro.processes.kit.process import Begin, Process, Version
from nostro.processes.payout.v1.books import holdings
from nostro.processes.payout.v1.decide import decide
from nostro.processes.payout.v1.machine import MACHINE
from nostro.processes.payout.v1.state import PayoutState, evolve
from nostro.processes.payout.v2.decide import MACHINE as MACHINE_V2
from nostro.processes.payout.v2.decide import decide as decide_v2
from nostro.processes.payout.v3.decide import MACHINE as MACHINE_V3
from nostro.processes.payout.v3.decide import decide as decide_v3
from nostro.processes.payout.v4.decide import MACHINE as MACHINE_V4
from nostro.processes.payout.v4.decide import decide as decide_v4
from nostro.processes.payout.v4.state import PayoutStateV4
from nostro.processes.payout.v4.state import evolve as evolve_v4


def begins(fact: Fact) -> Begin | None:
    """A payout begins with its report or its first line. A bank credit may name the subject itself."""
    match fact.body:
        case PayoutReported() | PayoutLineReported() as body:
            return Begin(f"{body.connection}/{body.payout_id}")
        case PayoutReissued() as body:
            return Begin(body.subject)
        case PayoutCredited() as body if "/" in body.payout_id:
            return Begin(body.payout_id)
        case _:
            return None


def correlates(fact: Fact) -> Sequence[Reference]:
    """A bank credit that names the PSP's id."""
    return (Reference.to("psp", fact.body.payout_id),) if isinstance(fact.body, PayoutCredited) else ()


def registers(fact: Fact) -> Sequence[Reference]:
    """The PSP's ids. A descriptor counts only with a digit in it: a text that all payouts share leads everywhere."""
    if isinstance(fact.body, PayoutLineReported):
        return (Reference.to("psp", fact.body.line_id),)
    if not isinstance(fact.body, PayoutReported):
        return ()
    body = fact.body
    descriptor = body.statement_descriptor if any(c.isdigit() for c in body.statement_descriptor) else ""
    return tuple(Reference.to("psp", ident) for ident in (body.payout_id, body.trace_id, descriptor) if ident)


def orphaned(_: Fact) -> Begin | None:
    """A bank credit for a payout that nobody told us is a case."""
    return None


PROCESS = Process(
    name="payout",
    versions=(
        Version(MACHINE, PayoutState(), evolve, decide),
        Version(MACHINE_V2, PayoutState(), evolve, decide_v2),
        Version(MACHINE_V3, PayoutState(), evolve, decide_v3),
        Version(MACHINE_V4, PayoutStateV4(), evolve_v4, decide_v4),
    ),
    begins=begins,
    correlates=correlates,
    registers=registers,
    orphaned=orphaned,
    holds=holdings,
)

__all__ = ["PROCESS"]
