"""Drafts to a reporting system that listens on MLLP: one at a time, each acknowledged before the next, from the outbox.

A destination is a topic of the outbox that begins with `mllp:`; nothing of it goes to Kafka. What is refused for good (AE, CE) is noted and
not sent again; what could not be said (AR, CR, silence, a broken line) is tried again later, and holds back only its own report.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import Engine

from connectors.mllp import BadFrame, Frames, framed
from feedback.database import DatabaseUnavailable, transaction
from feedback.outbox import Published, Waiting, mark_published, release, unpublished

log = logging.getLogger(__name__)

ANSWER_WITHIN = 30.0
LEASE = timedelta(seconds=120)
#: Seconds until the next try, by the number of tries so far.
PAUSES = (1, 5, 15, 60, 300)
Answer = Literal["accepted", "refused", "later"]
#: HL7 v2.5.1 table 0008.
ANSWER_BY_CODE: dict[bytes, Answer] = {
    b"AA": "accepted",
    b"CA": "accepted",
    b"AE": "refused",
    b"CE": "refused",
    b"AR": "later",
    b"CR": "later",
}


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a reporting system listens."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None

    @property
    def topic(self) -> str:
        return f"mllp:{self.host}:{self.port}"


class Line:
    """One connection, opened when needed and given up at the first doubt."""

    def __init__(self, destination: Destination, answer_within: float = ANSWER_WITHIN) -> None:
        self._destination = destination
        self._answer_within = answer_within
        self._socket: socket.socket | None = None

    def say(self, message: bytes) -> Answer:
        """Send one message and wait for its own acknowledgement; an answer to another message is no answer."""
        try:
            connection = self._connected()
            connection.sendall(framed(message))
            frames = Frames()
            while received := connection.recv(65536):
                for answer in frames.feed(received):
                    code, control_id = acknowledged(answer)
                    if control_id == control_id_of(message):
                        return ANSWER_BY_CODE.get(code, "later")
            self.hang_up()
        except (OSError, BadFrame):
            self.hang_up()
        return "later"

    def hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connected(self) -> socket.socket:
        if self._socket is None:
            plain = socket.create_connection((self._destination.host, self._destination.port), timeout=self._answer_within)
            tls = self._destination.tls
            self._socket = tls.wrap_socket(plain, server_hostname=self._destination.host) if tls else plain
            self._socket.settimeout(self._answer_within)
        return self._socket


class Courier:
    """Carries what the outbox holds for one destination. It may die at any step: the receiver knows a repetition by its control id."""

    def __init__(
        self, books: Engine, destination: Destination, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._books = books
        self._destination = destination
        self._line = Line(destination)
        self._clock = clock
        self._name = f"courier-{uuid.uuid4()}"

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                if not self.carry_one():
                    stop.wait(0.5)
            except DatabaseUnavailable as away:
                log.warning("%s Drafts wait until it is back.", away)
                stop.wait(2)
        self._line.hang_up()

    def carry_one(self) -> bool:
        """Claim the oldest message that may go, say it, note the answer; whether there was one."""
        with transaction(self._books) as session:
            topics = [self._destination.topic]
            claimed = unpublished(session, limit=1, worker=self._name, lease=LEASE, at=self._clock(), topics=topics)
        if not claimed:
            return False
        self._note(claimed[0], self._line.say(claimed[0].value))
        return True

    def _note(self, message: Waiting, answer: Answer) -> None:
        with transaction(self._books) as session:
            if answer == "later":
                pause = PAUSES[min(message.attempts, len(PAUSES)) - 1]
                release(session, [message.id], worker=self._name, not_before=self._clock() + timedelta(seconds=pause))
                log.warning("%s did not take message %s; next try in %d s.", self._destination.topic, message.id, pause)
                return
            mark_published(session, [Published(message.id)], worker=self._name, at=self._clock())
        if answer == "refused":
            log.error(
                "%s refused message %s for good; it is not sent again. Ask its analyst why.", self._destination.topic, message.id
            )


def acknowledged(answer: bytes) -> tuple[bytes, bytes]:
    """MSA-1 and MSA-2; empty when there is no MSA."""
    for segment in answer.replace(b"\n", b"\r").split(b"\r"):
        if segment.startswith(b"MSA") and len(segment) > 4:
            parts = segment.split(segment[3:4])
            return parts[1].strip(), parts[2].strip() if len(parts) > 2 else b""
    return b"", b""


def control_id_of(message: bytes) -> bytes:
    """MSH-10."""
    header = message.split(b"\r", 1)[0]
    fields = header.split(header[3:4])
    return fields[9].strip() if len(fields) > 9 else b""
