"""JSON whose numbers stay exact."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NoReturn


def exact_json(body: bytes | str) -> Any:  # noqa: ANN401 - JSON is whatever the sender wrote
    """JSON without floats: a fraction is a Decimal. Raises `ValueError`, and `RecursionError` for absurd nesting."""
    text = body if isinstance(body, str) else body.decode(json.detect_encoding(body), "surrogatepass")
    return _DECODER.decode(text)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_number)
"""Made once: making one costs as much as decoding a small body."""
