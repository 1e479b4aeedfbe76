"""What Nostro says about itself: structured logs that hold nothing confidential, and Prometheus metrics.

Logs go to standard error, as JSON or, at a terminal, coloured lines. Everything in `structlog.contextvars` (receipt,
connection, loop) is on each line, so that one receipt's story can be followed. The metrics are listed in
docs/look-up/metrics.md.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from structlog.typing import EventDict, Processor, WrappedLogger

from nostro.model.failures import Failure

REFUSED = "[refused]"
FORBIDDEN = frozenset(
    {
        *("address", "authorization", "body", "content", "cookie", "dsn", "email", "headers", "iban", "master_key"),
        *("name", "passphrase", "password", "payload", "remittance", "secret", "secrets", "signature", "token", "url"),
    }
)
"""Keys whose values never reach a log, whatever they hold."""
_PERSONAL = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b|[\w.+-]+@[\w-]+\.[\w.-]+|://[^/\s:@]+:[^/\s@]+@")
"""What looks like an IBAN, an e-mail address or a URL with a password in it, wherever it stands in a text."""
_FRAMES = 8


def configure_logs(form: Literal["json", "console"] = "json", level: str = "INFO") -> None:
    """Sets up logging for this process once, foreign libraries' logs included."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        explain_failure,
        redact,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last: Processor = (
        structlog.processors.JSONRenderer(default=str)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # of a broken PDF it would tell what is in it
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every URL, and ids of persons are in some


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Refuses the values of forbidden keys, at any depth, and masks what looks personal in every text."""
    return {key: _cleaned(key, value) for key, value in event.items()}


def _cleaned(key: str, value: object) -> object:
    if key.lower() in FORBIDDEN:
        return REFUSED
    if isinstance(value, str):
        return _PERSONAL.sub(REFUSED, value)
    if isinstance(value, Mapping):
        return {str(inner): _cleaned(str(inner), member) for inner, member in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned("", member) for member in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    return value


def explain_failure(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Puts an exception into the line as type and place.

    Its text only where it is one of ours: others quote the value that broke them.
    """
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["failure"] = type(error).__name__
        if isinstance(error, Failure):
            event["sentence"] = str(error)
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        event["at"] = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    return event


@dataclass(frozen=True, slots=True)
class _Kind:
    kind: type[Counter | Gauge | Histogram]
    says: str
    labels: tuple[str, ...] = ()


METRICS: Mapping[str, _Kind] = {
    "webhooks": _Kind(Counter, "Webhooks answered, by HTTP status", ("connection", "status")),
    "webhook_seconds": _Kind(Histogram, "Time from a webhook's last byte to its answer", ("connection",)),
    "receipts": _Kind(Counter, "Receipts: new, known (delivered again) or different", ("connection", "kind", "fate")),
    "receipt_items": _Kind(Counter, "Receipt items by what became of them", ("connection", "fate")),
    "unknown_fields": _Kind(Counter, "Fields that a reader didn't know", ("connection",)),
    "told_differently": _Kind(Counter, "Natural keys told again with another content", ("connection",)),
    "feed_pages": _Kind(Counter, "Pages fetched by polls", ("connection", "feed", "fate")),
    "feed_heartbeat_age_seconds": _Kind(Gauge, "Since a poll last succeeded", ("connection", "feed")),
    "files": _Kind(Counter, "Files in watched folders", ("connection", "fate")),
    "backlog": _Kind(Gauge, "Waiting rows", ("queue",)),
    "backlog_limit": _Kind(Gauge, "The limit of waiting rows", ("queue",)),
    "intake_refused": _Kind(Gauge, "1 while new receipts are refused or paused", ("way",)),
    "disk_free_bytes": _Kind(Gauge, "Free space where the database lives, if that is this machine"),
    "disk_watermark_bytes": _Kind(Gauge, "Below this free space nothing is taken in"),
    "calls": _Kind(Counter, "Calls to the outside, by how they ended", ("connection", "kind", "fate")),
    "drives": _Kind(Counter, "Drives of a dispatch, by how they ended", ("connection", "operation", "end")),
    "commands_settled": _Kind(Counter, "Commands that ended", ("connection", "operation", "outcome")),
    "shards_held": _Kind(Gauge, "Shards that this worker decides"),
    "shards_refused": _Kind(Gauge, "Shards that need what this worker's release lacks"),
    "loop_work": _Kind(Counter, "Work done by a loop's steps", ("loop",)),
    "loop_failures": _Kind(Counter, "Steps of a loop that failed", ("loop",)),
    "loop_step_seconds": _Kind(Histogram, "Duration of a loop's steps", ("loop",)),
    "loop_age_seconds": _Kind(Gauge, "Since a loop last finished a step", ("loop",)),
    "commands_open": _Kind(Gauge, "Commands that haven't ended", ("connection", "state")),
    "cases_open": _Kind(Gauge, "Cases that wait for a person", ("reason",)),
    "breaker_open": _Kind(Gauge, "1 while a connection's breaker is open", ("connection",)),
    "checkpoint_age_seconds": _Kind(Gauge, "Since what is not sealed yet was decided; 0 where all is sealed"),
    "quarantine": _Kind(Gauge, "1 while nothing may leave"),
    "recovering": _Kind(Gauge, "1 while every command begins with its look-up"),
    "synchronous_standbys": _Kind(Gauge, "Synchronous standbys of the database"),
}
"""Every metric; its name outside is `nostro_` and this, counters with `_total`."""


@dataclass(slots=True)
class Metrics:
    """The registry of one process. Names that `METRICS` lacks raise `KeyError`."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    _made: MutableMapping[str, Any] = field(default_factory=dict)
    _children: MutableMapping[str, dict[tuple[tuple[str, str], ...], Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Registers every metric, so that each is there before it first counts."""
        for short, metric in METRICS.items():
            self._made[short] = metric.kind(f"nostro_{short}", metric.says, metric.labels, registry=self.registry)

    def count(self, metric: str, amount: float = 1, **labels: str) -> None:
        """Adds to a counter."""
        self._child(metric, labels).inc(amount)

    def put(self, metric: str, level: float, **labels: str) -> None:
        """Sets a gauge."""
        self._child(metric, labels).set(level)

    def replace(self, metric: str, rows: Iterable[tuple[Mapping[str, str], float]]) -> None:
        """Sets a gauge anew for all labels: what isn't among the rows is gone."""
        self._made[metric].clear()
        self._children.pop(metric, None)
        for labels, level in rows:
            self.put(metric, level, **labels)

    def time(self, metric: str, seconds: float, **labels: str) -> None:
        """Adds an observation to a histogram."""
        self._child(metric, labels).observe(seconds)

    def _child(self, metric: str, labels: Mapping[str, str]) -> Any:  # noqa: ANN401 - prometheus_client's three kinds
        if not labels:
            return self._made[metric]
        named, children = tuple(labels.items()), self._children.setdefault(metric, {})
        child = children.get(named)
        if child is None:
            child = children[named] = self._made[metric].labels(**labels)
        return child
