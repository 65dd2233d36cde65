"""Claim: storing a message, its outcome and what leaves, all fsynced, is not what limits a hospital's feed; Core beats the ORM.

`python -m bench.durable --messages 2000` runs on a SQLite file; `--database postgresql://…` on PostgreSQL. Says messages per second
and CPU milliseconds per message, for one commit per message and for one per 50. The CPU figure is the one that travels.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.database import open_database, transaction
from feedback.inbox import record_arrival, record_outcome
from feedback.outbox import Outgoing, send
from feedback.tables import Inbox, Outbox

NOW = datetime(2026, 3, 2, tzinfo=UTC)
RAW = b"MSH|^~\\&|" + b"made up, " * 330


def main() -> None:
    """One line of JSON per way of writing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--database", help="SQLAlchemy URL; a new SQLite file when left out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        books = open_database(options.database or f"sqlite:///{folder}/books.db")
        for name, store in (("core", with_core), ("orm", with_orm)):
            for batch in (1, 50):
                print(
                    json.dumps({"way": name, "per_commit": batch} | measured(books, store, options.messages, batch)), flush=True
                )
        books.dispose()


def measured(books: Engine, store: Callable[[Session, str, int], None], messages: int, batch: int) -> dict[str, object]:
    topic = str(uuid.uuid4())
    started, worked = time.perf_counter(), time.process_time()
    for first in range(0, messages, batch):
        with transaction(books) as session:
            for offset in range(first, min(first + batch, messages)):
                store(session, topic, offset)
    seconds, cpu = time.perf_counter() - started, time.process_time() - worked
    return {
        "database": books.dialect.name,
        "messages": messages,
        "per_second": round(messages / seconds),
        "cpu_ms_per_message": round(1000 * cpu / messages, 3),
    }


def with_core(session: Session, topic: str, offset: int) -> None:
    """As the agent does it."""
    arrival = record_arrival(
        session,
        topic=topic,
        partition=0,
        offset=offset,
        key=b"report",
        headers=(("source", b"bench"),),
        raw=RAW,
        content_type=None,
        source=None,
        at=NOW,
    )
    send(session, [Outgoing(f"{topic}/{offset}", "radiology.impressions", b"report", (("ce_id", b"x"),), RAW)], NOW)
    record_outcome(session, arrival, "report", at=NOW, report_id="report")


def with_orm(session: Session, topic: str, offset: int) -> None:
    """The same rows as objects."""
    arrived = Inbox(
        topic=topic,
        partition=0,
        offset=offset,
        sha256=hashlib.sha256(RAW).hexdigest(),
        key=b"report",
        headers=[("source", "bench")],
        raw=RAW,
        content_type=None,
        source=None,
        received_at=NOW,
    )
    session.add(arrived)
    session.flush()
    leaving = Outgoing(f"{topic}/{offset}", "radiology.impressions", b"report", (), RAW)
    session.add(
        Outbox(
            id=leaving.id,
            topic=leaving.topic,
            key=leaving.key,
            lane=leaving.lane,
            headers=[("ce_id", "x")],
            value=RAW,
            created_at=NOW,
        )
    )
    arrived.outcome, arrived.report_id, arrived.handled_at = "report", "report", NOW
    session.flush()


if __name__ == "__main__":
    main()
