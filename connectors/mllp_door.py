"""The door for integration engines without Kafka: HL7 v2 over TCP, kept on disk before it is acknowledged.

Comes in: frames on any number of connections. Goes out: the outbox, and from there the reports topic, so that Kafka may be away. A
message sent again (same sender, control id and bytes) is acknowledged again and kept once.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType

from sqlalchemy import Engine

from connectors import topics
from connectors.mllp import LARGEST, BadFrame, Envelope, Frames, acknowledgement, codes_for, framed
from connectors.tls import BadFile, TlsFiles
from feedback.database import DatabaseUnavailable, done_again, transaction
from feedback.outbox import Outgoing, send
from ingest.report import Reading

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 512
#: Messages that share a transaction at most.
MOST_TOGETHER = 100
#: Seconds a peer may stay silent in the middle of a frame, and between frames.
STALLED, IDLE = 60.0, 3600.0
NOT_KEPT = "The receiver cannot keep messages now: send it again."


class Keeper:
    """Keeps messages on their way to the reports topic, and knows what to answer."""

    def __init__(
        self,
        books: Engine,
        read: Callable[[bytes], Sequence[Reading]],
        *,
        topic: str,
        source: str | None = None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._books = books
        self._read = read
        self._topic = topic
        self._source = source
        self._wake = wake
        self._numbers = itertools.count(time.time_ns() // 1000)  # with its prefix no longer than the twenty characters of MSH-10
        self._writing = WrittenTogether(books)

    def answers_to(self, raw: bytes) -> list[bytes]:
        """The acknowledgements due for one message, unframed, after it is on disk or could not be put there."""
        envelope, readings = Envelope.of(raw), self._readings(raw)
        try:
            self._keep(raw, envelope, readings)
        except DatabaseUnavailable as away:
            log.error("A message was not kept. %s", away)
            return self._say(envelope, "not-kept", NOT_KEPT)
        self._wake()
        problem = next((one.message or one.code or "" for one in readings if one.outcome == "unreadable"), "")
        return self._say(envelope, "unreadable" if problem else "kept", problem)

    def _readings(self, raw: bytes) -> Sequence[Reading]:
        """A message our reader fails at is kept like any other, or its sender would offer it for ever; the agent sets it aside."""
        try:
            return self._read(raw)
        except Exception as fault:  # noqa: BLE001  its text may quote the message
            log.error("The reader failed at a message (%s); it is kept, and the agent will set it aside.", type(fault).__name__)
            return []

    def _keep(self, raw: bytes, envelope: Envelope | None, readings: Sequence[Reading]) -> None:
        sender = b"|".join((envelope.value(3), envelope.value(4), envelope.control_id)) if envelope else b""
        name = hashlib.sha256(sender + b"\x1f" + raw).hexdigest()
        report = next((one.report for one in readings if one.report is not None), None)
        headers = [(topics.CE_ID, name.encode()), (topics.CONTENT_TYPE, topics.HL7V2.encode())]
        if self._source:
            headers.append(("source", self._source.encode()))
        key = report.id if report else name
        message = Outgoing(about=f"mllp:{name}", topic=self._topic, key=key.encode(), headers=tuple(headers), value=raw)
        self._writing.write(message)

    def _say(self, envelope: Envelope | None, outcome: str, problem: str) -> list[bytes]:
        now = datetime.now(UTC)
        return [acknowledgement(envelope, code, next(self._numbers), now, problem) for code in codes_for(envelope, outcome)]


@dataclass(eq=False)
class _Page:
    """One message on its way to disk."""

    message: Outgoing
    is_over: bool = False
    fault: BaseException | None = None


class WrittenTogether:
    """Messages of many connections in one transaction: whoever comes first writes for all who came meanwhile."""

    def __init__(self, books: Engine) -> None:
        self._books = books
        self._pages: list[_Page] = []
        self._lock, self._turn = threading.Lock(), threading.Lock()

    def write(self, message: Outgoing) -> None:
        """Returns when it is on disk. Raises what kept it from there."""
        mine = _Page(message)
        with self._lock:
            self._pages.append(mine)
        with self._turn:
            while not mine.is_over:
                with self._lock:
                    pages, self._pages = self._pages[:MOST_TOGETHER], self._pages[MOST_TOGETHER:]
                self._write(pages)
        if mine.fault is not None:
            raise mine.fault

    def _write(self, pages: Sequence[_Page]) -> None:
        fault: BaseException | None = None
        try:
            self._commit([page.message for page in pages])
        except DatabaseUnavailable as away:
            fault = away
        except Exception as breaks:  # noqa: BLE001  one of them breaks it: each alone, and that one is told
            if len(pages) > 1:
                for page in pages:
                    self._write([page])
                return
            fault = breaks
        for page in pages:
            page.is_over, page.fault = True, fault

    @done_again
    def _commit(self, messages: Sequence[Outgoing]) -> None:
        with transaction(self._books) as session:
            send(session, messages, datetime.now(UTC))


class Door:
    """Listens for as long as the `with` lasts; one thread per connection."""

    def __init__(
        self,
        answers_to: Callable[[bytes], list[bytes]],
        *,
        host: str = "0.0.0.0",
        port: int = 2575,
        tls: TlsFiles | None = None,
        largest: int = LARGEST,
        stalled: float = STALLED,
        idle: float = IDLE,
    ) -> None:
        self._answers_to = answers_to
        self._tls = tls
        self._largest = largest
        self._stalled, self._idle = stalled, idle
        self._listener = socket.create_server((host, port), backlog=256, reuse_port=False)
        self._listener.settimeout(0.5)
        self._stop = threading.Event()
        self._open = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._peers: set[threading.Thread] = set()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Door:
        self._thread = threading.Thread(target=self._welcome, name="mllp", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(5)
        self._listener.close()
        for peer in list(self._peers):
            peer.join(5)

    def _welcome(self) -> None:
        while not self._stop.is_set():
            try:
                connection, address = self._listener.accept()
            except TimeoutError:
                continue
            except OSError as error:
                log.error("No further connection can be taken (%s).", type(error).__name__)
                time.sleep(0.5)
                continue
            if not self._open.acquire(blocking=False):
                log.warning("%d peers are connected; %s is turned away.", MOST_CONNECTIONS, address[0])
                connection.close()
                continue
            peer = threading.Thread(target=self._serve, args=(connection, address[0]), daemon=True)
            self._peers.add(peer)
            peer.start()

    def _serve(self, connection: socket.socket, peer: str) -> None:
        try:
            with connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                connection.settimeout(self._stalled)
                if self._tls is None:
                    self._converse(connection)
                else:
                    with self._tls.server().wrap_socket(connection, server_side=True) as secured:
                        self._converse(secured)
        except BadFrame as reason:
            log.warning("The connection from %s is closed: %s.", peer, reason)
        except BadFile as reason:
            log.error("The connection from %s is closed: %s", peer, reason)
        except (OSError, ssl.SSLError) as error:
            log.info("The connection from %s ended (%s).", peer, type(error).__name__)
        except Exception as fault:  # noqa: BLE001  one peer must not close the door for the others
            log.error("The connection from %s is closed by a fault of ours (%s).", peer, type(fault).__name__)
        finally:
            self._peers.discard(threading.current_thread())
            self._open.release()

    def _converse(self, connection: socket.socket) -> None:
        frames = Frames(self._largest)
        heard = time.monotonic()
        connection.settimeout(1.0)
        while not self._stop.is_set():
            try:
                received = connection.recv(256 * 1024)
            except TimeoutError:
                if time.monotonic() - heard > (self._stalled if frames.is_open else self._idle):
                    raise
                continue
            if not received:
                return
            heard = time.monotonic()
            for message in frames.feed(received):
                connection.settimeout(self._stalled)
                for answer in self._answers_to(message):
                    connection.sendall(framed(answer))
                connection.settimeout(1.0)
