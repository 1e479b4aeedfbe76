"""The process of a receipt: what its readings made of it, and what a person has to look at; see PROCESS.md.

Way in: `PROCESS`.
May not be here: input and output, another process, what is in the receipt.
"""

from collections.abc import Sequence

from nostro.model.facts import Fact, ReceiptRead, RerunAsked
from nostro.model.references import Reference
from nostro.processes.kit.process import Begin, Process, Version
from nostro.processes.receipt.v1.decide import decide
from nostro.processes.receipt.v1.machine import MACHINE
from nostro.processes.receipt.v1.state import ReceiptState, evolve


def begins(fact: Fact) -> Begin | None:
    """A receipt's subject is its id in hex."""
    return Begin(fact.body.receipt) if isinstance(fact.body, ReceiptRead | RerunAsked) else None


def registers(fact: Fact) -> Sequence[Reference]:
    """Its id."""
    return (Reference.to("receipt", fact.body.receipt),) if isinstance(fact.body, ReceiptRead) else ()


def correlates(_: Fact) -> Sequence[Reference]:
    """Nothing: what concerns a receipt names it."""
    return ()


def orphaned(_: Fact) -> Begin | None:
    """Nothing: what concerns a receipt names it."""
    return None


PROCESS = Process(
    name="receipt",
    versions=(Version(MACHINE, ReceiptState(), evolve, decide),),
    begins=begins,
    correlates=correlates,
    registers=registers,
    orphaned=orphaned,
)

__all__ = ["PROCESS"]
