"""Messages as they arrived, before anybody read them: stored once per message, with what became of it.

The hot path: one statement per arrival and one per outcome, without the ORM (figures: bench/durable.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.sql.dml import ReturningInsert
from sqlmodel import Session

from feedback.database import connection_of, looking, note
from feedback.prepared import Prepared, among, inserting
from feedback.tables import Inbox, Row

Outcome = Literal["report", "ignored", "unreadable"]
Headers = Iterable[tuple[str, bytes]]
INBOX = Row.metadata.tables[Inbox.__tablename__]


BECOMING = Prepared(
    lambda _: (
        update(INBOX)
        .where(INBOX.c.id == bindparam("arrival"))
        .values(outcome=bindparam("became"), code=bindparam("because"), report_id=bindparam("report"), handled_at=bindparam("at"))
    )
)
#: In one order, so that two who lock the same rows do not wait for each other.
FINISHED = Prepared(
    lambda database: (
        select(INBOX.c.id, INBOX.c.outcome).where(among(INBOX.c.id, "arrivals", database)).order_by(INBOX.c.id).with_for_update()
    )
)
COORDINATES = ("topic", "partition", "offset", "sha256")
STANDING = Prepared(
    lambda _: select(INBOX.c.id, INBOX.c.outcome, INBOX.c.starts).where(
        *(INBOX.c[name] == bindparam(name) for name in COORDINATES)
    )
)


def _arriving(database: str) -> ReturningInsert[tuple[int, int]]:
    return (
        inserting(INBOX, database)
        .on_conflict_do_update(index_elements=COORDINATES, set_={"starts": INBOX.c.starts + 1}, where=INBOX.c.outcome.is_(None))
        .returning(INBOX.c.id, INBOX.c.starts)
    )


ARRIVING = Prepared(_arriving)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A stored message. `starts` says how often work on it began without an outcome: at its fourth it kills workers."""

    id: int
    is_new: bool
    outcome: Outcome | None = None
    starts: int = 1

    @property
    def is_handled(self) -> bool:
        """An outcome stands; nothing is left to do but to commit the offset."""
        return self.outcome is not None


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message as it came, for reading it again."""

    id: int
    topic: str
    partition: int
    offset: int
    key: bytes | None = field(repr=False)
    headers: tuple[tuple[str, bytes], ...] = field(repr=False)
    raw: bytes = field(repr=False)
    content_type: str | None
    source: str | None
    received_at: datetime
    outcome: Outcome | None
    code: str | None
    report_id: str | None


def record_arrival(
    session: Session,
    *,
    topic: str,
    partition: int,
    offset: int,
    key: bytes | None,
    headers: Headers,
    raw: bytes,
    content_type: str | None,
    source: str | None,
    at: datetime,
) -> Arrival:
    """Stores the message, or finds it stored; one without an outcome counts one more start, a handled one writes nothing."""
    sha256 = hashlib.sha256(raw).hexdigest()
    row = {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "sha256": sha256,
        "key": key,
        "headers": packed(headers),
        "raw": raw,
        "content_type": content_type,
        "source": source,
        "received_at": at,
        "starts": 1,
    }
    for number, starts in ARRIVING.rows(looking(session), row):
        return Arrival(number, is_new=starts == 1, starts=starts)
    ((number, outcome, starts),) = STANDING.rows(connection_of(session), {name: row[name] for name in COORDINATES})
    return Arrival(number, is_new=False, outcome=outcome, starts=starts)


def record_outcome(
    session: Session,
    arrival: Arrival | int,
    outcome: Outcome,
    *,
    at: datetime,
    code: str | None = None,
    report_id: str | None = None,
) -> None:
    """Says what became of a message; a later reading of the same message overwrites an earlier one."""
    arrival_id = arrival if isinstance(arrival, int) else arrival.id
    became = {"arrival": arrival_id, "became": outcome, "because": code, "report": report_id, "at": at}
    note(session, BECOMING, [became])


def handled_meanwhile(session: Session, arrivals: Iterable[Arrival]) -> frozenset[int]:
    """Which of these somebody finished while we thought: what we meant to write of them is late. Locks all until the end."""
    ids = sorted(arrival.id for arrival in arrivals)
    rows = FINISHED.rows(looking(session), {"arrivals": ids})
    return frozenset(number for number, outcome in rows if outcome is not None)


def message(session: Session, arrival_id: int) -> StoredMessage | None:
    """One stored message by its number."""
    row = session.get(Inbox, arrival_id)
    return None if row is None else _as_message(row)


def messages(
    session: Session,
    *,
    outcome: Outcome | None = None,
    code: str | None = None,
    report_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    topic: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> Iterator[StoredMessage]:
    """Stored messages in the order they came, those numbered above `after` first: dead letters, and what a replay reads again."""
    asked = [
        INBOX.c.outcome == outcome if outcome else None,
        INBOX.c.code == code if code else None,
        INBOX.c.report_id == report_id if report_id else None,
        INBOX.c.received_at >= since if since else None,
        INBOX.c.received_at < until if until else None,
        INBOX.c.topic == topic if topic else None,
    ]
    wanted = [INBOX.c.id > after, *(condition for condition in asked if condition is not None)]
    for row in session.scalars(select(Inbox).where(*wanted).order_by(INBOX.c.id).limit(limit)):
        yield _as_message(row)


def next_undone(session: Session, topic: str, partition: int) -> int:
    """The first offset of which we do not know what became: of a stored message without an outcome, else the one after all stored."""
    here = (INBOX.c.topic == topic) & (INBOX.c.partition == partition)
    first_open = select(func.min(INBOX.c.offset)).where(here, INBOX.c.outcome.is_(None)).scalar_subquery()
    after_all = select(func.max(INBOX.c.offset) + 1).where(here).scalar_subquery()
    return int(looking(session).execute(select(func.coalesce(first_open, after_all, 0))).scalar_one())


def count_by_outcome(session: Session) -> dict[str, int]:
    """How many messages became what; `waiting` for those without an outcome."""
    counted = looking(session).execute(select(INBOX.c.outcome, func.count()).group_by(INBOX.c.outcome))
    return {outcome or "waiting": number for outcome, number in counted}


def packed(headers: Headers) -> list[tuple[str, str]]:
    """Headers for a JSON column: Latin-1 keeps every byte."""
    return [(name, (value or b"").decode("latin-1")) for name, value in headers]


def unpacked(stored: Iterable[tuple[str, str]]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, value.encode("latin-1")) for name, value in stored)


def _as_message(row: Inbox) -> StoredMessage:
    assert row.id is not None
    return StoredMessage(
        id=row.id,
        topic=row.topic,
        partition=row.partition,
        offset=row.offset,
        key=row.key,
        headers=unpacked(row.headers),
        raw=row.raw,
        content_type=row.content_type,
        source=row.source,
        received_at=row.received_at,
        outcome=row.outcome,  # type: ignore[arg-type]  # only record_outcome writes it
        code=row.code,
        report_id=row.report_id,
    )
