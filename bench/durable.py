"""Claim: a message is read, deduplicated, stored, queued and published, all of it durably, fifty times faster than the obvious way.

    python -m bench.durable --messages 5000 --naive 100 [--database postgresql] [--kafka HOST:PORT]

Ours is the agent's own loop on a real broker: poll, store, read, settle, send, commit the offsets. What a draft says is stood in for
(no model, no fact checks, no FHIR), because that is not ingest. The obvious way is hl7apy, one commit, one flush and one offset for
each message, on the same broker and the same disk. Then the whole day is replayed, and nothing new may come of it. All print the CPU of their own process; the ratio is what travels.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
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
from connectors.broker import KafkaBroker, Message
from connectors.deadletters import Limit
from connectors.topics import HL7V2, Topics
from demo import parts
from engine.impression import Impression, Kind
from engine.write import Completion
from feedback.database import open_database, reading
from feedback.outbox import Outgoing
from feedback.tables import Draft, Outbox
from ingest.read import read
from ingest.report import Reading, Report

PARTITIONS = 6
#: A measure of the agent's by name and labels.
Sample = tuple[str, dict[str, str]]
PUBLISHED: Sample = ("impresario_published_total", {})
HANDLED: Sample = ("impresario_messages_total", {"outcome": "report"})
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
    name = str(uuid.uuid4())
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


def ours(messages: int, broker: KafkaBroker, books: Engine, topics: Topics, counted: Sample = PUBLISHED) -> None:
    """The agent's day until everything is stored, published and committed."""
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
        dead_letters=Limit(1.0, messages),
    )
    stop = threading.Event()
    with patch("connectors.agent.draft", stand_in), patch("connectors.agent.critical", lambda *_: []):
        agent = threading.Thread(target=run, args=(day, stop))
        agent.start()
        while agent.is_alive() and (day.health.registry.get_sample_value(*counted) or 0) < messages:
            time.sleep(0.05)
        stop.set()
        agent.join()


def replayed(messages: int, broker: KafkaBroker, books: Engine, topics: Topics) -> None:
    """The whole day again: every message stored is sent round once more, and changes nothing."""
    again.replay(broker, again.stored(books, topic=topics.reports))
    ours(messages, broker, books, topics, counted=HANDLED)


def drafts_and_sent(books: Engine) -> tuple[int, int]:
    with reading(books) as session:
        count = [session.connection().execute(select(func.count()).select_from(table)).scalar_one() for table in (Draft, Outbox)]
    return count[0], count[1]


def naive(messages: int, bootstrap: str, database: str, folder: Path, topics: Topics) -> None:
    """What one would write first: parse, insert, commit, send, flush, commit the offset; then the next."""
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


def measured(way: str, messages: int, work: Callable[[], None]) -> float:
    """Says how fast it was; CPU milliseconds per message."""
    started, worked = time.perf_counter(), time.process_time()
    work()
    seconds, cpu = time.perf_counter() - started, time.process_time() - worked
    figures = {
        "messages": messages,
        "per_second": round(messages / seconds, 1),
        "cpu_ms_per_message": round(1000 * cpu / messages, 3),
    }
    print(json.dumps({"way": way} | figures), flush=True)
    return messages / seconds


def main() -> None:
    """One line of JSON for each way, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--naive", type=int, default=100, help="how many the obvious way does")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--kafka", help="a running broker; without it one is started")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="impresario-durable-") as name, ExitStack() as closing:
        folder = Path(name)
        bootstrap = asked.kafka or closing.enter_context(parts.kafka(folder / "kafka"))
        is_sqlite = asked.database == "sqlite"
        database = f"sqlite:///{folder}/books.db" if is_sqlite else closing.enter_context(parts.postgres(folder / "postgres"))
        books = open_database(database)
        closing.callback(books.dispose)
        broker = KafkaBroker(bootstrap)
        closing.callback(broker.close)
        topics = topics_named(f"durable-{uuid.uuid4().hex[:8]}")
        broker.prepare(topics.all, PARTITIONS)
        headers = (("content-type", HL7V2.encode()),)
        for first in range(0, asked.messages, 500):
            numbers = range(first, min(first + 500, asked.messages))
            broker.publish([Message(topics.reports, f"ACC{number:06}".encode(), oru(number), headers) for number in numbers])
        print(json.dumps({"cores": os.cpu_count(), "python": platform.python_version(), "bytes": len(oru(0))}), flush=True)
        slow = measured("naive", asked.naive, lambda: naive(asked.naive, bootstrap, database, folder, topics))
        fast = measured("ours", asked.messages, lambda: ours(asked.messages, broker, books, topics))
        print(json.dumps({"database": asked.database, "ours_over_naive": round(fast / slow, 1)}), flush=True)
        before = drafts_and_sent(books)
        measured("replay", asked.messages, lambda: replayed(asked.messages, broker, books, topics))
        new = [after - earlier for after, earlier in zip(drafts_and_sent(books), before, strict=True)]
        print(json.dumps({"new_drafts": new[0], "new_publications": new[1]}))


if __name__ == "__main__":
    main()
