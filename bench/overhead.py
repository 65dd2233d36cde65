"""Claim: the pipeline adds less than 25 ms (p99) to a report at 200 messages a second, and a stall shows.

    python -m bench.overhead --rate 200 --seconds 30 [--stall 1] [--stages] [--whole] [--database postgresql] [--kafka HOST:PORT]

An open loop: a process of its own sends each report at its moment on the schedule, however slow the answers are; a report's wait is
counted from that moment, not from when it was really sent, to when a reader of the impressions topic has its draft. Between them lie
the broker, twice, and the agent's own loop, with the draft stood in for as in bench.durable; with `--whole` it is an agent as a hospital
runs it, without a model: it reads, checks and writes the draft in the findings' own words, as valid FHIR. `--stall` stops the agent
for so many seconds in the middle: whoever measures only answered requests would not see it, this must. `--stages` says where the
time went. Counted after some seconds at the same rate in which everything gets warm.

First comes an echo, on the same schedule: Kafka's client alone, which sends on what it polls and reads and stores nothing. What it
takes is not ours; nothing that speaks to Kafka from Python on this machine in this minute is quicker.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import multiprocessing.queues
import multiprocessing.synchronize
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import kafka  # type: ignore[import-untyped, unused-ignore]

from bench.chaos_parts import AgentProcess, dictated, ending, settings_for, topics_named, wait_until
from bench.durable import SENT, Agents, end_with
from connectors import agent
from connectors.agent import COMMIT_EVERY
from connectors.broker import Event, Message, Partition
from connectors.kafka_broker import KafkaBroker
from connectors.topics import HL7V2, Topics
from demo import parts
from feedback.database import open_database
from ingest.read import read

WARM_UP = 5.0
#: A report's way, and what stands between one name and the next.
WAY = ("due", "sent", "polled", "stored", "thought", "settled", "leaving", "acknowledged", "seen")
#: Sends a signal to the agent.
Signal = Callable[[signal.Signals], None]
#: By the name of a step: when it was done, by the report's id.
Times = dict[str, dict[bytes, float]]
#: Starts what stands between the two topics; how to signal it, and to end it and be told its times.
Way = Callable[[ExitStack, Path, str, str, Topics], tuple[Signal, Callable[[], Times]]]


def main() -> None:
    """A line of JSON for each way: milliseconds at the median, the 99th percentile and the worst; with `--stages` one more for each stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--stall", type=float, default=0)
    parser.add_argument("--stages", action="store_true", help="what each stage took; not with --whole")
    parser.add_argument("--whole", action="store_true", help="the whole agent, checks and FHIR included")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--kafka", help="a running broker; without it one is started")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="impresario-overhead-") as name, ExitStack() as closing:
        folder = Path(name)
        bootstrap = asked.kafka or closing.enter_context(parts.kafka(folder / "kafka"))
        is_sqlite = asked.database == "sqlite"
        database = f"sqlite:///{folder}/books.db" if is_sqlite else closing.enter_context(parts.postgres(folder / "postgres"))
        print(json.dumps({"rate": asked.rate, "stall": asked.stall, "database": asked.database, "load": os.getloadavg()[0]}))
        for way in (echo, whole if asked.whole else alone):
            measured(way, folder, bootstrap, database, asked)


def measured(way: Way, folder: Path, bootstrap: str, database: str, asked: argparse.Namespace) -> None:
    """One way from the reports to the drafts, under the same schedule; only the agent is stopped in the middle."""
    with ExitStack() as closing:
        broker = KafkaBroker(bootstrap)
        closing.callback(broker.close)
        topics = topics_named(f"{way.__name__}-{folder.name}")
        broker.prepare(topics.all, 6)
        stop, finish = way(closing, folder, bootstrap, database, topics)
        reader = Reader(broker, topics)
        closing.callback(reader.close)
        warm, counted = int(asked.rate * WARM_UP), int(asked.rate * asked.seconds)
        stall = 0.0 if way is echo else asked.stall
        times = sent_on_schedule(bootstrap, topics, asked.rate, warm + counted, stop, stall)
        wait_until(lambda: len(reader.seen) >= warm + counted, 120)
        reports = [report_id(number) for number in range(warm, warm + counted)]
        times |= {"seen": reader.seen}
        print(json.dumps({"way": way.__name__, "sent": len(reports), **between(times, "due", "seen", reports)}), flush=True)
        times |= finish()
        if asked.stages and way is alone:
            for before, after in itertools.pairwise(WAY):
                print(json.dumps({"stage": f"{before} → {after}"} | between(times, before, after, reports)))


def between(times: Times, first: str, last: str, reports: Sequence[bytes]) -> dict[str, float]:
    """Milliseconds from one step to another, for those reports that took both."""
    waits = sorted(1000 * (times[last][one] - times[first][one]) for one in reports if one in times[last] and one in times[first])
    if not waits:
        return {"seen": 0}
    places = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99}
    shares = {name: round(waits[int(len(waits) * share)], 1) for name, share in places.items()}
    return {"seen": len(waits), **shares, "worst_ms": round(waits[-1], 1)}


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


def echo(closing: ExitStack, folder: Path, bootstrap: str, database: str, topics: Topics) -> tuple[Signal, Callable[[], Times]]:
    """Kafka's client and nothing else, in a process of its own; how to end it and be told its CPU."""
    context = multiprocessing.get_context("spawn")
    ready, stop = context.Event(), context.Event()
    cpu: multiprocessing.queues.Queue[tuple[int, float]] = context.Queue()
    process = context.Process(target=an_echo, args=(bootstrap, topics, ready, stop, cpu), daemon=True)
    process.start()
    closing.callback(process.kill)
    ready.wait()

    def finish() -> Times:
        stop.set()
        messages, seconds = cpu.get()
        print(json.dumps({"cpu_ms_per_message": round(1000 * seconds / messages, 2)}), flush=True)
        process.join()
        return {}

    return lambda _: None, finish


def an_echo(
    bootstrap: str,
    topics: Topics,
    ready: multiprocessing.synchronize.Event,
    stop: multiprocessing.synchronize.Event,
    cpu: multiprocessing.queues.Queue[tuple[int, float]],
) -> None:
    """One process: what is polled is sent on and flushed, with the agent's settings for both; offsets once a second."""
    threading.Thread(target=end_with, args=(multiprocessing.parent_process(),), daemon=True).start()
    broker = KafkaBroker(bootstrap)
    feed = broker.join([topics.reports], f"{topics.reports}-echo", lambda places: {})
    while not feed.owned():
        feed.poll(1, 1)
    ready.set()
    began, committed, messages, offsets = time.process_time(), time.monotonic(), 0, dict[Partition, int]()
    while not stop.is_set():
        events = feed.poll(0.1, 500)
        if events:
            broker.publish([Message(topics.impressions, event.key, SENT, event.headers) for event in events])
        messages += len(events)
        offsets |= {event.place: event.offset + 1 for event in events}
        if time.monotonic() - committed > COMMIT_EVERY:
            feed.commit(offsets)
            committed = time.monotonic()
    cpu.put((messages, time.process_time() - began))
    feed.close()
    broker.close()


def alone(closing: ExitStack, folder: Path, bootstrap: str, database: str, topics: Topics) -> tuple[Signal, Callable[[], Times]]:
    """The agent's loop in a process of its own, with drafts stood in for; how to signal it, and to end it and be told its times."""
    open_database(database).dispose()
    agents = Agents(1, bootstrap, database, topics, watched)
    closing.callback(agents.kill)
    agents.begin()

    def finish() -> Times:
        cpu, (times,) = agents.finish(), agents.told
        print(json.dumps({"cpu_ms_per_message": round(1000 * cpu / len(times["polled"]), 2)}))
        return dict(times)

    return agents.signal, finish


@contextmanager
def watched() -> Iterator[Times]:
    """When each report took each step, noted around the agent's own functions."""
    times: Times = {step: {} for step in WAY[2:-1]}
    polled: dict[tuple[int, int], tuple[float, float]] = {}
    store, think, settle_together, publish = agent.store, agent.think, agent.settle_together, KafkaBroker.publish

    def storing(events: Sequence[Event], day: agent.Day) -> Any:
        begun = time.monotonic()
        arrivals = store(events, day)
        done = time.monotonic()
        polled.update({(event.partition, event.offset): (begun, done) for event in events})
        return arrivals

    def thinking(work: agent.Work, day: agent.Day) -> agent.Thought:
        thought = think(work, day)
        for report in work.reports:
            name = report.id.encode()
            times["polled"][name], times["stored"][name] = polled.pop((work.event.partition, work.event.offset))
            times["thought"][name] = time.monotonic()
        return thought

    def settling(thoughts: Sequence[agent.Thought], day: agent.Day) -> Any:
        settle_together(thoughts, day)
        done = time.monotonic()
        times["settled"].update({report.id.encode(): done for thought in thoughts for report in thought.work.reports})

    def publishing(broker: KafkaBroker, messages: Sequence[Message]) -> list[tuple[int, int]]:
        begun = time.monotonic()
        places = publish(broker, messages)
        done = time.monotonic()
        times["leaving"].update({message.key or b"": begun for message in messages})
        times["acknowledged"].update({message.key or b"": done for message in messages})
        return places

    with (
        patch.object(agent, "store", storing),
        patch.object(agent, "think", thinking),
        patch.object(agent, "settle_together", settling),
        patch.object(KafkaBroker, "publish", publishing),
    ):
        yield times


def whole(closing: ExitStack, folder: Path, bootstrap: str, database: str, topics: Topics) -> tuple[Signal, Callable[[], Times]]:
    """`impresario agent`, whose model is away; nobody is told its times."""
    settings = settings_for(topics, kafka=bootstrap, database=database, vllm="http://127.0.0.1:9")
    process = AgentProcess(settings, folder, "agent-0")
    closing.enter_context(ending(process))
    process.start()
    return process.signal, dict


def sent_on_schedule(bootstrap: str, topics: Topics, rate: float, reports: int, stop: Signal, stall: float) -> Times:
    """Sends them from another process, the first ones to get warm, and stops the agent in the middle of the rest."""
    context = multiprocessing.get_context("spawn")
    told: multiprocessing.queues.Queue[Times] = context.Queue()
    begun = context.Event()
    process = context.Process(target=an_engine, args=(bootstrap, topics, rate, reports, begun, told), daemon=True)
    process.start()
    if stall:
        begun.wait()
        middle = WARM_UP + (reports / rate - WARM_UP) / 2
        threading.Timer(middle, lambda: stop(signal.SIGSTOP)).start()
        threading.Timer(middle + stall, lambda: stop(signal.SIGCONT)).start()
    while process.is_alive() and told.empty():
        time.sleep(0.1)
    if told.empty():
        sys.exit("The sender of the bench has ended before its time.")
    times = told.get()
    process.join()
    return times


def an_engine(
    bootstrap: str,
    topics: Topics,
    rate: float,
    reports: int,
    begun: multiprocessing.synchronize.Event,
    told: multiprocessing.queues.Queue[Times],
) -> None:
    """One process: sends each report at its moment and waits for no answer before the end."""
    threading.Thread(target=end_with, args=(multiprocessing.parent_process(),), daemon=True).start()
    names = [report_id(number) for number in range(reports)]
    dictations = [dictated(number) for number in range(reports)]
    producer = kafka.KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    producer.partitions_for(topics.reports)
    headers = [("content-type", HL7V2.encode())]
    due: dict[bytes, float] = {}
    sent: dict[bytes, float] = {}
    begun.set()
    start = time.monotonic()
    for number, (name, dictation) in enumerate(zip(names, dictations, strict=True)):
        due[name] = start + number / rate
        time.sleep(max(0.0, due[name] - time.monotonic()))
        producer.send(topics.reports, key=name, value=dictation, headers=headers)
        sent[name] = time.monotonic()
    producer.flush()
    producer.close()
    told.put({"due": due, "sent": sent})


def report_id(number: int) -> bytes:
    (reading,) = read(dictated(number), content_type=HL7V2)
    assert reading.report is not None
    return reading.report.id.encode()


if __name__ == "__main__":
    main()
