"""The honest twin of Kafka: the same promises, kept in memory, for tests and for looking around without a broker.

What it cannot do is survive the process. Whoever runs on it is told so.
"""

from __future__ import annotations

import itertools
import threading
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from connectors.broker import AFTER_A_GAP, BrokerAway, Event, LastWords, Message, OffsetsGone, Partition, SetBack
from connectors.restored import Again


@dataclass
class _Log:
    """One partition: its events, and the first offset still there."""

    events: list[Event] = field(default_factory=list)
    first: int = 0

    @property
    def end(self) -> int:
        return self.first + len(self.events)

    def read(self, start: int, most: int) -> list[Event]:
        return self.events[start - self.first : start - self.first + most]


@dataclass
class _Group:
    """The members of one group in the order they came, and what the group has committed."""

    members: list[MemoryFeed] = field(default_factory=list)
    committed: dict[Partition, int] = field(default_factory=dict)


class InMemoryBroker:
    """Partitions as lists. `away` makes it refuse everything, as a broker that is down."""

    def __init__(self, partitions: int = 3) -> None:
        self.away = False
        self._partitions = partitions
        self._logs: dict[Partition, _Log] = {}
        self._topics: dict[str, int] = {}
        self._groups: dict[str, _Group] = {}
        self._changed = threading.Condition(threading.RLock())
        self._turn = itertools.count()

    def prepare(self, topics: Iterable[str], partitions: int) -> None:
        with self._changed:
            self._must_answer("create topics")
            for topic in topics:
                self._create(topic, partitions)

    def topics(self) -> frozenset[str]:
        with self._changed:
            self._must_answer("list its topics")
            return frozenset(self._topics)

    def join(
        self,
        topics: Sequence[str],
        group: str,
        last_words: LastWords,
        *,
        accept_gap: bool = False,
        set_back: SetBack = lambda _: {},
    ) -> MemoryFeed:
        with self._changed:
            self._must_answer("join the group")
            for topic in topics:
                self._create(topic, self._partitions)
            feed = MemoryFeed(self, topics, self._groups.setdefault(group, _Group()), last_words, accept_gap, set_back)
            feed.group.members.append(feed)
            self._share_out(feed.group)
            return feed

    def publish(self, messages: Sequence[Message]) -> list[tuple[int, int]]:
        places = []
        with self._changed:
            self._must_answer("publish")
            for message in messages:
                count = self._create(message.topic, self._partitions)
                chosen = next(self._turn) if message.key is None else zlib.crc32(message.key)
                places.append(self._append(Partition(message.topic, chosen % count), message))
            self._changed.notify_all()
        return places

    def tail(self, topic: str, since: datetime | None, at_least: int) -> list[Event]:
        with self._changed:
            self._must_answer("read back")
            events: list[Event] = []
            for number in range(self._topics.get(topic, 0)):
                kept = self._logs[Partition(topic, number)].events
                recent = sum(1 for event in kept if since is None or event.timestamp >= since)
                events += kept[max(0, len(kept) - max(recent, at_least)) :]
            return events

    def cut(self, place: Partition, first: int) -> None:
        """Retention: forget everything before offset `first`."""
        with self._changed:
            kept = self._logs[place]
            kept.events = kept.read(first, len(kept.events))
            kept.first = first

    def close(self) -> None:
        """Nothing to let go of: the messages stay for the next member, as they would on a broker."""

    def _create(self, topic: str, partitions: int) -> int:
        if topic not in self._topics:
            self._topics[topic] = partitions
            for number in range(partitions):
                self._logs[Partition(topic, number)] = _Log()
        return self._topics[topic]

    def _append(self, place: Partition, message: Message) -> tuple[int, int]:
        kept = self._logs[place]
        offset = kept.end
        kept.events.append(Event(*place, offset, message.key, message.value, message.headers, datetime.now(UTC)))
        return place.number, offset

    def _must_answer(self, doing: str) -> None:
        if self.away:
            raise BrokerAway(f"Kafka did not {doing}: the twin is set to be away.")

    def _share_out(self, group: _Group) -> None:
        """Deal the partitions round the members, taking away before giving, as the group protocol does."""
        wanted = sorted({place for member in group.members for place in self._logs if place.topic in member.topics})
        share: dict[int, set[Partition]] = {id(member): set() for member in group.members}
        for turn, place in enumerate(wanted):
            share[id(group.members[turn % len(group.members)])].add(place)
        for member in group.members:
            member.lose(member.places - share[id(member)])
        for member in group.members:
            member.gain(share[id(member)] - member.places)


class MemoryFeed:
    """One member of a group on the twin."""

    def __init__(
        self,
        broker: InMemoryBroker,
        topics: Sequence[str],
        group: _Group,
        last_words: LastWords,
        accept_gap: bool,
        set_back: SetBack,
    ) -> None:
        self.group = group
        self.topics = frozenset(topics)
        self.places: set[Partition] = set()
        self._broker = broker
        self._last_words = last_words
        self._accept_gap = accept_gap
        self._again = Again(set_back)
        self._next: dict[Partition, int] = {}
        self._held = False

    def poll(self, seconds: float, most: int) -> list[Event]:
        until = time.monotonic() + seconds
        with self._broker._changed:
            while True:
                self._broker._must_answer("poll")
                events = [] if self._held else self._fetch(most)
                left = until - time.monotonic()
                if events or left <= 0:
                    return events
                self._broker._changed.wait(left)

    def hold(self, held: bool) -> None:
        self._held = held

    def owned(self) -> frozenset[Partition]:
        return frozenset(self.places)

    def commit(self, offsets: Mapping[Partition, int]) -> bool:
        with self._broker._changed:
            self._broker._must_answer("commit")
            ours = {place: offset for place, offset in offsets.items() if place in self.places}
            self.group.committed.update(self._again.forward(ours))
            return True

    def waiting(self) -> int:
        return sum(self._broker._logs[place].end - self._next[place] for place in self.places)

    def close(self) -> None:
        with self._broker._changed:
            self.lose(set(self.places))
            if self in self.group.members:
                self.group.members.remove(self)
            if self.group.members:
                self._broker._share_out(self.group)
            self._broker._changed.notify_all()

    def lose(self, places: set[Partition]) -> None:
        if places:
            self.group.committed.update(self._again.forward(self._last_words(sorted(places))))
            self.places -= places

    def gain(self, places: set[Partition]) -> None:
        for place in places:
            self._next[place] = self.group.committed.get(place, self._broker._logs[place].first)
        done = {place: self.group.committed[place] for place in places if place in self.group.committed}
        for place, offset in self._again.asks(done).items():
            self._next[place] = offset or self._broker._logs[place].first
        self.places |= places
        self._broker._changed.notify_all()

    def _fetch(self, most: int) -> list[Event]:
        events: list[Event] = []
        for place in sorted(self.places):
            kept, start = self._broker._logs[place], self._next[place]
            if start < kept.first:
                if self._accept_gap:
                    self._next[place] = kept.first
                    continue
                where = f"{place.topic}[{place.number}] should go on at offset {start}, but holds {kept.first} to {kept.end}"
                raise OffsetsGone(f"{where}. {AFTER_A_GAP}")
            batch = kept.read(start, most - len(events))
            self._next[place] = start + len(batch)
            events += self._again.marked(batch)
        return events
