from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nostro.sandbox.faults import Answer, Cut, FaultPlan, Faulty, Outage, Rates
from nostro.sandbox.wire import WireReply, WireRequest

NOW = datetime(2026, 8, 31, 8, tzinfo=UTC)
POST = WireRequest("POST", "/v1/refunds", body=b"x")


class Tally:
    """A system that only counts what reached it."""

    plan = FaultPlan()

    def __init__(self) -> None:
        self.effects: list[datetime] = []

    def handle(self, request: WireRequest, now: datetime) -> WireReply:
        self.effects.append(now)
        return WireReply(200, {}, request.body)

    def changes_books(self, request: WireRequest) -> bool:
        return request.method == "POST"

    def apply(self, op: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        raise NotImplementedError

    def tick(self, now: datetime) -> None:
        pass

    def next_due(self) -> datetime | None:
        return None

    def books(self) -> dict[str, Any]:
        return {"effects": len(self.effects)}


def faulty(**rates: float) -> tuple[Faulty, Tally]:
    tally = Tally()
    return Faulty("tally", tally, FaultPlan(seed=1, rates=Rates(**rates))), tally


@pytest.mark.parametrize(
    "kind,answered,effects",
    [
        ("slow", 200, 1),
        ("limited", 429, 0),
        ("error_before", 5, 0),
        ("error_after", 5, 1),
        ("cut_before", None, 0),
        ("cut_after", None, 1),
        ("cut_late", None, 0),
    ],
)
def test_each_fault_tells_one_thing_and_does_another(kind: str, answered: int | None, effects: int) -> None:
    system, tally = faulty(**{kind: 1.0})
    outcome = system.call(POST, NOW)
    if answered is None:
        assert isinstance(outcome, Cut)
    else:
        assert isinstance(outcome, Answer)
        assert outcome.reply.status == answered or outcome.reply.status // 100 == answered
    assert len(tally.effects) == effects


def test_a_late_effect_appears_120_seconds_of_business_time_after_its_cut() -> None:
    system, tally = faulty(cut_late=1.0)
    system.call(POST, NOW)
    system.tick(NOW + timedelta(seconds=119))
    assert tally.effects == []
    assert system.dues() == [NOW + timedelta(seconds=120)]
    system.tick(NOW + timedelta(seconds=500))
    assert tally.effects == [NOW + timedelta(seconds=120)]


def test_an_outage_covers_its_paths_from_its_start_up_to_its_end() -> None:
    tally = Tally()
    down = Outage(NOW, NOW + timedelta(minutes=5), "/v1/refunds")
    system = Faulty("tally", tally, FaultPlan(seed=1, outages=(down,)))
    during = system.call(POST, NOW)
    after = system.call(POST, NOW + timedelta(minutes=5))
    elsewhere = system.call(replace(POST, path="/v1/charges"), NOW)
    statuses = [outcome.reply.status for outcome in (during, after, elsewhere) if isinstance(outcome, Answer)]
    assert statuses == [503, 200, 200]
    refusing = Faulty("tally", tally, FaultPlan(seed=1, outages=(replace(down, refused=True),)))
    assert isinstance(refusing.call(POST, NOW), Cut)


def test_rates_are_met_about_as_often_as_stated_and_the_same_seed_meets_the_same() -> None:
    runs = []
    for _ in range(2):
        system, _tally = faulty(cut_after=0.1, error_before=0.1)
        for _ in range(2_000):
            system.call(POST, NOW)
        runs.append(system.met)
    assert runs[0] == runs[1]
    assert runs[0]["cut_after"] == pytest.approx(200, rel=0.25)
    assert runs[0]["none"] == pytest.approx(1_600, rel=0.05)


def test_a_path_may_have_rates_of_its_own() -> None:
    plan = FaultPlan(seed=1, rates=Rates(cut_after=1.0), by_path=(("/v1/charges", Rates()),))
    system = Faulty("tally", Tally(), plan)
    assert isinstance(system.call(POST, NOW), Cut)
    assert isinstance(system.call(replace(POST, path="/v1/charges/ch_1"), NOW), Answer)


def test_only_what_may_change_the_books_is_recorded_and_before_it_happens() -> None:
    system, tally = faulty()
    recorded: list[int] = []
    system.recorded = lambda _request, _at: recorded.append(len(tally.effects))
    system.call(POST, NOW)
    system.call(replace(POST, method="GET"), NOW)
    assert recorded == [0]


def test_faults_off_means_none() -> None:
    plan = FaultPlan(1, Rates(cut_after=1.0), webhook_lost=1.0, file_halved=1.0).off()
    system = Faulty("tally", Tally(), plan)
    assert all(isinstance(system.call(POST, NOW), Answer) for _ in range(50))
    assert len(plan.webhook_delays("evt_1")) == 1
    assert plan.halving("a.xml") is None


def test_webhooks_meet_their_fate_by_their_id_and_not_by_the_order_of_asking() -> None:
    plan = FaultPlan(seed=5, webhook_lost=0.2, webhook_doubled=0.2, webhook_late=0.2)
    names = [f"evt_{number}" for number in range(500)]
    forwards = {name: plan.webhook_delays(name) for name in names}
    assert {name: plan.webhook_delays(name) for name in reversed(names)} == forwards
    lengths = Counter(len(delays) for delays in forwards.values())
    assert lengths[0] == pytest.approx(100, rel=0.3)
    assert lengths[2] == pytest.approx(100, rel=0.3)
