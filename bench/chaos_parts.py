"""What the fault matrix is played with: a model server that never says the same twice, an agent to be killed, and the eyes of a RIS."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

from connectors.broker import Event, Message
from connectors.kafka_broker import KafkaBroker
from connectors.topics import Topics
from demo.parts import free_ports


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed in mid-sentence is what this is for."""


#: How the model server answers: as it should, with status 500, with nonsense, after half a minute, or by hanging up.
Mood = Literal["well", "broken", "garbage", "slow", "away"]


class ModelServer:
    """Speaks vLLM's completions API. Every answer differs from every other, so that a second draft of a report cannot hide."""

    def __init__(self, seconds: float = 0.02) -> None:
        self.seconds = seconds
        self.mood: Mood = "well"
        self.adapters: set[str] = set()  #: as a server does it forgets them when it is restarted
        self._numbers = itertools.count(1)
        self._server = _QuietServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                cards = [("base", None), *((name, "base") for name in sorted(owner.adapters))]
                self._say({"object": "list", "data": [{"id": name, "object": "model", "parent": base} for name, base in cards]})

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if self.path == "/v1/load_lora_adapter":
                    owner.adapters.add(asked["lora_name"])
                    self._say({})
                    return
                if asked["model"] not in ("base", *owner.adapters):
                    self._say({"error": "no such model"}, 404)
                    return
                time.sleep(30 if owner.mood == "slow" else owner.seconds)
                if owner.mood == "away":
                    self.close_connection = True
                    return
                if owner.mood == "broken":
                    self._say({"error": "broken"}, 500)
                    return
                if owner.mood == "garbage":
                    self._say({"choices": "none", "object": [7]})
                    return
                texts = [f" No acute abnormality. Version {next(owner._numbers)}." for _ in range(asked.get("n", 1))]
                self._say(
                    {
                        "model": asked["model"],
                        "choices": [{"index": index, "text": text, "finish_reason": "stop"} for index, text in enumerate(texts)],
                    }
                )

            def _say(self, answer: Mapping[str, object], status: int = 200) -> None:
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        return Handler


class TraceCollector:
    """Takes OpenTelemetry's traces over HTTP and keeps their bytes."""

    def __init__(self) -> None:
        self.said: list[bytes] = []
        self._server = _QuietServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self._server.server_address[1]}"}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        said = self.said

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        return Handler


@dataclass
class AgentProcess:
    """One `impresario agent` as a hospital runs it."""

    environment: Mapping[str, str]
    folder: Path
    name: str
    arguments: Sequence[str] = ()
    limits: Mapping[int, int] = field(default_factory=dict)  #: resource -> as much as it may have
    plain: Mapping[str, str] = field(default_factory=dict)  #: environment that is no setting of ours
    port: int = field(default_factory=lambda: free_ports(1)[0])
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    starts: int = 0

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{self.name}.log").open("ab") as log:
            command = [sys.executable, "-m", "impresario", "agent", "--instance", self.name, *self.arguments]
            own = {"IMPRESARIO_" + key: value for key, value in {"PORT": str(self.port), **self.environment}.items()}
            clean = {key: value for key, value in os.environ.items() if not key.startswith("IMPRESARIO_")}
            self.process = subprocess.Popen(command, env={**clean, **self.plain, **own}, cwd=self.folder, stderr=log, stdout=log)
        for what, most in {resource.RLIMIT_CORE: 0, **self.limits}.items():
            self.limit(what, most)
        self.starts += 1

    @property
    def size(self) -> int:
        """Bytes of address space it has."""
        assert self.process is not None
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[0]) * resource.getpagesize()

    @property
    def resident(self) -> float:
        """Megabytes of memory it uses."""
        assert self.process is not None
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * resource.getpagesize() / 1e6

    def limit(self, what: int, most: int) -> None:
        """It may have so much of a resource from now on."""
        assert self.process is not None
        resource.prlimit(self.process.pid, what, (most, most))

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """As the power going: no last words."""
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    def stop(self, seconds: float = 40) -> int:
        """As an operator does; the exit status."""
        self.signal(signal.SIGTERM)
        assert self.process is not None
        return self.process.wait(seconds)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def status(self) -> int | None:
        return self.process.poll() if self.process else None

    @property
    def metrics(self) -> bytes:
        """What it tells Prometheus; nothing when it does not answer."""
        with contextlib.suppress(OSError):
            return bytes(urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5).read())
        return b""

    @property
    def log(self) -> str:
        return (self.folder / f"{self.name}.log").read_text()

    @property
    def last_words(self) -> str:
        return (self.log.strip().splitlines() or [""])[-1]


@contextmanager
def agents(
    number: int, environment: Mapping[str, str], folder: Path, plain: Mapping[str, str] | None = None
) -> Iterator[list[AgentProcess]]:
    """So many agents of one group, none of which outlives the `with`."""
    crew = [AgentProcess(environment, folder, f"agent-{index}", plain=plain or {}) for index in range(number)]
    with ending(*crew):
        for one in crew:
            one.start()
        yield crew


@contextmanager
def ending(*agents: AgentProcess) -> Iterator[None]:
    """None of these outlives the `with`."""
    try:
        yield
    finally:
        for one in agents:
            if one.is_running:
                one.signal(signal.SIGCONT)
                one.kill()


def topics_named(prefix: str) -> Topics:
    """Topics of one scenario, so that many share a broker."""
    return Topics(*(f"{prefix}.{name}" for name in ("reports", "impressions", "impressions.hl7v2", "reports-dlt", "events")))


def settings_for(topics: Topics, *, kafka: str, database: str, vllm: str) -> dict[str, str]:
    return {
        "KAFKA": kafka,
        "DATABASE": database,
        "VLLM": vllm,
        "BASE_MODEL": "base",
        "PATIENT_KEY": "chaos",
        "GROUP": topics.reports,
        "TOPIC_REPORTS": topics.reports,
        "TOPIC_IMPRESSIONS": topics.impressions,
        "TOPIC_IMPRESSIONS_HL7V2": topics.impressions_hl7v2,
        "TOPIC_DEAD_LETTERS": topics.dead_letters,
        "TOPIC_EVENTS": topics.events,
    }


def dictated(
    number: int, status: str = "P", findings: str = "The lungs are clear. No pleural effusion or pneumothorax."
) -> bytes:
    """A report of our own writing that awaits its impression (or, signed, has one)."""
    lines = [
        f"MSH|^~\\&|RIS|GENERAL|IMPRESARIO|AI|20260101120000||ORU^R01^ORU_R01|M{number}{status}|P|2.5.1",
        f"PID|1||MRN{number:06}^^^GENERAL^MR||DOE^JANE^{number}||19600101|F",
        f"OBR|1||ACC{number:06}|71046^Chest radiograph two views^C4|||20260101110000||||||||||||||||||{status}|||||||R17&READER&ROY",
        f"OBX|1|TX|71046&GDT^Findings^L||FINDINGS: {findings}||||||{status}",
    ]
    if status == "F":
        lines.append(f"OBX|2|TX|71046&IMP^Impression^L||IMPRESSION: Normal chest, number {number}.||||||{status}")
    return "\r".join(lines).encode() + b"\r"


def send(broker: KafkaBroker, topics: Topics, numbers: Sequence[int], status: str = "P") -> None:
    """What the integration engine does."""
    broker.publish(
        [
            Message(
                topics.reports, f"ACC{number:06}".encode(), dictated(number, status), (("content-type", b"application/hl7-v2"),)
            )
            for number in numbers
        ]
    )


@dataclass(frozen=True)
class Seen:
    """What a reader of the impressions topic has seen, from its first message to its last."""

    events: tuple[Event, ...]

    @property
    def drafted(self) -> int:
        """How many reports have at least one draft."""
        return len({event.key for event in self.events})

    @property
    def second_drafts(self) -> int:
        """Accessions with more than one draft id or more than one text."""
        shown: dict[str, set[object]] = {}
        for event in self.events:
            draft = json.loads(event.value)
            for accession in (one["value"] for one in draft["identifier"] if "type" in one and "conclusion" in draft):
                shown.setdefault(accession, set()).add((event.header("ce_id"), draft["conclusion"]))
        return sum(len(drafts) > 1 for drafts in shown.values())

    @property
    def repeated(self) -> int:
        """Messages that stand on the topic more than once."""
        return sum(count - 1 for count in Counter(event.header("ce_id") for event in self.events).values())


def seen_by_the_ris(broker: KafkaBroker, topics: Topics) -> Seen:
    return Seen(tuple(broker.tail(topics.impressions, None, 0)))


def wait_until(enough: Callable[[], bool], seconds: float, pause: float = 0.2) -> bool:
    """Whether it came to be in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if enough():
            return True
        time.sleep(pause)
    return enough()
