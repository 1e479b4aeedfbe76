"""One movement on a bank account: told by many, counted and booked once, led to whose money it is; see PROCESS.md.

Way in: `PROCESS`.
May not be here: input and output; another process; a vendor's or an ERP's knowledge.
"""

from collections.abc import Sequence

from nostro.model.facts.house import Target
from nostro.model.money import Money
from nostro.processes.bank_movement.routing import begins, registers
from nostro.processes.bank_movement.v1.decide import decide
from nostro.processes.bank_movement.v1.effects import holdings
from nostro.processes.bank_movement.v1.evolve import evolve
from nostro.processes.bank_movement.v1.machine import MACHINE
from nostro.processes.bank_movement.v1.state import MovementState
from nostro.processes.bank_movement.v2.decide import MACHINE as MACHINE_V2
from nostro.processes.bank_movement.v2.decide import decide as decide_v2
from nostro.processes.bank_movement.v3.decide import MACHINE as MACHINE_V3
from nostro.processes.bank_movement.v3.decide import decide as decide_v3
from nostro.processes.bank_movement.v3.evolve import evolve as evolve_v3
from nostro.processes.bank_movement.v3.state import MovementStateV3
from nostro.processes.bank_movement.v4.decide import MACHINE as MACHINE_V4
from nostro.processes.bank_movement.v4.decide import decide as decide_v4
from nostro.processes.bank_movement.v5.decide import MACHINE as MACHINE_V5
from nostro.processes.bank_movement.v5.decide import decide as decide_v5
from nostro.processes.bank_movement.v5.evolve import evolve as evolve_v5
from nostro.processes.bank_movement.v5.state import MovementStateV5
from nostro.processes.kit.decision import State
from nostro.processes.kit.process import Process, Version


def moves(data: State, _: Target) -> Sequence[Money]:
    """All of it, wherever it goes."""
    assert isinstance(data, MovementState)
    return (data.amount,) if data.amount else ()


PROCESS = Process(
    name="bank_movement",
    versions=(
        Version(MACHINE, MovementState(), evolve, decide),
        Version(MACHINE_V2, MovementState(), evolve, decide_v2),
        Version(MACHINE_V3, MovementStateV3(), evolve_v3, decide_v3),
        Version(MACHINE_V4, MovementStateV3(), evolve_v3, decide_v4),
        Version(MACHINE_V5, MovementStateV5(), evolve_v5, decide_v5),
    ),
    begins=begins,
    correlates=lambda _: (),
    registers=registers,
    orphaned=lambda _: None,
    moves=moves,
    holds=holdings,
)

__all__ = ["PROCESS"]
