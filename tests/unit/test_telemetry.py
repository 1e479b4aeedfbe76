"""Logs hold nothing confidential; every metric is written down."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client import generate_latest

from nostro.model.failures import BacklogFull
from nostro.runtime import telemetry
from nostro.runtime.telemetry import METRICS, Metrics, explain_failure, redact

SOURCE = Path(__file__).parents[2] / "src/nostro"
METRICS_PAGE = Path(__file__).parents[2] / "docs/look-up/metrics.md"


def told(**event: object) -> dict[str, Any]:
    """The line as it would be written."""
    return dict(redact(None, "info", event))


@pytest.mark.parametrize("key", ["body", "headers", "secret", "iban", "name", "email", "Authorization", "token"])
def test_a_forbidden_key_is_refused_at_any_depth(key: str) -> None:
    assert told(**{key: "x"})[key] == "[refused]"
    assert told(reply={"inner": [{key: "x"}]})["reply"]["inner"] == [{key: "[refused]"}]


@pytest.mark.parametrize(
    "text",
    [
        "paid by DE89370400440532013000 today",
        "paid by CH93 0076 2011 6238 5295 7 today",
        "ask anna.mueller+ap@example.org",
        "postgresql://nostro:hunter2@db/nostro",
    ],
)
def test_what_looks_personal_is_masked_wherever_it_stands(text: str) -> None:
    line = told(event=text)["event"]
    assert "[refused]" in line
    assert not re.search(r"0532013000|5295|anna|hunter2", line)


def test_what_names_our_own_work_stays_legible() -> None:
    line = told(event="receipt_read", receipt="0b2f9c", correlation="NOSABCDEFGHIJ234567", raw=b"abc", count=3)
    assert line == {
        "event": "receipt_read",
        "receipt": "0b2f9c",
        "correlation": "NOSABCDEFGHIJ234567",
        "raw": "[3 bytes]",
        "count": 3,
    }


def throw(error: Exception) -> None:
    """From a place of its own."""
    raise error


def test_an_exception_is_told_by_type_and_place_and_quoted_only_when_it_is_ours() -> None:
    lines = []
    for error in (ValueError("DE89370400440532013000"), BacklogFull("The disk is nearly full.", "Later.")):
        with pytest.raises(type(error)) as caught:
            throw(error)
        lines.append(dict(explain_failure(None, "error", {"event": "failed", "exc_info": caught.value})))
    foreign, ours = lines
    assert foreign["failure"] == "ValueError"
    assert "sentence" not in foreign
    assert foreign["at"][-1].endswith(" throw")
    assert ours["sentence"] == "The disk is nearly full. Later."


def test_every_metric_is_there_before_it_counts_and_labels_that_are_gone_are_gone() -> None:
    metrics = Metrics()
    metrics.replace("cases_open", [({"reason": "unreadable"}, 2)])
    metrics.replace("cases_open", [({"reason": "told_differently"}, 1)])
    metrics.replace("cases_open", [({"reason": "told_differently"}, 1)])
    text = generate_latest(metrics.registry).decode()
    assert all(f"# HELP nostro_{metric}" in text for metric in METRICS)
    assert re.findall(r"^nostro_cases_open\{.*", text, re.MULTILINE) == [
        'nostro_cases_open{reason="told_differently"} 1.0'
    ]
    with pytest.raises(KeyError):
        metrics.count("unheard_of")


def test_a_line_below_the_level_costs_nothing_but_the_look_at_the_level(monkeypatch: pytest.MonkeyPatch) -> None:
    root, seen = logging.getLogger(), list[object]()

    def noting(_: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        seen.append(event["event"])
        return event

    monkeypatch.setattr(telemetry, "redact", noting)
    handlers, level = root.handlers[:], root.level
    try:
        telemetry.configure_logs(level="WARNING")
        structlog.get_logger("test").info("passed_over")
        assert seen == []
        structlog.get_logger("test").warning("written")
        assert seen == ["written"]
    finally:
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)


def test_every_metric_is_documented_and_no_other() -> None:
    documented = set(
        re.findall(r"^\| `nostro_(\w+?)(?:_total)?`", METRICS_PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert documented == set(METRICS)


def test_what_the_source_counts_is_a_metric() -> None:
    counted = re.compile(r"\b(?:self|house|gauges|metrics)\.(?:count|put|time|replace)\(\s*\"(\w+)\"")
    packages = ("engine", "egress", "ingress", "gateway", "acts", "runtime")
    files = [path for package in packages for path in (SOURCE / package).rglob("*.py")]
    used = {metric for path in files for metric in counted.findall(path.read_text(encoding="utf-8"))}
    assert {"receipts", "backlog", "webhook_seconds", "cases_open"} <= used
    assert used <= set(METRICS)


def test_every_metric_is_counted_or_put_by_somebody() -> None:
    """An alarm on one that nobody counts never rings."""
    counting = re.compile(r"\b(?:count|put|time|replace|partial)\(\s*(?:[\w.]+\.count,\s*)?\"(\w+)\"")
    files = [path for path in SOURCE.rglob("*.py") if path.name != "telemetry.py"]
    used = {metric for path in files for metric in counting.findall(path.read_text(encoding="utf-8"))}
    assert set(METRICS) - used == set()
