"""What a bank or scheme takes: character sets, lengths, addresses by settlement date, charges, cut-offs, file names.

Way in: `profile(name)`, `check(instructions, profile, settlement_date)`.
May not be here: formats and their bytes; a rule that belongs to one payment file's layout.
"""

from __future__ import annotations

from nostro.formats.profiles.check import FileRules, ProfileRefused, check, check_one, refuse
from nostro.formats.profiles.forms import left_out
from nostro.formats.profiles.profile import PROFILES, Profile, own_profile, profile
from nostro.formats.profiles.rules import Broken, Finding, replaced

__all__ = [
    "PROFILES",
    "Broken",
    "FileRules",
    "Finding",
    "Profile",
    "ProfileRefused",
    "check",
    "check_one",
    "left_out",
    "own_profile",
    "profile",
    "refuse",
    "replaced",
]
