"""The relay: what was stored to be sent is sent, in order per key, once as far as anybody can see.

A message that may have been sent before (its sender died or was too slow, or it was here before we were) is looked for at the end of
its topic first: an unacknowledged publish is found there and not repeated. So neither a claim nor a receipt need wait for the disk: if
the power takes them, whoever starts next looks. What this cannot rule out stands in docs/delivery.md.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, update
from sqlmodel import Session

from connectors import topics
from connectors.broker import Broker, BrokerAway, Message, MessageRefused
from connectors.health import Health
from feedback.database import DatabaseUnavailable, DiskFailed, done_again, on_disk, transaction
from feedback.outbox import OUTBOX, Published, Waiting, claims_of_others, mark_published, newest, release, unpublished

log = logging.getLogger(__name__)

#: Seconds another relay waits before it takes over what we claimed; renewed while we live.
LEASE = 8.0
#: Clocks of hosts may differ by so much, and jump.
SKEW = timedelta(hours=3)
BATCH = 200


class Relay:
    """One sender. Any number may run; a message is claimed by one of them at a time."""

    def __init__(
        self,
        books: Engine,
        broker: Broker,
        *,
        our_topics: Iterable[str],
        lease: float = LEASE,
        health: Health | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        timer: Callable[[], float] = time.monotonic,
        begun: bool = True,
    ) -> None:
        self._books = books
        self._broker = broker
        self._topics = tuple(our_topics)
        self._lease = lease
        self._health = health or Health()
        self._clock = clock
        self._timer = timer
        self.name = f"relay-{uuid.uuid4()}"
        self._held: list[str] = []
        self._sent: list[Published] = []  #: and not noted yet
        self._others = Others(self.name, self._topics, lease)
        self._found: int | None = None  #: the number of the last message that was stored before our first look
        self._stored = threading.Event()
        self._begun = threading.Event()
        if begun:
            self.begin()
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Whoever made us with `begun=False` knows now what may have been sent before."""
        self._begun.set()

    def wake(self) -> None:
        """Say that something new is stored."""
        self._stored.set()

    def run(self, stop: threading.Event) -> None:
        """Send until `stop`, and then what is still there. Raises what the database or the broker raise; claims then run out.

        What was sent is noted together with the next claim, or when nothing came for a while: a report that travels alone costs one
        transaction here and not two.
        """
        while not stop.is_set():
            self._stored.wait(0.2)
            self._stored.clear()
            while self._begun.is_set() and self.send_some() == BATCH and not stop.is_set():
                pass
        while self._begun.is_set() and self.send_some():
            pass

    def run_until(self, stop: threading.Event, pause: float = 2.0) -> None:
        """As `run`, for a process that must go on while the broker is away: what it stores waits. Not on a disk that failed."""
        over = threading.Event()
        threading.Thread(target=self._keep_quietly, args=(over,), daemon=True).start()
        try:
            while not stop.is_set():
                try:
                    self.run(stop)
                except DiskFailed:
                    raise
                except (BrokerAway, DatabaseUnavailable) as away:
                    log.warning("%s What is stored waits and is sent when it is back.", away)
                    stop.wait(pause)
        finally:
            over.set()

    def _keep_quietly(self, over: threading.Event) -> None:
        while not over.wait(self._lease / 4):
            with contextlib.suppress(DatabaseUnavailable):
                self._renew()

    def send_some(self) -> int:
        """Note what was sent last, and send one batch more; how many messages that were."""
        claimed_at, claimed = self._go_on()
        if not claimed:
            return 0
        on_disk(self._books)  # what is shown stays
        try:
            published = self._already_there([one for one in claimed if one.attempts > 1 or one.number <= (self._found or 0)])
            fresh = [message for message in claimed if message.id not in published]
            while self._timer() - claimed_at > self._lease / 2:  # we were slow, or stopped: are they still ours?
                claimed_at = self._timer()
                if not self._renew():
                    return 0
            with self._health.stage("publish"):
                places = self._broker.publish([Message(one.topic, one.key, one.value, one.headers) for one in fresh])
        except (BrokerAway, MessageRefused):
            self._health.failed("publish")
            raise
        published |= {one.id: Published(one.id, *place) for one, place in zip(fresh, places, strict=True)}
        self._sent = list(published.values())
        self._health.sent(len(fresh))
        return len(claimed)

    @done_again
    def _go_on(self) -> tuple[float, list[Waiting]]:
        """Notes what is sent as sent, and claims the next; with the time of the claim."""
        with transaction(self._books, waits_for_disk=False) as session:
            mark_published(session, self._sent, worker=self.name, at=self._clock())
            if self._found is None:
                self._found = newest(session)
            claimed_at = self._timer()
            claimed = unpublished(
                session,
                limit=BATCH,
                worker=self.name,
                lease=timedelta(seconds=self._lease),
                at=self._clock(),
                topics=self._topics,
                dead=self._others.dead(session, claimed_at),
            )
        self._sent = []
        self._hold([message.id for message in claimed])
        return claimed_at, claimed

    def keep_claims(self, stop: threading.Event) -> None:
        """Renew what is claimed while a publish takes long; runs beside `run`."""
        while not stop.wait(self._lease / 4):
            self._renew()

    @done_again
    def release(self) -> None:
        """Give back what is claimed and not begun, so that nobody waits for the lease to run out. Only when `run` has ended."""
        with self._lock:
            held = list(self._held)
        if held:
            with transaction(self._books) as session:
                release(session, held, worker=self.name)

    def _hold(self, ids: list[str]) -> None:
        with self._lock:
            self._held = ids

    @done_again
    def _renew(self) -> bool:
        with self._lock:
            held = list(self._held)
        if not held:
            return True
        now = self._clock()
        mine = update(OUTBOX).where(OUTBOX.c.id.in_(held), OUTBOX.c.claimed_by == self.name, OUTBOX.c.published_at.is_(None))
        with transaction(self._books, waits_for_disk=False) as session:
            kept = session.connection().execute(mine.values(claimed_until=now + timedelta(seconds=self._lease))).rowcount
        return kept == len(held)

    def _already_there(self, doubtful: list[Waiting]) -> dict[str, Published]:
        """Which of these lie on their topic already, and where."""
        found: dict[str, Published] = {}
        for topic in {message.topic for message in doubtful}:
            wanted = {name: message.id for message in doubtful if message.topic == topic and (name := ce_id(message.headers))}
            since = min(message.created_at for message in doubtful) - SKEW
            for event in self._broker.tail(topic, since, 1000):
                name = ce_id(event.headers)
                if name in wanted:
                    found[wanted[name]] = Published(wanted[name], event.partition, event.offset)
        if doubtful:
            log.info("Of %d messages that may have been sent before, %d are on their topic.", len(doubtful), len(found))
        return found


class Others:
    """Who else claims what we could send, and since when by our own timer: wall clocks differ between hosts, and jump."""

    def __init__(self, worker: str, topics: Sequence[str], lease: float) -> None:
        self._worker = worker
        self._topics = topics
        self._lease = lease
        self._looked = float("-inf")
        self._claims: dict[str, tuple[datetime, float]] = {}  #: until when they claim, and since when they say so

    def dead(self, session: Session, now: float) -> Sequence[str]:
        """Whose claims have stood unchanged for a whole lease."""
        if now - self._looked >= self._lease / 8:
            self._looked = now
            claims = claims_of_others(session, self._worker, self._topics)
            self._claims = {
                name: (until, self._claims[name][1] if self._claims.get(name, (None,))[0] == until else now)
                for name, until in claims.items()
            }
        return [name for name, (_, since) in self._claims.items() if now - since > self._lease]


def ce_id(headers: Iterable[tuple[str, bytes]]) -> bytes:
    return next((value for name, value in headers if name == topics.CE_ID), b"")
