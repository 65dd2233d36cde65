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
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from feedback.database import is_postgresql, looking, note
from feedback.inbox import packed, unpacked
from feedback.tables import Outbox, Row
from ingest.report import REPORT_NAMESPACE

OUTBOX = Row.metadata.tables[Outbox.__tablename__]
#: Made once: building a statement costs more than running it.
PUBLISHING = (
    update(OUTBOX)
    .where(OUTBOX.c.id == bindparam("message"), OUTBOX.c.published_at.is_(None), OUTBOX.c.claimed_by == bindparam("worker"))
    .values(published_at=bindparam("at"), published_partition=bindparam("partition"), published_offset=bindparam("offset"))
)
OTHERS = (
    select(OUTBOX.c.claimed_by, func.max(OUTBOX.c.claimed_until).label("until"))
    .where(
        OUTBOX.c.published_at.is_(None),
        OUTBOX.c.claimed_by != bindparam("worker"),
        OUTBOX.c.topic.in_(bindparam("topics", expanding=True)),
    )
    .group_by(OUTBOX.c.claimed_by)
)
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
            "attempts": 0,
        }
        for message in outgoing
    ]
    if rows:
        note(session, _sending(is_postgresql(session)), rows)


@cache
def _sending(for_postgresql: bool) -> postgresql.Insert | sqlite.Insert:
    sending = postgresql.insert(OUTBOX) if for_postgresql else sqlite.insert(OUTBOX)
    return sending.on_conflict_do_nothing(index_elements=["id"])


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
        session.connection().execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": CLAIM_LOCK})
    asked: dict[str, Any] = {"worker": worker, "at": at, "limit": limit}
    asked |= {} if topics is None else {"topics": list(topics)}
    asked |= {} if dead is None else {"dead": list(dead)}
    claimed = looking(session).execute(_claimable(topics is not None, dead is None), asked).all()
    if claimed:
        holding = {"claimed_by": worker, "claimed_until": at + lease, "attempts": OUTBOX.c.attempts + 1}
        numbers = [row.number for row in claimed]
        session.connection().execute(update(OUTBOX).where(OUTBOX.c.number.in_(numbers)).values(holding))
    return [
        Waiting(row.id, row.number, row.topic, row.key, unpacked(row.headers), row.value, row.created_at, row.attempts + 1)
        for row in claimed
    ]


@cache
def _claimable(of_topics: bool, by_the_clock: bool) -> Select[Any]:
    worker: BindParameter[str] = bindparam("worker")
    at: BindParameter[datetime] = bindparam("at")
    earlier = OUTBOX.alias("earlier")

    def held(row: FromClause) -> ColumnElement[bool]:
        living = row.c.claimed_until > at if by_the_clock else row.c.claimed_by.not_in(bindparam("dead", expanding=True))
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
        free.append(OUTBOX.c.topic.in_(bindparam("topics", expanding=True)))
    return select(OUTBOX).where(*free).order_by(OUTBOX.c.number).limit(bindparam("limit"))


def claims_of_others(session: Session, worker: str, topics: Sequence[str]) -> dict[str, datetime]:
    """Who else holds something unsent of these topics, and the time up to which they said they would."""
    rows = looking(session).execute(OTHERS, {"worker": worker, "topics": list(topics)})
    return {row.claimed_by: row.until for row in rows}


def mark_published(session: Session, published: Iterable[Published], *, worker: str, at: datetime) -> int:
    """Notes what is on the topic; counts the rows still `worker`'s (fewer: another took them when its lease was over)."""
    lying = [
        {"message": one.id, "worker": worker, "at": at, "partition": one.partition, "offset": one.offset} for one in published
    ]
    return looking(session).execute(PUBLISHING, lying).rowcount if lying else 0


def release(session: Session, ids: Sequence[str], *, worker: str, not_before: datetime | None = None) -> None:
    """Gives claimed messages back: at once on a graceful stop, or until `not_before` after a failed delivery."""
    mine = update(OUTBOX).where(OUTBOX.c.id.in_(ids), OUTBOX.c.claimed_by == worker, OUTBOX.c.published_at.is_(None))
    looking(session).execute(mine.values(claimed_by=None, claimed_until=None, not_before=not_before))


def count_waiting(session: Session) -> int:
    """How many messages have not been sent."""
    return looking(session).execute(select(func.count()).where(OUTBOX.c.published_at.is_(None))).scalar_one()
