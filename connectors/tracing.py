"""OpenTelemetry traces, off unless asked for: one trace from the sender's message through our stages to the draft's delivery.

The trace travels in the Kafka header `traceparent` (W3C). Spans hold places and ids and never a word; an exception in one is named by
its kind alone. Where traces go is said by OpenTelemetry's own `OTEL_…` variables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from feedback.outbox import Outgoing

TRACEPARENT = "traceparent"


class Tracing:
    """Does nothing: the traces of a process that was not asked for any."""

    @contextmanager
    def span(self, name: str, headers: Iterable[tuple[str, bytes]], ids: Mapping[str, str]) -> Iterator[None]:
        """A span below the one the headers name, or below the one we are in."""
        yield

    def onto(self, message: Outgoing) -> Outgoing:
        """The message with the trace we are in."""
        return message

    def close(self) -> None:
        """Send what is not sent yet."""


class OpenTelemetry(Tracing):
    """Real spans, given to `exporter`."""

    def __init__(self, exporter: Any) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = TracerProvider(resource=Resource.create({"service.name": "impresario"}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("impresario")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str, headers: Iterable[tuple[str, bytes]], ids: Mapping[str, str]) -> Iterator[None]:
        above = next((value.decode("ascii", "replace") for key, value in headers if key.lower() == TRACEPARENT), None)
        context = self._propagator.extract({TRACEPARENT: above}) if above else None
        with self._tracer.start_as_current_span(
            f"impresario.{name}", context, attributes=dict(ids), record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as fault:
                span.set_attribute("fault", type(fault).__name__)
                raise

    def onto(self, message: Outgoing) -> Outgoing:
        told: dict[str, str] = {}
        self._propagator.inject(told)
        kept = tuple((name, value) for name, value in message.headers if name != TRACEPARENT)
        return replace(message, headers=(*kept, (TRACEPARENT, told[TRACEPARENT].encode()))) if TRACEPARENT in told else message

    def close(self) -> None:
        self._provider.shutdown()


def to_collector() -> Tracing:
    """Spans to the collector that `OTEL_EXPORTER_OTLP_ENDPOINT` names."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        raise ValueError("IMPRESARIO_TRACES wants the package opentelemetry-exporter-otlp-proto-http: install it.") from None
    return OpenTelemetry(OTLPSpanExporter())
