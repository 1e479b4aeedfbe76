"""A movement that may be a payout in part."""

from __future__ import annotations

from nostro.model.unchanging import unchanging
from nostro.processes.bank_movement.v4.scene import SceneV4


@unchanging(frozen=True, slots=True)
class SceneV5(SceneV4):
    """As ever; but what is a payout in part is booked on suspense, as all that belongs to several."""

    @property
    def pays_out(self) -> bool:
        """Whether all of it is one payout."""
        shares = [(process, minor) for (process, _), minor in self.shares.items()]
        return shares == [("payout", self.data.total.minor)]
