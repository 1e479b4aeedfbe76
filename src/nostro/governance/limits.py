"""The whole-number settings that processes ask for by name. A name that nobody asks for is a finding of `check`."""

from __future__ import annotations

from collections.abc import Mapping

LIMITS: Mapping[str, str] = {
    "overpayment_tolerance_minor": "what may be over without a case, in minor units of the invoice's currency",
}
"""Name -> what it means, with its unit."""
