"""Why a payment comes back, as field 72 says it: SWIFT, "Payments Guidelines", codewords RETN and REJT."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nostro.model.references import told
from nostro.model.statements import References, ReturnInformation

_BACK = re.compile(r"/(RETN|REJT)/([^/\s]*)")
_REASON = re.compile(r"(?<=[/\s])([A-Z]{2}\d{2})/([^/\n]*)")
_WORD = re.compile(r"/(MREF|TEXT)/([^/\n]*)")


def returned(lines: Sequence[str]) -> ReturnInformation | None:
    """Its reason, the reference that it had, and what was wrong (`RETN/` and the field); None where it goes forward."""
    if not lines or (back := _BACK.match(lines[0])) is None:
        return None
    said = "\n".join(lines)
    reason, words = _REASON.search(said, back.end()), dict(_WORD.findall(said))
    reference = told(words.get("MREF", ""))
    return ReturnInformation(
        code=reason[1] if reason else "",
        proprietary="/".join(part for part in back.groups() if part),
        text=(reason[2].strip() if reason else "") or words.get("TEXT", "").strip(),
        original=References(instruction=reference) if reference else None,
    )
