"""The statements of a bank account as a series: none missing, none doubled, each fits the one before; see PROCESS.md.

Way in: `PROCESS`.
May not be here: input and output; another process.
"""

from collections.abc import Sequence

from nostro.model.facts import Fact, StatementListed, StatementReceived
from nostro.model.references import Reference
from nostro.processes.kit.process import Begin, Process, Version
from nostro.processes.statement_series.v1.decide import decide
from nostro.processes.statement_series.v1.machine import MACHINE
from nostro.processes.statement_series.v1.state import SeriesState, evolve
from nostro.processes.statement_series.v2.decide import MACHINE as MACHINE_V2
from nostro.processes.statement_series.v2.decide import decide as decide_v2
from nostro.processes.statement_series.v2.state import SeriesStateV2
from nostro.processes.statement_series.v2.state import evolve as evolve_v2
from nostro.processes.statement_series.v3.decide import MACHINE as MACHINE_V3
from nostro.processes.statement_series.v3.decide import decide as decide_v3
from nostro.processes.statement_series.v3.state import SeriesStateV3
from nostro.processes.statement_series.v3.state import evolve as evolve_v3
from nostro.processes.statement_series.v4.decide import MACHINE as MACHINE_V4
from nostro.processes.statement_series.v4.decide import decide as decide_v4
from nostro.processes.statement_series.v5.decide import MACHINE as MACHINE_V5
from nostro.processes.statement_series.v5.decide import decide as decide_v5
from nostro.processes.statement_series.v5.state import SeriesStateV5
from nostro.processes.statement_series.v5.state import evolve as evolve_v5


def begins(fact: Fact) -> Begin | None:
    """One series a bank account. Reports and notifications say that it is alive, so that its statements are awaited.

    What a statement lists is a subject of its own.
    """
    body = fact.body
    if isinstance(body, StatementListed):
        return Begin(f"{fact.entity}/{body.account}/lines/{body.statement}")
    return Begin(f"{fact.entity}/{body.account}/statement") if isinstance(body, StatementReceived) else None


def registers(fact: Fact) -> Sequence[Reference]:
    """The bank's statement id, for the trace."""
    body = fact.body
    if not isinstance(body, StatementReceived | StatementListed):
        return ()
    return (Reference.to("statement", body.statement_id, f"{fact.entity}/{body.account}"),)


PROCESS = Process(
    name="statement_series",
    versions=(
        Version(MACHINE, SeriesState(), evolve, decide),
        Version(MACHINE_V2, SeriesStateV2(), evolve_v2, decide_v2),
        Version(MACHINE_V3, SeriesStateV3(), evolve_v3, decide_v3),
        Version(MACHINE_V4, SeriesStateV3(), evolve_v3, decide_v4),
        Version(MACHINE_V5, SeriesStateV5(), evolve_v5, decide_v5, frozenset({StatementListed.fact_type})),
    ),
    begins=begins,
    correlates=lambda _: (),
    registers=registers,
    orphaned=lambda _: None,
)

__all__ = ["PROCESS"]
