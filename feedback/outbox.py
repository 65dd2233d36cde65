"""What is to leave, written in the transaction of its cause and sent afterwards by a relay that may crash at any step.

Promises: a message is stored once whatever is repeated (its id is made of what it is about and where it goes); messages of one
lane (destination and key) are handed out in the order they were stored, to one worker at a time.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, FromClause, Select, bindparam, func, or_, select, text, update
from sqlmodel import Session

from feedback.database import connection_of, is_postgresql, looking, note
from feedback.inbox import packed, unpacked
from feedback.prepared import Prepared, among, once
from feedback.tables import Outbox, Row
from ingest.report import REPORT_NAMESPACE

OUTBOX = Row.metadata.tables[Outbox.__tablename__]
SENDING = once(OUTBOX, "id")
CLAIMING = Prepared(
    lambda database: (
        update(OUTBOX)
        .where(among(OUTBOX.c.number, "numbers", database))
        .values(claimed_by=bindparam("worker"), claimed_until=bindparam("until"), attempts=OUTBOX.c.attempts + 1)
    )
)
PUBLISHING = Prepared(
    lambda _: (
        update(OUTBOX)
        .where(OUTBOX.c.id == bindparam("message"), OUTBOX.c.published_at.is_(None), OUTBOX.c.claimed_by == bindparam("worker"))
        .values(published_at=bindparam("at"), published_partition=bindparam("partition"), published_offset=bindparam("offset"))
    )
)
STORED = Prepared(lambda database: select(OUTBOX.c.id).where(among(OUTBOX.c.id, "ids", database)))
LETTING_GO = Prepared(
    lambda database: (
        update(OUTBOX).where(among(OUTBOX.c.id, "ids", database), OUTBOX.c.not_before.is_not(None)).values(not_before=None)
    )
)
OTHERS = Prepared(
    lambda database: (
        select(OUTBOX.c.claimed_by, func.max(OUTBOX.c.claimed_until))
        .where(
            OUTBOX.c.published_at.is_(None),
            OUTBOX.c.claimed_by != bindparam("worker"),
            among(OUTBOX.c.topic, "topics", database),
        )
        .group_by(OUTBOX.c.claimed_by)
    )
)
#: The columns of `Waiting`, in its order.
AS_WAITING = ("id", "number", "topic", "key", "headers", "value", "created_at", "attempts")
#: Claims are made one after the other, so that two workers cannot split a lane between them.
CLAIM_LOCK = 0x1A9_0B0C


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to send. `about` names its cause (a draft id, an event id): same cause and same topic is the same message."""

    about: str
    topic: str
    key: bytes | None = field(repr=False)
    headers: tuple[tuple[str, bytes], ...] = field(repr=False)
    value: bytes = field(repr=False)

    @property
    def id(self) -> str:
        return str(uuid.uuid5(REPORT_NAMESPACE, f"{self.topic}\x1f{self.about}"))

    @property
    def lane(self) -> str:
        return hashlib.sha256(self.topic.encode() + b"\x1f" + (self.key or b"")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A claimed message; `attempts` counts this claim."""

    id: str
    number: int
    topic: str
    key: bytes | None = field(repr=False)
    headers: tuple[tuple[str, bytes], ...] = field(repr=False)
    value: bytes = field(repr=False)
    created_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Published:
    """Where a message came to lie."""

    id: str
    partition: int | None = None
    offset: int | None = None


def doubt(session: Session) -> None:
    """What this transaction stores to be sent may have been sent before: it is looked for on its topic first."""
    session.info["attempts"] = 1


def doubt_all(session: Session) -> None:
    """The same for everything that is not sent yet."""
    unsent = update(OUTBOX).where(OUTBOX.c.published_at.is_(None), OUTBOX.c.attempts == 0)
    looking(session).execute(unsent.values(attempts=1))


def send(session: Session, outgoing: Iterable[Outgoing], at: datetime) -> None:
    """Stores messages to be sent; those stored before stay as they are, sent or not."""
    rows = [
        {
            "id": message.id,
            "topic": message.topic,
            "key": message.key,
            "lane": message.lane,
            "headers": packed(message.headers),
            "value": message.value,
            "created_at": at,
            "attempts": session.info.get("attempts", 0),
        }
        for message in outgoing
    ]
    if rows:
        note(session, SENDING, rows)


def unpublished(
    session: Session,
    *,
    limit: int,
    worker: str,
    lease: timedelta,
    at: datetime,
    topics: Sequence[str] | None = None,
    dead: Sequence[str] | None = None,
) -> list[Waiting]:
    """Claims up to `limit` messages for `worker` until `at + lease`, oldest first.

    A worker holds what it claimed until its lease is over, or, where `dead` is given, until it is named there: whoever watches
    the others' claims by a clock that cannot jump knows better. Left out: what another worker holds, what waits for a later time,
    and everything behind either of them in the same lane. What `worker` itself still holds is handed out again.
    """
    if is_postgresql(session):
        connection_of(session).execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": CLAIM_LOCK})
    asked: dict[str, Any] = {"worker": worker, "at": at, "limit": limit}
    asked |= {} if topics is None else {"topics": list(topics)}
    asked |= {} if dead is None else {"dead": list(dead)}
    claimed = [
        Waiting(id_, number, topic, key, unpacked(headers), value, created_at, attempts + 1)
        for id_, number, topic, key, headers, value, created_at, attempts in _claimable(topics is not None, dead is None).rows(
            looking(session), asked
        )
    ]
    if claimed:
        holding = {"numbers": [one.number for one in claimed], "worker": worker, "until": at + lease}
        CLAIMING.write(connection_of(session), [holding])
    return claimed


@cache
def _claimable(of_topics: bool, by_the_clock: bool) -> Prepared:
    return Prepared(lambda database: _free(of_topics, by_the_clock, database))


def _free(of_topics: bool, by_the_clock: bool, database: str) -> Select[Any]:
    worker: BindParameter[str] = bindparam("worker")
    at: BindParameter[datetime] = bindparam("at")
    earlier = OUTBOX.alias("earlier")

    def held(row: FromClause) -> ColumnElement[bool]:
        living = row.c.claimed_until > at if by_the_clock else ~among(row.c.claimed_by, "dead", database)
        return row.c.claimed_by.is_not(None) & (row.c.claimed_by != worker) & living

    blocked = select(earlier.c.number).where(
        earlier.c.published_at.is_(None),
        earlier.c.lane == OUTBOX.c.lane,
        earlier.c.number < OUTBOX.c.number,
        or_(held(earlier), earlier.c.not_before > at),
    )
    free = [
        OUTBOX.c.published_at.is_(None),
        or_(OUTBOX.c.claimed_by.is_(None), ~held(OUTBOX)),
        or_(OUTBOX.c.not_before.is_(None), OUTBOX.c.not_before <= at),
        ~blocked.exists(),
    ]
    if of_topics:
        free.append(among(OUTBOX.c.topic, "topics", database))
    return select(*(OUTBOX.c[name] for name in AS_WAITING)).where(*free).order_by(OUTBOX.c.number).limit(bindparam("limit"))


def newest(session: Session) -> int:
    """The number of the message stored last; 0 when there is none."""
    number: int = looking(session).execute(select(func.coalesce(func.max(OUTBOX.c.number), 0))).scalar_one()
    return number


def claims_of_others(session: Session, worker: str, topics: Sequence[str]) -> dict[str, datetime]:
    """Who else holds something unsent of these topics, and the time up to which they said they would."""
    return dict(OTHERS.rows(looking(session), {"worker": worker, "topics": list(topics)}))


def mark_published(session: Session, published: Iterable[Published], *, worker: str, at: datetime) -> int:
    """Notes what is on the topic; counts the rows still `worker`'s (fewer: another took them when its lease was over)."""
    lying = [
        {"message": one.id, "worker": worker, "at": at, "partition": one.partition, "offset": one.offset} for one in published
    ]
    return PUBLISHING.write(looking(session), lying)


def release(session: Session, ids: Sequence[str], *, worker: str, not_before: datetime | None = None) -> None:
    """Gives claimed messages back: at once on a graceful stop, or until `not_before` after a failed delivery."""
    mine = update(OUTBOX).where(OUTBOX.c.id.in_(ids), OUTBOX.c.claimed_by == worker, OUTBOX.c.published_at.is_(None))
    looking(session).execute(mine.values(claimed_by=None, claimed_until=None, not_before=not_before))


def let_go(session: Session, ids: Iterable[str]) -> frozenset[str]:
    """Which of these are stored. What waits for its next try may go now: it would hold back what comes after it."""
    asked = {"ids": list(ids)}
    if not asked["ids"]:
        return frozenset()
    stored = STORED.rows(looking(session), asked)
    LETTING_GO.write(connection_of(session), [asked])
    return frozenset(name for (name,) in stored)


def count_waiting(session: Session) -> int:
    """How many messages have not been sent."""
    return looking(session).execute(select(func.count()).where(OUTBOX.c.published_at.is_(None))).scalar_one()
