"""The process of an open item: captured, paid out, credited, refunded, disputed, returned; see PROCESS.md.

Way in: `PROCESS`.
May not be here: input and output, another process, a vendor's or an ERP's knowledge.
"""

from nostro.processes.collection.routing import begins, correlates, orphaned, registers
from nostro.processes.collection.stakes import moves, worth
from nostro.processes.collection.v1.books import holdings
from nostro.processes.collection.v1.decide import decide
from nostro.processes.collection.v1.evolve import evolve
from nostro.processes.collection.v1.machine import MACHINE
from nostro.processes.collection.v1.state import CollectionState
from nostro.processes.collection.v2.decide import MACHINE as MACHINE_V2
from nostro.processes.collection.v2.decide import decide as decide_v2
from nostro.processes.collection.v2.state import CollectionStateV2
from nostro.processes.collection.v2.state import evolve as evolve_v2
from nostro.processes.collection.v3.decide import MACHINE as MACHINE_V3
from nostro.processes.collection.v3.decide import decide as decide_v3
from nostro.processes.collection.v3.evolve import evolve as evolve_v3
from nostro.processes.collection.v3.state import CollectionStateV3
from nostro.processes.collection.v4.decide import MACHINE as MACHINE_V4
from nostro.processes.collection.v4.decide import decide as decide_v4
from nostro.processes.collection.v5.decide import MACHINE as MACHINE_V5
from nostro.processes.collection.v5.decide import decide as decide_v5
from nostro.processes.collection.v5.state import CollectionStateV5
from nostro.processes.collection.v6.decide import MACHINE as MACHINE_V6
from nostro.processes.collection.v6.decide import decide as decide_v6
from nostro.processes.collection.v6.evolve import evolve as evolve_v6
from nostro.processes.collection.v6.state import CollectionStateV6
from nostro.processes.collection.v7.decide import MACHINE as MACHINE_V7
from nostro.processes.collection.v7.decide import decide as decide_v7
from nostro.processes.kit.process import Process, Version

PROCESS = Process(
    name="collection",
    versions=(
        Version(MACHINE, CollectionState(), evolve, decide),
        Version(MACHINE_V2, CollectionStateV2(), evolve_v2, decide_v2),
        Version(MACHINE_V3, CollectionStateV3(), evolve_v3, decide_v3),
        Version(MACHINE_V4, CollectionStateV3(), evolve_v3, decide_v4),
        Version(MACHINE_V5, CollectionStateV5(), evolve_v3, decide_v5),
        Version(MACHINE_V6, CollectionStateV6(), evolve_v6, decide_v6),
        Version(MACHINE_V7, CollectionStateV6(), evolve_v6, decide_v7),
    ),
    begins=begins,
    correlates=correlates,
    registers=registers,
    orphaned=orphaned,
    moves=moves,
    worth=worth,
    holds=holdings,
)

__all__ = ["PROCESS"]
