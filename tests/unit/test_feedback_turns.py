"""Who writes to SQLite when: one thread of a process at a time, and processes in line."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import Engine

from connectors.agent import opened, store
from feedback.database import transaction, undisturbed
from ingest.report import Reading
from tests.fakes.model import ScriptedModel
from tests.unit.test_connectors_agent import DRAFT, FINDINGS, TOPICS, Hospital


@contextmanager
def another_process_writes(books: Engine) -> Iterator[None]:
    with Path(f"{books.url.database}-wal").open("rb") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        yield


def writing(books: Engine, written: threading.Event) -> threading.Thread:
    def write() -> None:
        with transaction(books, waits_for_disk=False):
            written.set()

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def test_a_writer_waits_in_line_behind_another_process(books: Engine) -> None:
    written = threading.Event()

    with another_process_writes(books):
        thread = writing(books, written)
        too_early = written.wait(0.2)

    thread.join(10)
    assert (too_early, written.is_set()) == (False, True)


def test_a_line_that_does_not_move_refuses_nobody(books: Engine) -> None:
    written = threading.Event()

    with patch("feedback.database.PATIENCE", 0.05), another_process_writes(books):
        writing(books, written).join(10)

    assert written.is_set()


def test_nobody_writes_while_what_came_is_read(books: Engine) -> None:
    hospital, written, seen = (
        Hospital(books, ScriptedModel(lambda prompt, adapter, n: [DRAFT] * n)),
        threading.Event(),
        list[bool](),
    )
    hospital.sends(FINDINGS)
    events = hospital.topic(TOPICS.reports)

    def reader(raw: bytes, source: str | None, content_type: str | None) -> list[Reading]:
        writing(books, written)
        seen.append(written.wait(0.2))
        return []

    opened(events, store(events, hospital.day), replace(hospital.day, reader=reader))

    assert seen == [False]
    assert written.wait(10)


def test_who_reads_undisturbed_may_write(books: Engine) -> None:
    with undisturbed(books), transaction(books, waits_for_disk=False) as session:
        assert session.is_active
