"""Ends a process that waits for ever: a database that is half-open or frozen takes a question and never answers, and nobody is told.
So does a disk that failed once: what it says afterwards is not to be believed.

Ended, it is started again and asks anew on a sound connection.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connectors.manners import SERVICE_AWAY
from feedback.database import SQLITE_SENTENCES, DatabaseUnavailable, DiskFailed, has_failed_disk, standing_open

log = logging.getLogger(__name__)

#: Seconds without an answer after which there will be none; PostgreSQL itself gives up on a lock or an idle transaction sooner.
PATIENCE, PAUSE = 75.0, 5.0


@contextmanager
def watching(end: Callable[[DatabaseUnavailable], None], patience: float = PATIENCE, pause: float = PAUSE) -> Iterator[None]:
    """For as long as the `with` lasts, from a thread of its own; `end` is told why. Time in which we were stopped ourselves does not count."""
    over = threading.Event()

    def watch() -> None:
        seen: dict[tuple[int, float], int] = {}
        while not over.wait(pause):
            if has_failed_disk():  # and whoever saw it may have been a thread to which nobody listens
                end(DiskFailed(SQLITE_SENTENCES["disk i/o"]))
                return
            seen = {one: seen.get(one, 0) + 1 for one in standing_open()}
            if max(seen.values(), default=0) * pause > patience:
                end(DatabaseUnavailable(f"The database took a question and has not answered for {patience:.0f} seconds."))
                return

    threading.Thread(target=watch, name="watchdog", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def at_once(why: DatabaseUnavailable) -> None:
    """Without waiting for anybody: who waits for ever hears nothing."""
    log.error("%s This stops; what was not committed comes again when it is started.", why)
    logging.shutdown()
    os._exit(SERVICE_AWAY)
