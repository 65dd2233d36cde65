"""A database that is older than Kafka's offsets, because a copy was restored or it is new: what it does not hold is read again.

The group's offsets stay where they are until the work is as far again, so that whoever takes over in the middle goes back as well.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlalchemy import Engine

from connectors.broker import Event, Partition, SetBack
from feedback.database import done_again, transaction
from feedback.inbox import next_undone
from feedback.outbox import doubt_all

log = logging.getLogger(__name__)


class Again:
    """What of one feed is read again, and therefore marked, and not committed."""

    def __init__(self, set_back: SetBack) -> None:
        self._set_back = set_back
        self._done: dict[Partition, int] = {}

    def asks(self, done: Mapping[Partition, int]) -> Mapping[Partition, int]:
        """Of these partitions, those to go back in, and where to."""
        back = self._set_back(done) if done else {}
        self._done |= {place: done[place] for place in back}
        return back

    def forward(self, offsets: Mapping[Partition, int]) -> Mapping[Partition, int]:
        """Without those that would take the group back."""
        return {place: offset for place, offset in offsets.items() if offset > self._done.get(place, 0)}

    def marked(self, events: Iterable[Event]) -> list[Event]:
        return [replace(event, is_again=True) if event.offset < self._done.get(event.place, 0) else event for event in events]


@done_again
def set_back(done: Mapping[Partition, int], books: Engine) -> Mapping[Partition, int]:
    """Of these partitions, those of which the database does not hold what the group has done, and the first offset it does not know.

    What such a database means to send may have been sent: it is looked for on its topic first.
    """
    with transaction(books) as session:
        undone = {place: next_undone(session, place.topic, place.number) for place in done}
        back = {place: offset for place, offset in undone.items() if offset < done[place]}
        if back:
            doubt_all(session)
    if back:
        missing = sum(done[place] - offset for place, offset in back.items())
        log.warning("The database is older than Kafka's offsets: %d messages are read again, and what was shown stays.", missing)
    return back
