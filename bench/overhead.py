"""Claim: the pipeline adds less than 25 ms (p99) to a report at 200 messages a second, and a stall shows.

    python -m bench.overhead --rate 200 --seconds 30 [--stall 1] [--whole] [--kafka HOST:PORT]

An open loop: each report has its moment on the schedule and is sent then, however slow the answers are; its wait is counted from that
moment to when a reader of the impressions topic has its draft. Between them lie the broker, twice, and the agent's own loop, with the
draft stood in for as in bench.durable; with `--whole` it is an agent as a hospital runs it, without a model: it reads, checks and
writes the draft in the findings' own words, as valid FHIR. `--stall` stops the agent for so many seconds in the middle: whoever
measures only answered requests would not see it, this must.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bench.chaos_parts import AgentProcess, dictated, ending, send, settings_for, topics_named, wait_until
from bench.durable import Agents
from connectors.kafka_broker import KafkaBroker
from connectors.topics import HL7V2, Topics
from demo import parts
from feedback.database import open_database
from ingest.read import read

WARM_UP = 20
#: Sends a signal to the agent.
Signal = Callable[[signal.Signals], None]


class Reader:
    """Notes when each report's draft was there, by the report's id."""

    def __init__(self, broker: KafkaBroker, topics: Topics) -> None:
        self.seen: dict[bytes, float] = {}
        self._feed = broker.join([topics.impressions], f"{topics.impressions}-reader", lambda places: {})
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._stop.is_set():
            for event in self._feed.poll(0.05, 500):
                self.seen.setdefault(event.key or b"", time.monotonic())
        self._feed.close()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)


def main() -> None:
    """One line of JSON: milliseconds at the median, the 99th percentile and the worst."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--stall", type=float, default=0)
    parser.add_argument("--whole", action="store_true", help="the whole agent, checks and FHIR included")
    parser.add_argument("--kafka", help="a running broker; without it one is started")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="impresario-overhead-") as name, ExitStack() as closing:
        folder = Path(name)
        bootstrap = asked.kafka or closing.enter_context(parts.kafka(folder / "kafka"))
        broker = KafkaBroker(bootstrap)
        closing.callback(broker.close)
        topics = topics_named(f"overhead-{folder.name}")
        broker.prepare(topics.all, 6)
        agent = (whole if asked.whole else alone)(closing, folder, bootstrap, topics)
        reader = Reader(broker, topics)
        closing.callback(reader.close)
        send(broker, topics, range(WARM_UP))
        wait_until(lambda: len(reader.seen) >= WARM_UP, 120)
        moments = on_schedule(broker, topics, asked.rate, asked.seconds, agent, asked.stall)
        wait_until(lambda: len(reader.seen) >= WARM_UP + len(moments), 120)
        waits = sorted(1000 * (seen - moments[report]) for report, seen in reader.seen.items() if report in moments)
        figures = {"sent": len(moments), "seen": len(waits), "p50_ms": round(statistics.median(waits), 1)}
        figures |= {"p99_ms": round(waits[int(len(waits) * 0.99)], 1), "worst_ms": round(waits[-1], 1)}
        print(json.dumps({"rate": asked.rate, "stall": asked.stall, "load": os.getloadavg()[0]} | figures))


def alone(closing: ExitStack, folder: Path, bootstrap: str, topics: Topics) -> Signal:
    """The agent's loop in a process of its own, with drafts stood in for."""
    database = f"sqlite:///{folder}/books.db"
    open_database(database).dispose()
    agents = Agents(1, bootstrap, database, topics)
    closing.callback(agents.finish)
    agents.begin()
    return agents.signal


def whole(closing: ExitStack, folder: Path, bootstrap: str, topics: Topics) -> Signal:
    """`impresario agent`, whose model is away."""
    settings = settings_for(topics, kafka=bootstrap, database=f"sqlite:///{folder}/books.db", vllm="http://127.0.0.1:9")
    agent = AgentProcess(settings, folder, "agent-0")
    closing.enter_context(ending(agent))
    agent.start()
    return agent.signal


def on_schedule(
    broker: KafkaBroker, topics: Topics, rate: float, seconds: float, agent: Signal, stall: float
) -> dict[bytes, float]:
    """Sends each report at its moment, with whatever else is due by then; the moment of each report by its id."""
    numbers = range(WARM_UP, WARM_UP + int(rate * seconds))
    ids = [report_id(number) for number in numbers]
    started, sent = time.monotonic(), 0
    if stall:
        threading.Timer(seconds / 2, lambda: agent(signal.SIGSTOP)).start()
        threading.Timer(seconds / 2 + stall, lambda: agent(signal.SIGCONT)).start()
    while sent < len(numbers):
        time.sleep(max(0.0, started + sent / rate - time.monotonic()))
        due = min(len(numbers), int((time.monotonic() - started) * rate) + 1)
        send(broker, topics, numbers[sent:due])
        sent = due
    return {name: started + number / rate for number, name in enumerate(ids)}


def report_id(number: int) -> bytes:
    (reading,) = read(dictated(number), content_type=HL7V2)
    assert reading.report is not None
    return reading.report.id.encode()


if __name__ == "__main__":
    main()
