"""How the agent is, for those who watch it: /healthz (the loop goes round), /readyz (it has work), /metrics (Prometheus).

Labels are kinds, codes and lanes; never an id, never a word.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from connectors.tracing import Tracing
from feedback.outbox import Outgoing

#: Seconds without a turn of the loop after which it hangs.
HANGS_AFTER = 60.0
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120)


class Health:
    """The measures of one process. With a port, a small HTTP server for as long as the `with` lasts."""

    def __init__(self, port: int = 0, host: str = "0.0.0.0", tracing: Tracing | None = None) -> None:
        self.port = port
        self._tracing = tracing or Tracing()
        self._host = host
        self._beat = time.monotonic()
        self._owned = 0
        self._server: ThreadingHTTPServer | None = None
        self.registry = CollectorRegistry()
        self._messages = Counter("impresario_messages", "Messages by what became of them.", ["outcome"], registry=self.registry)
        self._dead = Counter("impresario_dead_letters", "Messages set aside, by code.", ["code"], registry=self.registry)
        self._drafts = Counter("impresario_drafts", "Drafts by kind.", ["kind"], registry=self.registry)
        self._fallbacks = Counter(
            "impresario_fallbacks", "Drafts of a lesser kind, by reason.", ["reason"], registry=self.registry
        )
        self._held_back = Counter(
            "impresario_held_back", "Reports left without a draft, by reason.", ["reason"], registry=self.registry
        )
        self._sent = Counter("impresario_published", "Messages sent.", registry=self.registry)
        self._answers = Counter(
            "impresario_deliveries", "Drafts said to a system, by its answer.", ["delivery", "answer"], registry=self.registry
        )
        self._delivering = Histogram(
            "impresario_delivery_seconds", "To say one draft.", ["delivery"], buckets=SECONDS, registry=self.registry
        )
        self._failures = Counter(
            "impresario_failures", "What Kafka did not take: publish, commit.", ["what"], registry=self.registry
        )
        self._stages = Histogram(
            "impresario_stage_seconds", "Each stage of a message's way.", ["stage"], buckets=SECONDS, registry=self.registry
        )
        self._handling = Histogram("impresario_handle_seconds", "From poll to stored.", buckets=SECONDS, registry=self.registry)
        self._drafting = Histogram(
            "impresario_draft_seconds", "To write one impression.", buckets=SECONDS, registry=self.registry
        )
        self._lag = Gauge("impresario_lag_messages", "Messages on the topic not polled yet.", registry=self.registry)
        self._waiting = Gauge("impresario_waiting_messages", "Messages polled and not begun.", ["lane"], registry=self.registry)
        self._oldest = Gauge("impresario_oldest_seconds", "Age of the longest-waiting message.", ["lane"], registry=self.registry)

    def __enter__(self) -> Health:
        if self.port:
            self._server = _QuietServer((self._host, self.port), _answering_for(self))
            threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._tracing.close()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @property
    def is_alive(self) -> bool:
        return time.monotonic() - self._beat < HANGS_AFTER

    @property
    def is_ready(self) -> bool:
        return self.is_alive and self._owned > 0

    def beat(self, *, owned: int, lag: int, waiting: Mapping[str, int], oldest: Mapping[str, float]) -> None:
        """Call at every turn of the loop."""
        self._beat = time.monotonic()
        self._owned = owned
        self._lag.set(lag)
        for lane, number in waiting.items():
            self._waiting.labels(lane).set(number)
            self._oldest.labels(lane).set(oldest[lane])

    def handled(self, outcome: str, code: str | None, seconds: float) -> None:
        self._messages.labels(outcome).inc()
        self._handling.observe(seconds)
        if outcome == "unreadable":
            self._dead.labels(code or "unreadable").inc()

    def drafted(self, kind: str, fell_back: str | None, seconds: float) -> None:
        self._drafts.labels(kind).inc()
        self._drafting.observe(seconds)
        if fell_back:
            self._fallbacks.labels(fell_back).inc()

    def held_back(self, reason: str) -> None:
        self._held_back.labels(reason).inc()

    def answered(self, delivery: str, answer: str, seconds: float) -> None:
        self._answers.labels(delivery, answer).inc()
        self._delivering.labels(delivery).observe(seconds)

    @contextmanager
    def stage(self, name: str, headers: Iterable[tuple[str, bytes]] = (), **ids: str) -> Iterator[None]:
        """Measure one stage, and trace it; `ids` are places and ids, never words."""
        begun = time.monotonic()
        with self._tracing.span(name, headers, ids):
            try:
                yield
            finally:
                self._stages.labels(name).observe(time.monotonic() - begun)

    def traced(self, message: Outgoing) -> Outgoing:
        """The message with the trace of the stage we are in."""
        return self._tracing.onto(message)

    def failed(self, what: str) -> None:
        """`publish` or `commit` failed, whatever is done about it."""
        self._failures.labels(what).inc()

    def sent(self, number: int) -> None:
        self._sent.inc(number)

    def metrics(self) -> bytes:
        return generate_latest(self.registry)


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A probe that hung up is no news, and no stack trace."""


def _answering_for(health: Health) -> type[BaseHTTPRequestHandler]:
    class Answer(BaseHTTPRequestHandler):
        timeout = 10.0  # who connects and says nothing holds no thread

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._say(200, health.metrics(), "text/plain; version=0.0.4")
            elif self.path == "/healthz":
                self._say(200 if health.is_alive else 503, b"ok\n" if health.is_alive else b"the loop hangs\n")
            elif self.path == "/readyz":
                self._say(200 if health.is_ready else 503, b"ok\n" if health.is_ready else b"no partition is ours yet\n")
            else:
                self._say(404, b"ask /healthz, /readyz or /metrics\n")

        def _say(self, status: int, text: bytes, content_type: str = "text/plain") -> None:
            self.send_response(status)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            """Probes are no news."""

    return Answer
