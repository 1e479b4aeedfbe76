"""External code sets as tables: what a bank's, a scheme's or a tax authority's code means, and where that is written.

Way in: `named(set, code)`, `Legend` for all the codes of a document. One file a publisher, one line a code.
May not be here: refusing a code. Sets grow faster than copies of them; one that isn't known is kept and told as it is.
"""

from __future__ import annotations

from nostro.formats.codes.legend import Legend
from nostro.formats.codes.sets import SETS, CodeSet, NamedCode, code_set, iso20022_code, name_of, named

__all__ = ["SETS", "CodeSet", "Legend", "NamedCode", "code_set", "iso20022_code", "name_of", "named"]
