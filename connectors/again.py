"""Stored messages sent round again: dead letters after a profile was mended, a stretch of the day after a fault.

They go back onto the topic they came from, so that the agent treats them like any other; what was shown or signed already stays as
it is. Repeating what broke off, or doing it twice at once, is safe: the agent knows a report it has handled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Engine, func, select

from connectors.broker import Broker, Message
from feedback.database import reading, transaction
from feedback.inbox import INBOX, Outcome, StoredMessage, messages, record_outcome

#: On every replayed copy: the number of the stored message it repeats. A replay passes over them, or it would double them each time.
COPY_OF = "impresario-copy-of"
#: On every requeued copy: the number of the dead letter it takes the place of, for a later replay, too.
INSTEAD_OF, REQUEUED = "impresario-instead-of", "requeued"
BATCH = 200


def stored(
    books: Engine,
    *,
    outcome: Outcome | None = None,
    code: str | None = None,
    report_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    topic: str | None = None,
) -> Iterator[StoredMessage]:
    """Stored messages in the order they came, read a page at a time, up to the newest there was when it began.

    What is sent round again comes in anew, and may be chosen by the same words.
    """
    with reading(books) as session:
        newest = session.connection().execute(select(func.coalesce(func.max(INBOX.c.id), 0))).scalar_one()
    after = 0
    while after < newest:
        with reading(books) as session:
            page = list(
                messages(
                    session,
                    outcome=outcome,
                    code=code,
                    report_id=report_id,
                    since=since,
                    until=until,
                    topic=topic,
                    after=after,
                    limit=BATCH,
                )
            )
        yield from (one for one in page if one.id <= newest)
        after = page[-1].id if page else newest


def replay(broker: Broker, originals: Iterable[StoredMessage]) -> int:
    """Puts copies of these on their topic, in order; how many that were. Passed over: earlier copies, and what was requeued since."""
    sent = 0
    for batch in in_batches(one for one in originals if not is_copy(one) and one.code != REQUEUED):
        broker.publish([copy(one, COPY_OF) for one in batch])
        sent += len(batch)
    return sent


def requeue(
    books: Engine, broker: Broker, letters: Iterable[StoredMessage], *, at: datetime, source: str | None = None
) -> list[int]:
    """Puts dead letters on their topic again, read with `source` if given; their numbers. They no longer count as dead letters."""
    done: list[int] = []
    for batch in in_batches(letters):
        broker.publish([copy(one, INSTEAD_OF, source) for one in batch])
        with transaction(books) as session:
            for one in batch:
                record_outcome(session, one.id, "ignored", at=at, code=REQUEUED)
        done += [one.id for one in batch]
    return done


def copy(one: StoredMessage, mark: str, source: str | None = None) -> Message:
    replaced = {COPY_OF, INSTEAD_OF} | ({"source"} if source else set())
    headers = [(name, value) for name, value in one.headers if name.lower() not in replaced]
    if source:
        headers.append(("source", source.encode()))
    headers.append((mark, str(one.id).encode()))
    return Message(one.topic, one.key, one.raw, tuple(headers))


def is_copy(one: StoredMessage) -> bool:
    return any(name == COPY_OF for name, _ in one.headers)


def in_batches(ones: Iterable[StoredMessage]) -> Iterator[Sequence[StoredMessage]]:
    batch: list[StoredMessage] = []
    for one in ones:
        batch.append(one)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
