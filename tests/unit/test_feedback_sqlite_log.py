"""What SQLite's log promises: carried over beside nobody, believed as long as the disk never failed, found where it lies."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Connection, Engine, text

from feedback.database import (
    SQLITE_SENTENCES,
    DatabaseRefused,
    DatabaseUnavailable,
    DiskFailed,
    on_disk,
    open_database,
    transaction,
)
from feedback.prepared import driven
from feedback.sqlite_log import LONG_LOG, _carry_over, _is_long, log_kept_short


@pytest.fixture(autouse=True)
def _no_disk_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.database._FAILED", set())


def write(books: Engine, size: int) -> None:
    with transaction(books, waits_for_disk=False) as session:
        session.connection().execute(text("CREATE TABLE IF NOT EXISTS long (words BLOB)"))
        session.connection().execute(text("INSERT INTO long VALUES (zeroblob(:size))"), {"size": size})


def until(so: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not so() and time.monotonic() < end:
        time.sleep(0.01)
    assert so()


def test_a_long_log_is_carried_over_only_while_nobody_can_write(books: Engine) -> None:
    others: list[str] = []

    def watched(connection: Connection, sql: str) -> Any:
        assert "wal_checkpoint" in sql
        with sqlite3.connect(str(books.url.database), timeout=0) as another:
            try:
                another.execute("BEGIN IMMEDIATE")
                others.append("writes")
            except sqlite3.OperationalError:
                others.append("waits")
        return driven(connection, sql)

    write(books, 2 * LONG_LOG)
    with patch("feedback.sqlite_log.driven", watched), log_kept_short(books, 0.01):
        until(lambda: len(others) > 2)

    assert set(others) == {"waits"}


@pytest.mark.parametrize("size", [0, LONG_LOG // 2])
def test_a_short_log_is_left_alone(books: Engine, size: int) -> None:
    books.dispose()  # the log is new, and all of it zeros
    if size:
        write(books, size)
    with patch("feedback.sqlite_log._carry_over") as carry_over, log_kept_short(books, 0.01):
        time.sleep(0.1)

    carry_over.assert_not_called()


def test_a_log_that_was_carried_over_begins_anew_and_is_short_again(books: Engine) -> None:
    write(books, 2 * LONG_LOG)
    was_long = _is_long(books)
    _carry_over(books)
    write(books, 10)

    assert (was_long, _is_long(books)) == (True, False)
    with sqlite3.connect(str(books.url.database)) as another:
        assert another.execute("SELECT count(*) FROM long").fetchone() == (2,)
        assert another.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_disk_that_failed_once_is_never_believed_again(books: Engine) -> None:
    with patch("feedback.database.os.fsync", side_effect=OSError(5, "Input/output error")), pytest.raises(DiskFailed):
        on_disk(books)

    with pytest.raises(DiskFailed, match="look at the disk"):
        on_disk(books)
    with pytest.raises(DiskFailed):
        write_and_wait(books)


def write_and_wait(books: Engine) -> None:
    with transaction(books):
        pass


def test_a_disk_that_fails_while_the_log_is_carried_over_is_not_believed_either(books: Engine) -> None:
    write(books, 2 * LONG_LOG)
    with (
        patch("feedback.sqlite_log.driven", side_effect=DatabaseUnavailable(SQLITE_SENTENCES["disk i/o"])),
        log_kept_short(books, 0.01),
    ):
        until(lambda: is_refused(books))


def is_refused(books: Engine) -> bool:
    try:
        on_disk(books)
    except DiskFailed:
        return True
    return False


def test_what_keeps_the_log_from_being_carried_over_is_said_once_and_tried_again(
    books: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[Engine] = []

    def refused(engine: Engine) -> None:
        tries.append(engine)
        raise DatabaseRefused("the database refused a row (SQLITE_MISUSE)")

    write(books, 2 * LONG_LOG)
    with patch("feedback.sqlite_log._carry_over", refused), caplog.at_level(logging.WARNING), log_kept_short(books, 0.01):
        until(lambda: len(tries) > 3)

    assert len(caplog.records) == 1 and caplog.records[0].exc_info is None


def test_the_log_of_a_database_behind_a_link_is_found(tmp_path: Path) -> None:
    synced: list[str] = []
    (tmp_path / "there").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "there" / "real.db")
    books = open_database(f"sqlite:///{tmp_path}/link.db")

    with patch("feedback.database.os.fsync", lambda file: synced.append(str(Path(f"/proc/self/fd/{file}").readlink()))):
        write_and_wait(books)
    books.dispose()

    assert synced == [f"{tmp_path}/there/real.db-wal"]


def test_a_database_named_by_an_uri_of_sqlites_own_is_refused() -> None:
    with pytest.raises(ValueError, match="sqlite:///FILE"):
        open_database("sqlite:///file:impresario.db?uri=true")


def test_a_database_that_nobody_has_written_to_is_on_the_disk(books: Engine) -> None:
    on_disk(books)
    books.dispose()  # closes the last connection, and the log is gone
    again = open_database(str(books.url))

    on_disk(again)

    again.dispose()


@pytest.mark.parametrize("error", [FileNotFoundError(2, "No such file"), OSError(24, "Too many open files")])
def test_a_log_that_cannot_be_opened_is_no_promise_but_a_sentence(books: Engine, error: OSError) -> None:
    with patch("feedback.database.os.open", side_effect=error), pytest.raises(DatabaseUnavailable, match="log cannot be opened"):
        on_disk(books)
