"""What cannot be read is set aside byte for byte, with its place and a code, and with a limit: no feed is emptied into the bin.

The headers are Spring's, so that the tools hospitals have for dead letters understand ours.
"""

from __future__ import annotations

import hashlib
import struct
import threading
from collections import deque
from collections.abc import Sequence

from connectors import topics
from connectors.broker import Event
from feedback.outbox import Outgoing

CODE = "impresario-code"
WINDOW = 100


class TooManyDeadLetters(Exception):
    """So much cannot be read that the feed or its profile must be wrong. `str()` says what to do."""


class Limit:
    """Counts what could not be read; raises when it is too much of the last hundred, or too much in a row."""

    def __init__(self, ratio: float, run: int) -> None:
        self._ratio = ratio
        self._run = run
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        self._in_a_row = 0
        self._lock = threading.Lock()

    def count(self, was_unreadable: bool, code: str | None) -> None:
        """Call once per message, after it is set aside or handled. Raises `TooManyDeadLetters`."""
        with self._lock:
            self._note(was_unreadable)
            if not self._is_too_much():
                return
            if self._in_a_row >= self._run:
                said = f"{self._in_a_row} messages in a row could not be read (the last: {code})"
            else:
                said = f"{sum(self._recent)} of the last {WINDOW} messages could not be read (the last: {code})"
        raise TooManyDeadLetters(
            f"{said}. The agent stops before it empties the feed into the dead letters: look at `impresario dead-letters list`, "
            "mend the source profile, requeue, and start again."
        )

    def until_too_much(self, unreadable: Sequence[bool]) -> int:
        """How many of these to count, in this order, until it is too much; all of them if it never is. Counts nothing."""
        with self._lock:
            trial = Limit(self._ratio, self._run)
            trial._recent, trial._in_a_row = self._recent.copy(), self._in_a_row
        for number, one in enumerate(unreadable, 1):
            trial._note(one)
            if trial._is_too_much():
                return number
        return len(unreadable)

    def _note(self, was_unreadable: bool) -> None:
        self._recent.append(was_unreadable)
        self._in_a_row = self._in_a_row + 1 if was_unreadable else 0

    def _is_too_much(self) -> bool:
        share = sum(self._recent) / len(self._recent)
        return self._in_a_row >= self._run or (len(self._recent) == WINDOW and share > self._ratio)


def dead_letter(event: Event, code: str | None, why: str, *, topic: str, group: str) -> Outgoing:
    """The message as it came, with where it stood and why it is here. `why` quotes nothing."""
    name = f"{event.topic}[{event.partition}]@{event.offset}#{hashlib.sha256(event.value).hexdigest()}"
    added = (
        ("kafka_dlt-original-topic", event.topic.encode()),
        ("kafka_dlt-original-partition", struct.pack(">i", event.partition)),
        ("kafka_dlt-original-offset", struct.pack(">q", event.offset)),
        ("kafka_dlt-original-timestamp", struct.pack(">q", int(event.timestamp.timestamp() * 1000))),
        ("kafka_dlt-original-consumer-group", group.encode()),
        ("kafka_dlt-exception-fqcn", b"ingest.report.Unreadable"),
        ("kafka_dlt-exception-message", why.encode()),
        (CODE, (code or "unreadable").encode()),
        (topics.CE_ID, hashlib.sha256(name.encode()).hexdigest().encode()),
        (topics.CE_TYPE, topics.DEAD_LETTER.encode()),
    )
    names = {name for name, _ in added}
    kept = tuple((name, value) for name, value in event.headers if name not in names)
    return Outgoing(about=name, topic=topic, key=event.key, headers=kept + added, value=event.value)
