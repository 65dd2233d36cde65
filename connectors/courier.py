"""Drafts to systems that take them directly: from the outbox, one after the other, tried again until the answer is final.

A delivery is a topic of the outbox that begins with `delivery:`; nothing of it goes to Kafka. Each has its courier, so none waits for
another. What is refused for good is noted and not sent again; a message the system cannot take now waits, and holds back only its own
report; a system that is away makes its courier wait. Couriers may die at any step: every way out knows a repetition.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, select, update
from sqlmodel import Session

from connectors import topics
from connectors.deliver import PREFIX, Answer, Line, Waking
from connectors.health import Health
from connectors.outbox import Others
from feedback.capture import VERSION
from feedback.database import DatabaseUnavailable, DiskFailed, done_again, on_disk, transaction
from feedback.outbox import OUTBOX, Published, Waiting, mark_published, release, unpublished
from ingest.report import RANK_BY_STATUS, Status

log = logging.getLogger(__name__)

#: How long others leave alone what a courier claimed; renewed while it speaks.
LEASE = timedelta(seconds=12)
#: Seconds until the next try of one message, by how often it was not taken since this courier began.
PAUSES = (1, 5, 15, 60, 300)
#: Seconds a courier leaves a system alone that is away, by the number of times it was found so; at most, if the system asks for more.
AWAY, AWAY_AT_MOST = (0.5, 1, 2, 5), 300
#: A message with which a system was found away so often in a row lets the next go first: it may be the message that breaks it.
SUSPICIOUS = len(AWAY)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One system by the name the settings give it, and the line to it."""

    name: str
    line: Line = field(repr=False)

    @property
    def topic(self) -> str:
        return PREFIX + self.name


class Courier:
    """Carries what the outbox holds for one delivery."""

    def __init__(
        self,
        books: Engine,
        delivery: Delivery,
        *,
        health: Health | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._books = books
        self._delivery = delivery
        self._health = health or Health()
        self._clock = clock
        self._timer = timer
        self._name = f"courier-{uuid.uuid4()}"
        self._others = Others(self._name, [delivery.topic], LEASE.total_seconds())
        self._found_away = 0
        self._rest = AWAY[0]
        self._woken: set[str] = set()
        self._tries = Counter[str]()  #: by message; a claim that ended with its courier is no try
        self._looked = float("-inf")
        self._in_hand: str | None = None
        if isinstance(delivery.line, Waking):
            delivery.line.wakes(self.wake)

    def wake(self, message: str) -> None:
        """Let a message that waits go now, or as soon as it is put to wait; with the database away, when its pause is over."""
        self._woken.add(message)
        with contextlib.suppress(DatabaseUnavailable):
            self._let_go(message)

    def _let_go(self, message: str) -> None:
        waits = update(OUTBOX).where(OUTBOX.c.id == message, OUTBOX.c.published_at.is_(None))
        with transaction(self._books) as session:
            session.connection().execute(waits.values(not_before=None))

    def run(self, stop: threading.Event) -> None:
        """Until `stop`. A database that is away, and a fault of ours, are logged and waited for; a disk that failed is not."""
        while not stop.is_set():
            try:
                if not self.carry_one():
                    stop.wait(self._rest)
            except DiskFailed:
                raise
            except DatabaseUnavailable as away:
                log.warning("%s Drafts for %s wait until it is back.", away, self._delivery.name)
                stop.wait(2)
            except Exception as fault:  # noqa: BLE001  one delivery must not stop the agent; the text may quote a draft
                log.error("The courier to %s stumbled (%s) and goes on.", self._delivery.name, type(fault).__name__)
                stop.wait(2)
        self._delivery.line.hang_up()

    def carry_one(self) -> bool:
        """Claim the oldest message that may go, say it, note the answer; whether the next may follow at once."""
        with transaction(self._books, waits_for_disk=False) as session:
            claimed_at = self._timer()
            claimed = unpublished(
                session,
                limit=1,
                worker=self._name,
                lease=LEASE,
                at=self._clock(),
                topics=[self._delivery.topic],
                dead=self._others.dead(session, claimed_at),
            )
            if not claimed:
                self._rest = AWAY[0]
                self._wake_oversleepers(session)
                return False
            message = claimed[0]
            if is_overtaken(session, message):
                log.info("Draft %s is not sent to %s: its report moved on meanwhile.", name_of(message), self._delivery.name)
                mark_published(session, [Published(message.id)], worker=self._name, at=self._clock())
                return True
        if self._timer() - claimed_at > LEASE.total_seconds() / 2:  # we were stopped: it may be another's by now
            return True
        self._woken.discard(message.id)
        self._in_hand = message.id
        on_disk(self._books)  # what is shown stays
        begun = self._timer()
        with self._health.stage("deliver", message.headers, draft=name_of(message), delivery=self._delivery.name):
            answer = self._said(message)
        self._health.answered(self._delivery.name, answer.word, self._timer() - begun)
        self._in_hand = None
        if answer.word in ("later", "not-yet"):
            self._tries[message.id] += 1
        self._note(message, answer)
        if answer.is_final:
            self._tries.pop(message.id, None)
        if message.id in self._woken:  # while it was said
            self._let_go(message.id)
        self._found_away = self._found_away + 1 if answer.word == "away" else 0
        self._rest = self._rest_after(answer)
        return answer.word != "away"

    def _rest_after(self, answer: Answer) -> float:
        return min(answer.after or AWAY[min(self._found_away, len(AWAY) - 1)], AWAY_AT_MOST)

    def _said(self, message: Waiting) -> Answer:
        """A line that fails at an answer nobody thought of holds back this report and no other; the text may quote a draft."""
        try:
            return self._delivery.line.say(message)
        except Exception as fault:  # noqa: BLE001
            line = traceback.extract_tb(fault.__traceback__)[-1].lineno
            return Answer("later", f"a fault of ours: {type(fault).__name__} at line {line}")

    def renew(self) -> None:
        """Keep what is being said: a system may take long to answer."""
        if self._in_hand is not None:
            with transaction(self._books, waits_for_disk=False) as session:
                ours = update(OUTBOX).where(OUTBOX.c.id == self._in_hand, OUTBOX.c.claimed_by == self._name)
                session.connection().execute(ours.values(claimed_until=self._clock() + LEASE))

    def _wake_oversleepers(self, session: Session) -> None:
        """What waits longer than we ever let anything wait was put to wait by a clock that has jumped since."""
        if self._timer() - self._looked < PAUSES[-1] / 4:
            return
        self._looked = self._timer()
        ours = update(OUTBOX).where(OUTBOX.c.topic == self._delivery.topic, OUTBOX.c.published_at.is_(None))
        jumped = ours.where(OUTBOX.c.not_before > self._clock() + timedelta(seconds=2 * PAUSES[-1]))
        session.connection().execute(jumped.values(not_before=None))

    @done_again
    def _note(self, message: Waiting, answer: Answer) -> None:
        where, which = self._delivery.name, name_of(message)
        with transaction(self._books) as session:
            if answer.is_final:
                mark_published(session, [Published(message.id)], worker=self._name, at=self._clock())
            else:
                again = answer.after or PAUSES[max(0, min(self._tries[message.id], len(PAUSES)) - 1)]
                pause = min(again, PAUSES[-1])
                if answer.word == "away":
                    pause = 2 * self._rest_after(answer) if self._found_away % SUSPICIOUS == SUSPICIOUS - 1 else 0
                later = self._clock() + timedelta(seconds=pause) if pause else None
                release(session, [message.id], worker=self._name, not_before=later)
        if answer.word == "refused":
            log.error("%s refused draft %s for good (%s); it is not sent again. Ask its analyst why.", where, which, answer.why)
        elif answer.word == "later":
            log.warning("%s did not take draft %s (%s); next try in %d s.", where, which, answer.why, pause)
        elif answer.word == "away" and not self._found_away:
            log.warning("%s is away: %s. Its drafts wait.", where, answer.why)


class Couriers:
    """A thread per delivery for as long as the `with` lasts."""

    def __init__(self, couriers: Mapping[str, Courier]) -> None:
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._carry, args=(courier,), name=f"courier-{name}", daemon=True)
            for name, courier in couriers.items()
        ]
        self._threads.append(threading.Thread(target=self._renew, args=(list(couriers.values()),), daemon=True))

    def _carry(self, courier: Courier) -> None:
        with contextlib.suppress(DiskFailed):  # the watchdog sees it, too, and ends the process
            courier.run(self._stop)

    def _renew(self, couriers: Sequence[Courier]) -> None:
        while not self._stop.wait(LEASE.total_seconds() / 4):
            for courier in couriers:
                with contextlib.suppress(DatabaseUnavailable):
                    courier.renew()

    def __enter__(self) -> Couriers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(5)


def is_overtaken(session: Session, message: Waiting) -> bool:
    """Whether this is a draft whose report was signed or called off since: what waited too long is not shown any more."""
    if topics.value(message.headers, topics.CE_TYPE) != topics.DRAFTED:
        return False
    report = topics.value(message.headers, topics.REPORT_ID)
    furthest = session.connection().execute(select(func.max(VERSION.rank)).where(VERSION.report_id == report)).scalar_one()
    return furthest is not None and furthest >= RANK_BY_STATUS[Status.FINAL]


def name_of(message: Waiting) -> str:
    """The id a draft has everywhere."""
    return topics.value(message.headers, topics.CE_ID) or message.id
