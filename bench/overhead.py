"""Claim: without a model the pipeline adds less than 25 ms (p99) to a report at 200 messages a second, and a stall shows.

    python -m bench.overhead --rate 200 --seconds 30 [--stall 1] [--kafka HOST:PORT]

An open loop: each report has its moment on the schedule and is sent then, however slow the answers are; its wait is counted from that
moment to when a reader of the impressions topic has its draft (in the findings' own words, for there is no model). `--stall` stops the
agent for so many seconds in the middle: whoever measures only answered requests would not see it, this must.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from bench.chaos_parts import AgentProcess, ending, send, settings_for, topics_named, wait_until
from connectors.broker import KafkaBroker
from connectors.topics import Topics
from demo import parts

WARM_UP = 20


class Reader:
    """Notes when each report's draft was there."""

    def __init__(self, broker: KafkaBroker, topics: Topics) -> None:
        self.seen: dict[str, float] = {}
        self._feed = broker.join([topics.impressions], f"{topics.impressions}-reader", lambda places: {})
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._stop.is_set():
            for event in self._feed.poll(0.05, 500):
                now = time.monotonic()
                for place in json.loads(event.value).get("identifier", []):
                    self.seen.setdefault(str(place.get("value")), now)
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
    parser.add_argument("--kafka", help="a running broker; without it one is started")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="impresario-overhead-") as name, ExitStack() as closing:
        folder = Path(name)
        bootstrap = asked.kafka or closing.enter_context(parts.kafka(folder / "kafka"))
        broker = KafkaBroker(bootstrap)
        closing.callback(broker.close)
        topics = topics_named(f"overhead-{folder.name}")
        broker.prepare(topics.all, 6)
        settings = settings_for(topics, kafka=bootstrap, database=f"sqlite:///{folder}/books.db", vllm="http://127.0.0.1:9")
        agent = AgentProcess(settings, folder, "agent-0")
        closing.enter_context(ending(agent))
        agent.start()
        reader = Reader(broker, topics)
        closing.callback(reader.close)
        send(broker, topics, range(WARM_UP))
        wait_until(lambda: len(reader.seen) >= WARM_UP, 120)
        moments = on_schedule(broker, topics, asked.rate, asked.seconds, agent, asked.stall)
        wait_until(lambda: all(accession in reader.seen for accession in moments), 120)
        waits = sorted(
            1000 * (reader.seen[accession] - moment) for accession, moment in moments.items() if accession in reader.seen
        )
        figures = {"sent": len(moments), "seen": len(waits), "p50_ms": round(statistics.median(waits), 1)}
        figures |= {"p99_ms": round(waits[int(len(waits) * 0.99)], 1), "worst_ms": round(waits[-1], 1)}
        print(json.dumps({"rate": asked.rate, "stall": asked.stall} | figures))


def on_schedule(
    broker: KafkaBroker, topics: Topics, rate: float, seconds: float, agent: AgentProcess, stall: float
) -> dict[str, float]:
    """Sends each report at its moment, whatever comes back; accession -> moment."""
    moments: dict[str, float] = {}
    started, half = time.monotonic(), int(rate * seconds / 2)
    for number in range(int(rate * seconds)):
        moment = started + number / rate
        time.sleep(max(0.0, moment - time.monotonic()))
        if stall and number == half:
            agent.signal(signal.SIGSTOP)
            threading.Timer(stall, lambda: agent.signal(signal.SIGCONT)).start()
        moments[f"ACC{WARM_UP + number:06}"] = moment
        send(broker, topics, [WARM_UP + number])
    return moments


if __name__ == "__main__":
    main()
