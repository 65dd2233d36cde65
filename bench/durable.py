"""Claim: a message is read, deduplicated, stored, queued and published, all of it durably, fifty times faster than the obvious way.

    python -m bench.durable --messages 20000 --naive 100 [--agents 2] [--database postgresql] [--kafka HOST:PORT]

Ours is the agent's own loop on a real broker: poll, store, read, settle, send, commit the offsets; with `--agents 2` in two processes of
one group. What a draft says is stood in for (no model, no fact checks, no FHIR), because that is not ingest. The obvious way is hl7apy,
one commit, one flush and one offset for each message, on the same broker and the same disk. Then the whole day is replayed, and nothing
new may come of it. Beside them stand two floors, one thread each: reading alone, and the same rows by SQLite's bare driver. All print
the CPU of their own processes (not the broker's, not PostgreSQL's); the ratio is what travels.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import multiprocessing.queues
import os
import platform
import signal
import sqlite3
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from typing import Any
from unittest.mock import patch

import kafka  # type: ignore[import-untyped, unused-ignore]
import psycopg
from hl7apy.parser import parse_message
from sqlalchemy import Engine, func, select

from bench.chaos_parts import topics_named
from connectors import again
from connectors.agent import Day, Written, run
from connectors.broker import BrokerAway, Message
from connectors.kafka_broker import KafkaBroker
from connectors.topics import HL7V2, Topics
from demo import parts
from engine.impression import Impression, Kind
from engine.write import Completion
from feedback.database import open_database, reading
from feedback.inbox import INBOX
from feedback.outbox import OUTBOX, Outgoing
from feedback.tables import Draft, Outbox
from ingest.read import read
from ingest.report import Reading, Report

PARTITIONS = 6
#: What one message leaves behind.
ROWS = ("inbox", "report_version", "report_accession", "draft", "outbox")
#: Made and entered in each agent's process; what it yields is told at the end.
Around = Callable[[], AbstractContextManager[Any]]
LINES = (
    "The lungs are clear.",
    "No pleural effusion or pneumothorax.",
    "The heart is normal in size.",
    "No acute osseous lesion.",
)
SENT = b'{"resourceType": "DiagnosticReport", "text": "' + b"made up " * 190 + b'"}'


def oru(number: int) -> bytes:
    """A report that awaits its impression, in thirty lines, as an EHR sends it: about 3 kB."""
    head = [
        f"MSH|^~\\&|RIS|GENERAL|IMPRESARIO|AI|20260101120000||ORU^R01^ORU_R01|M{number}|P|2.5.1",
        f"PID|1||TEST{number:06}^^^GENERAL^MR||DOE^JANE^{number}||19600101|F",
        f"OBR|1||ACC{number:06}|71046^Chest radiograph two views^C4|||20260101110000||||||||||||||||||P|||||||R17&READER&ROY",
    ]
    lines = ["FINDINGS:", *(LINES[line % len(LINES)] for line in range(29))]
    body = [f"OBX|{n}|TX|71046&GDT^Chest^L||{line}||||||P|||20260101110000" for n, line in enumerate(lines, 1)]
    return "\r".join(head + body).encode() + b"\r"


class NoModel:
    """Nobody asks it: the draft is stood in for."""

    base_model = "none"

    def complete(self, prompt: str, **_: object) -> list[Completion]:
        raise AssertionError("a model was asked")


def stand_in(read_as: Reading, report: Report, source: str | None, day: Day) -> Written:
    """A draft that costs nothing, and the message that shows it."""
    name = str(uuid.uuid5(uuid.NAMESPACE_OID, report.id))
    impression = Impression(
        report_id=report.id,
        draft_id=name,
        kind=Kind.DRAFT,
        text="No acute cardiopulmonary process.",
        coarse="No acute cardiopulmonary process.",
        sentences=(),
        flags=(),
        adapter=None,
        base_model="none",
        prompt_version="0",
        seconds=0.0,
    )
    headers = (("ce_id", name.encode()), ("content-type", b"application/fhir+json"))
    return Written(impression, (Outgoing(name, day.topics.impressions, report.id.encode(), headers, SENT),))


class Agents:
    """Processes that do the agent's day: ready when made, begun and ended as one."""

    def __init__(self, number: int, bootstrap: str, database: str, topics: Topics, around: Around = nullcontext) -> None:
        context = multiprocessing.get_context("spawn")
        self._go, self._stop = context.Event(), context.Event()
        self._ready = context.Barrier(number + 1)
        self._told = context.Queue()
        self.told: list[Any] = []  #: what `around` yielded in each, when they have ended
        shared = (bootstrap, database, topics, self._ready, self._go, self._stop, self._told, around)
        self._processes = [context.Process(target=a_day, args=shared, daemon=True) for _ in range(number)]
        for process in self._processes:
            process.start()
        self._ready.wait()

    def work_until(self, is_done: Callable[[], bool]) -> float:
        """Until all of it is done, and the last offsets are committed; the seconds of CPU it took them."""
        self.begin()
        while not is_done():
            if not all(process.is_alive() for process in self._processes):
                sys.exit("An agent of the bench has ended before its time: its log says why.")
            time.sleep(0.1)
        return self.finish()

    def begin(self) -> None:
        self._go.set()

    def signal(self, number: signal.Signals) -> None:
        for process in self._processes:
            os.kill(process.pid or 0, number)

    def finish(self) -> float:
        """The seconds of CPU it took them."""
        self._stop.set()
        last_words = [self._told.get() for _ in self._processes]
        self.told = [told for _, told in last_words]
        for process in self._processes:
            process.join()
        return float(sum(cpu for cpu, _ in last_words))

    def kill(self) -> None:
        for process in self._processes:
            process.kill()


def a_day(
    bootstrap: str,
    database: str,
    topics: Topics,
    ready: Barrier,
    go: Event,
    stop: Event,
    last_words: multiprocessing.queues.Queue[tuple[float, Any]],
    around: Around,
) -> None:
    """One process: the agent's own loop, with drafts stood in for."""
    threading.Thread(target=end_with, args=(multiprocessing.parent_process(),), daemon=True).start()
    broker, books = KafkaBroker(bootstrap), open_database(database)
    day = Day(
        broker=broker,
        books=books,
        model=NoModel(),
        reader=lambda raw, source, content_type: read(raw, content_type=content_type),
        promoted_for=lambda radiologist: None,
        forms=[],
        topics=topics,
        group=topics.reports,
        workers=2,
    )
    ready.wait()
    go.wait()
    began = time.process_time()
    with patch("connectors.agent.draft", stand_in), patch("connectors.agent.critical", lambda *_: []), around() as told:
        run(day, stop)  # type: ignore[arg-type]  # an event of processes answers as one of threads does
    last_words.put((time.process_time() - began, told))
    broker.close()
    books.dispose()


def end_with(parent: BaseProcess | None) -> None:
    """A bench that is killed leaves nobody behind."""
    if parent is not None:
        parent.join()
        os._exit(1)


@dataclass(frozen=True)
class Ledger:
    """What the database says of the day."""

    books: Engine

    def is_done(self, messages: int) -> bool:
        """Whether so many came and nothing of them waits; asked often, so by indexes alone."""
        waiting = select(INBOX.c.id).where(INBOX.c.outcome.is_(None)).limit(1)
        unsent = select(OUTBOX.c.number).where(OUTBOX.c.published_at.is_(None)).limit(1)
        with reading(self.books) as session:
            found = session.connection()
            came = found.execute(select(func.max(INBOX.c.id))).scalar_one() or 0
            return came >= messages and found.execute(waiting).first() is None and found.execute(unsent).first() is None

    def drafts_and_sent(self) -> tuple[int, int]:
        with reading(self.books) as session:
            drafts, sent = (
                session.connection().execute(select(func.count()).select_from(table)).scalar_one() for table in (Draft, Outbox)
            )
        return drafts, sent


def naive(messages: int, bootstrap: str, database: str, folder: Path, topics: Topics) -> float:
    """What one would write first: parse, insert, commit, send, flush, commit the offset; then the next. The seconds of CPU it took."""
    began = time.process_time()
    consumer = kafka.KafkaConsumer(
        topics.reports,
        bootstrap_servers=bootstrap,
        group_id=f"{topics.reports}-naive",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = kafka.KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    insert, connection = connected(database, folder)
    done = 0
    while done < messages:
        for records in consumer.poll(timeout_ms=1000, max_records=messages - done).values():
            for record in records:
                message = parse_message(record.value.decode(), find_groups=False)
                accession = message.obr.obr_3.to_er7()
                row = (record.topic, record.partition, record.offset, accession, record.value, SENT)
                connection.execute(insert, row)
                connection.commit()
                producer.send(topics.impressions, key=accession.encode(), value=SENT)
                producer.flush()
                consumer.commit()
                done += 1
    connection.close()
    producer.close()
    consumer.close()
    return time.process_time() - began


def connected(database: str, folder: Path) -> tuple[str, Any]:
    """An open connection that waits for the disk at every commit, with the one table the obvious way needs."""
    table = (
        "CREATE TABLE naive (topic text, part int, place bigint, accession text, raw {0}, sent {0}, UNIQUE (topic, part, place))"
    )
    if database.startswith("sqlite"):
        lite = sqlite3.connect(folder / "naive.db")
        lite.execute("PRAGMA synchronous = FULL")
        lite.execute(table.format("blob"))
        return "INSERT OR IGNORE INTO naive VALUES (?, ?, ?, ?, ?, ?)", lite
    server = psycopg.connect(database.replace("+psycopg", ""))
    server.execute(table.format("bytea"))
    server.commit()
    return "INSERT INTO naive VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING", server


def reading_alone(messages: int) -> float:
    """The floor of our own code: every message read, nothing else. The seconds of CPU it took."""
    dictated, began = [oru(number) for number in range(messages)], time.process_time()
    for raw in dictated:
        list(read(raw, content_type=HL7V2))
    return time.process_time() - began


def rows_alone(database: Path, folder: Path) -> float:
    """The floor of the disk: the rows that stand in `database`, by the bare driver into an empty copy, a hundred messages and a sync
    at a time. The seconds of CPU it took."""
    with closing(sqlite3.connect(database)) as books, closing(sqlite3.connect(folder / "rows.db", isolation_level=None)) as copy:
        copy.execute("PRAGMA journal_mode = WAL")
        copy.execute("PRAGMA synchronous = FULL")
        for (made_by,) in books.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"):
            copy.execute(made_by)
        rows = {name: books.execute(f"SELECT * FROM {name}").fetchall() for name in ROWS}  # noqa: S608  our own names
        began = time.process_time()
        for first in range(0, len(rows["inbox"]), 100):
            copy.execute("BEGIN")
            for name, of_table in rows.items():
                some = of_table[first : first + 100]
                copy.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(some[0]))})", some)  # noqa: S608
            copy.execute("COMMIT")
        return time.process_time() - began


def measured(way: str, messages: int, work: Callable[[], float]) -> float:
    """Says how fast it was; `work` gives the seconds of CPU it took. Messages per second."""
    started = time.perf_counter()
    cpu = work()
    per_second = messages / (time.perf_counter() - started)
    figures = {
        "messages": messages,
        "per_second": round(per_second, 1),
        "cpu_ms_per_message": round(1000 * cpu / messages, 3),
    }
    print(json.dumps({"way": way} | figures), flush=True)
    return per_second


def main() -> None:
    """One line of JSON for each way, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--naive", type=int, default=100, help="how many the obvious way does")
    parser.add_argument("--agents", type=int, default=1)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--kafka", help="a running broker; without it one is started")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="impresario-durable-") as name, ExitStack() as ending:
        folder = Path(name)
        bootstrap = asked.kafka or ending.enter_context(parts.kafka(folder / "kafka"))
        is_sqlite = asked.database == "sqlite"
        database = f"sqlite:///{folder}/books.db" if is_sqlite else ending.enter_context(parts.postgres(folder / "postgres"))
        books = open_database(database)
        ending.callback(books.dispose)
        broker = KafkaBroker(bootstrap)
        ending.callback(broker.close)
        topics = topics_named(f"durable-{uuid.uuid4().hex[:8]}")
        broker.prepare(topics.all, PARTITIONS)
        fill(broker, topics, asked.messages)
        here = {"cores": os.cpu_count(), "load": os.getloadavg()[0], "python": platform.python_version(), "bytes": len(oru(0))}
        print(json.dumps(here | {"database": asked.database, "agents": asked.agents}), flush=True)
        slow = measured("naive", asked.naive, lambda: naive(asked.naive, bootstrap, database, folder, topics))
        ledger = Ledger(books)
        agents = Agents(asked.agents, bootstrap, database, topics)
        fast = measured("ours", asked.messages, lambda: agents.work_until(lambda: ledger.is_done(asked.messages)))
        print(json.dumps({"ours_over_naive": round(fast / slow, 1)}), flush=True)
        before = ledger.drafts_and_sent()
        if before != (asked.messages, asked.messages):
            sys.exit(f"{asked.messages} messages became {before[0]} drafts and {before[1]} publications: nothing is proved.")
        measured("reading alone", asked.messages, lambda: reading_alone(asked.messages))
        if is_sqlite:
            measured("rows alone", asked.messages, lambda: rows_alone(folder / "books.db", folder))
        agents = Agents(asked.agents, bootstrap, database, topics)
        again.replay(broker, again.stored(books, topic=topics.reports))
        measured("replay", asked.messages, lambda: agents.work_until(lambda: ledger.is_done(2 * asked.messages)))
        new = [after - earlier for after, earlier in zip(ledger.drafts_and_sent(), before, strict=True)]
        print(json.dumps({"new_drafts": new[0], "new_publications": new[1]}))


def fill(broker: KafkaBroker, topics: Topics, messages: int) -> None:
    """The day's messages on the topic, keyed by their accession."""
    headers = (("content-type", HL7V2.encode()),)
    for first in range(0, messages, 500):
        numbers = range(first, min(first + 500, messages))
        broker.publish([Message(topics.reports, f"ACC{number:06}".encode(), oru(number), headers) for number in numbers])


if __name__ == "__main__":
    try:
        main()
    except BrokerAway as away:
        sys.exit(str(away))
