"""SQLite's log: a thread of who writes all day carries it into the database, so that no commit has to."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Engine

from feedback.database import (
    PAGE,
    PATIENCE,
    SQLITE_SENTENCES,
    DatabaseRefused,
    DatabaseUnavailable,
    disk_failed,
    on_disk,
    opened_log,
    transaction,
)
from feedback.prepared import driven

log = logging.getLogger(__name__)

#: Bytes of the log at which it is carried over; and that it has in place from the start: what comes meanwhile fits, too.
LONG_LOG, ROOM = 4 * 1024 * 1024, 16 * 1024 * 1024


@contextmanager
def log_kept_short(engine: Engine, seconds: float = 1.0) -> Iterator[None]:
    """For a process that writes all day: its own thread carries SQLite's log into the database, a little at a time.

    SQLite itself does that in the middle of somebody's commit, and whoever waits for that commit waits for all of it.
    """
    if engine.dialect.name != "sqlite":
        yield
        return
    _lengthen_log(engine)
    stop = threading.Event()
    thread = threading.Thread(target=_keep_short, args=(engine, stop, seconds), name="log", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)


def _keep_short(engine: Engine, stop: threading.Event, seconds: float) -> None:
    said = ""
    while not stop.wait(seconds):
        try:
            if _is_long(engine):
                _carry_over(engine)
            said = ""
        except (DatabaseUnavailable, DatabaseRefused, OSError) as fault:
            if str(fault) == SQLITE_SENTENCES["disk i/o"]:  # one of SQLite's own syncs, perhaps
                disk_failed(engine)
            if str(fault) != said:
                log.warning("SQLite's log is not carried over now: %s", fault)
            said = str(fault)


def _lengthen_log(engine: Engine) -> None:
    """Makes the log as long as it will be: what lies in place is synced in milliseconds, what lengthens a file in up to hundreds.

    SQLite goes by what it wrote itself, so zeros behind its end mean nothing to it. Where there is no room, it stays as it was.
    """
    with transaction(engine), opened_log(engine, os.O_RDWR) as file:  # and nobody else writes
        length = os.lseek(file, 0, os.SEEK_END)
        missing = max(0, ROOM - length)
        written = 0
        with suppress(OSError):
            written = os.write(file, bytes(missing))
        if written < missing:
            with suppress(OSError):
                os.ftruncate(file, length)


def _is_long(engine: Engine) -> bool:
    """Whether the frame at that length is of the log as it stands: its salt is that of the header, new whenever the log begins anew."""
    with opened_log(engine, os.O_RDONLY) as file:
        salt = os.pread(file, 8, 16)
        return any(salt) and os.pread(file, 8, 32 + LONG_LOG // PAGE * (24 + PAGE) + 8) == salt


def _carry_over(engine: Engine) -> None:
    """Writes the log into the database; the next writer begins it anew.

    Never beside a writer, whatever process it is of: SQLite before 3.51.3 may take a log that begins anew meanwhile for carried over
    (sqlite.org/wal.html#walresetbug). So this holds the file's write lock, and what can be synced before it is synced before.
    """
    on_disk(engine)
    with transaction(engine, waits_for_disk=False), engine.connect() as connection:
        driven(connection, "PRAGMA wal_checkpoint(PASSIVE)").close()
