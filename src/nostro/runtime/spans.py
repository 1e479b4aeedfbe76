"""Whether spans are exported. Off, and then free, unless the standard variables say where they go.

`OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` turns it on, `OTEL_TRACES_EXPORTER=none` or
`OTEL_SDK_DISABLED=true` off; headers, time-outs, batches and `OTEL_SERVICE_NAME` are read by OpenTelemetry itself.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from nostro.egress.tracing import UNTRACED, Traces

CLOSE_SECONDS = 2.0
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def wanted(variables: Mapping[str, str] = os.environ) -> bool:
    """Whether the standard variables say that spans are exported."""
    off = variables.get("OTEL_SDK_DISABLED", "").lower() == "true" or variables.get("OTEL_TRACES_EXPORTER") == "none"
    return not off and any(variables.get(name) for name in ENDPOINTS)


@contextmanager
def exporting() -> Iterator[Traces]:
    """What stages tell their spans to, while the block runs. What is under way at its end is still exported, unless
    nobody takes it in time: the SDK itself would wait half a minute.
    """
    if not wanted():
        yield UNTRACED
        return
    from nostro.runtime.otlp import Exported  # noqa: PLC0415 - it costs time and memory that nobody pays who doesn't ask

    exported = Exported.over_http()
    try:
        yield exported
    finally:
        closing = threading.Thread(target=exported.close, name="spans", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
