"""Spans to OpenTelemetry's SDK. Imported only where somebody listens: see `runtime/spans.py`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from typing import Self

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from nostro.egress.tracing import Span, Stage
from nostro.runtime.telemetry import redact

KINDS: Mapping[Stage, SpanKind] = {"receive": SpanKind.SERVER, "call": SpanKind.CLIENT}
SCOPE = InstrumentationScope("nostro")
SERVICE = "nostro"


class Exported:
    """Spans to a processor of the SDK, as they end."""

    on = True

    def __init__(self, processor: SpanProcessor) -> None:
        self._processor = processor
        named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": SERVICE}
        self._resource = Resource.create(named)

    @classmethod
    def over_http(cls) -> Self:
        """To where the standard variables say, in batches, from a thread of the SDK's own."""
        return cls(BatchSpanProcessor(OTLPSpanExporter()))

    def close(self) -> None:
        """What has not left yet leaves now."""
        self._processor.shutdown()

    def now(self) -> int:
        """Nanoseconds, as OTLP counts them."""
        return time.time_ns()

    def tell(self, spans: Iterable[Span]) -> None:
        """Hands them to the SDK, which exports them from a thread of its own and drops what it can't get rid of."""
        ended = time.time_ns()
        for span in spans:
            self._processor.on_end(self._readable(span, ended))

    def _readable(self, span: Span, ended: int) -> ReadableSpan:
        attributes = {f"nostro.{key}": value for key, value in redact(None, "", dict(span.attributes)).items()}
        return ReadableSpan(
            name=span.stage,
            context=_context(span.trace, span.id),
            parent=_context(span.trace, span.parent) if span.parent else None,
            resource=self._resource,
            attributes=attributes,
            kind=KINDS.get(span.stage, SpanKind.INTERNAL),
            status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
            start_time=span.began,
            end_time=max(ended, span.began),
            instrumentation_scope=SCOPE,
        )


def _context(trace: bytes, span: bytes) -> SpanContext:
    named = int.from_bytes(trace), int.from_bytes(span)
    return SpanContext(*named, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
