"""Facts never change in place: their fields are pinned by type and version. A new one needs an upcaster and a line.

`NOSTRO_REGENERATE=1 pytest tests/golden/test_facts.py` writes the file anew; a person reads the difference.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from nostro.model.facts import FACT_TYPES, UPCASTERS, schemas
from nostro.model.facts.base import FactBody

GOLDEN = Path(__file__).parent / "facts" / "fields.json"


def fields(kind: type[FactBody]) -> dict[str, str]:
    properties = kind.model_json_schema()["properties"]
    return {name: json.dumps(told, sort_keys=True) for name, told in sorted(properties.items())}


def test_the_fields_of_every_fact_are_those_that_were_promised() -> None:
    told = {f"{kind.fact_type}/{kind.version}": fields(kind) for kind in FACT_TYPES}
    if os.environ.get("NOSTRO_REGENERATE") == "1":
        GOLDEN.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    promised = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert {name: promised[name] for name in told if name in promised} == told


def test_every_older_version_has_a_way_up() -> None:
    promised = json.loads(GOLDEN.read_text(encoding="utf-8"))
    today = {kind.fact_type: kind.version for kind in FACT_TYPES}
    for name in promised:
        fact_type, version = name.rsplit("/", 1)
        missing = [step for step in range(int(version), today[fact_type]) if (fact_type, step) not in UPCASTERS]
        assert missing == [], f"{fact_type} has no upcaster from {missing}"


def test_the_schema_of_every_fact_can_be_exported() -> None:
    assert set(schemas()) == {f"{kind.fact_type}/{kind.version}" for kind in FACT_TYPES}
