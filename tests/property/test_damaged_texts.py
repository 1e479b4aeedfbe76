"""Formats of which no real file is at hand: our own texts, damaged, are read, rejected or refused."""

from __future__ import annotations

from random import Random

import pytest

from tests.fuzz.damage import DAMAGES
from tests.fuzz.judging import lived_through
from tests.unit import test_bacs_reports as bacs
from tests.unit import test_lockbox as lockbox
from tests.unit import test_nacha as nacha
from tests.unit import test_qr_bill as qr_bill
from tests.unit import test_rates as rates
from tests.unit.test_bacs_standard_18 import collection, payment, written

TEXTS = {
    "nacha": nacha.payroll().decode(),
    "nacha_returns": "\n".join((nacha.HEAD, *nacha.RETURNS)),
    "nacha_iat": "\n".join((nacha.HEAD, *nacha.IAT)),
    "lockbox": "\n".join(lockbox.WHOLE),
    "standard_18": "\n".join(written(payment(), collection())),
    "arudd": bacs.ARUDD,
    "addacs": bacs.ADVICES.format("ADDACS", bacs.MOVED),
    "qr_bill": qr_bill.BILL,
    "ecb": rates.ECB,
    "bnr": rates.BNR,
    "hmrc": rates.HMRC,
    "bazg": rates.BAZG,
    "snb": rates.SNB,
    "fed": rates.FED,
    "boe": "DATE,XUDLUSS,XUDLBK89\n28 Aug 2026,1.3404,9.6\n31 Aug 2026,1.3410,9.7\n",
    "snb_portal": '"CubeId";"devkum"\n"Date";"D0";"D1";"Value"\n"2026-08";"M0";"JPY100";"0.9378"\n',
}


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_whatever_happens_to_a_text_it_is_read_rejected_or_refused(name: str) -> None:
    whole = TEXTS[name].encode()
    assert lived_through(whole).count > 0
    for seed in range(20):
        for damage in DAMAGES.values():
            lived_through(damage(whole, Random(seed)))  # noqa: S311 - damage has to be repeatable, not secret
