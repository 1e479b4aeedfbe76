from pathlib import Path

import pytest

from nostro.model.money import Money
from nostro.runtime.demo.judge import BANK, CARD
from nostro.runtime.demo.naive_days import live


@pytest.mark.asyncio
async def test_without_faults_the_plain_script_loses_nothing_and_doubles_only_what_odoo_registered_itself(
    tmp_path: Path,
) -> None:
    judged = await live(tmp_path, seed=1, size=1, faults=False)
    assert judged.lost == ()
    assert [(effect.kind, effect.amount) for effect in judged.doubled] == [(CARD, Money.of("640.00", "EUR"))]


@pytest.mark.asyncio
async def test_with_faults_it_loses_the_missing_statement_and_doubles_the_one_that_came_twice(tmp_path: Path) -> None:
    said: list[str] = []
    judged = await live(tmp_path, seed=1, size=1, say=said.append)
    assert {(effect.entity, effect.name) for effect in judged.lost if effect.kind == BANK} == {("CH", "2026-08-31")}
    monday = {effect.entity for effect in judged.doubled if effect.kind == BANK and effect.name == "2026-08-31"}
    assert monday == {"DE", "US"}
    assert said
