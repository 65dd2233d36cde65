"""Who waits for the database for ever is noticed; who waits a while is left alone."""

from __future__ import annotations

import threading
from pathlib import Path
from unittest.mock import patch

import pytest
from sqlalchemy import Engine

from connectors.watchdog import watching
from feedback.database import DatabaseUnavailable, DiskFailed, on_disk, open_database, reading, standing_open, transaction


@pytest.fixture(autouse=True)
def _no_disk_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.database._FAILED", set())


def test_a_question_that_is_never_answered_ends_the_process(tmp_path: Path) -> None:
    books, ended, told = open_database(f"sqlite:///{tmp_path}/b.db"), threading.Event(), list[str]()

    def end(why: DatabaseUnavailable) -> None:
        told.append(str(why))
        ended.set()

    with watching(end, patience=0.2, pause=0.05), transaction(books):
        assert ended.wait(60)

    assert told == ["The database took a question and has not answered for 0 seconds."]


def test_many_short_ones_end_nothing(tmp_path: Path) -> None:
    books, ended = open_database(f"sqlite:///{tmp_path}/b.db"), threading.Event()

    with watching(lambda _: ended.set(), patience=1, pause=0.05):
        for _ in range(50):
            look_a_moment(books)

    assert not ended.is_set()
    assert standing_open() == []


def test_a_disk_that_failed_ends_the_process_whoever_saw_it(tmp_path: Path) -> None:
    books, ended, told = open_database(f"sqlite:///{tmp_path}/b.db"), threading.Event(), list[str]()

    def end(why: DatabaseUnavailable) -> None:
        told.append(str(why))
        ended.set()

    with watching(end, pause=0.05):
        with patch("feedback.database.os.fsync", side_effect=OSError(5, "Input/output error")), pytest.raises(DiskFailed):
            on_disk(books)
        assert ended.wait(60)

    assert told == ["The disk of the database fails to read or write: look at the disk, then start again."]


def look_a_moment(books: Engine) -> None:
    with reading(books):
        threading.Event().wait(0.03)
