"""`nostro parse` of what is whole in itself: each object is as its kind's schema says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from nostro.formats.kinds import SCHEMAS
from nostro.runtime.cli_app import build
from tests.unit.test_nacha import payroll
from tests.unit.test_qr_bill import BILL
from tests.unit.test_rates import BNR


def typed(given: bytes) -> list[dict[str, Any]]:
    done = CliRunner().invoke(build("parse"), ["parse", "-"], input=given)
    assert done.exit_code == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    "given,kind", [(BILL.encode(), "qr_bill"), (BNR.encode(), "rate_table"), (payroll(), "payment_initiation")]
)
def test_an_object_is_as_its_schema_says(given: bytes, kind: str) -> None:
    (told,) = typed(given)
    assert told["kind"] == kind
    SCHEMAS[kind].model_validate(told)
