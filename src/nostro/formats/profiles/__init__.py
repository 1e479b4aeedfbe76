"""What a bank or scheme takes: character sets, lengths, addresses by settlement date, charges, cut-offs, file names.

Way in: `profile(name)`, `check(instructions, profile, settlement_date)`.
May not be here: formats and their bytes; a rule that belongs to one payment file's layout.
"""

from __future__ import annotations

from nostro.formats.profiles.check import ProfileRefused, check, check_count, check_one, refuse
from nostro.formats.profiles.profile import PROFILES, Profile, profile
from nostro.formats.profiles.rules import Finding

__all__ = ["PROFILES", "Finding", "Profile", "ProfileRefused", "check", "check_count", "check_one", "profile", "refuse"]
