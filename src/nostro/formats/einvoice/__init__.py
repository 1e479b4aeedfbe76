"""Electronic invoices: UBL, CII (also inside PDF/A-3) and FatturaPA (also signed), read tolerantly, written strictly.

Way in: the readers in `formats.py`; `convert` into another syntax; `validate` by the official rules, `check_schema`.
May not be here: sockets; entities, network access or unbounded sizes in XML, PDF and signatures.
"""

from nostro.formats.einvoice.converting import Converted, Syntax, convert
from nostro.formats.einvoice.rules import Finding, refuse_unless_valid, validate
from nostro.formats.einvoice.schemas import check_schema

__all__ = ["Converted", "Finding", "Syntax", "check_schema", "convert", "refuse_unless_valid", "validate"]
