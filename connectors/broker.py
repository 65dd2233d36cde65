"""The broker as the rest of the room sees it: join a group, poll, commit, publish, read back.

The real side is connectors/kafka_broker.py, its twin connectors/twin.py; tests/integration/test_broker_contract.py holds both to this.
Offsets are committed by hand, after the database. An offset that is gone from the topic is an alarm, never a silent jump.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

AFTER_A_GAP = "Messages may be lost: ask the sender to resend them, then start once with --accept-gap."


class BrokerAway(Exception):
    """Kafka does not answer. `str()` says so without quoting a message; nothing was lost."""


class OffsetsGone(Exception):
    """The topic no longer holds what we were to read next (retention, truncation): a person decides."""


class MessageRefused(Exception):
    """The broker will never take this message (its size, its topic): trying again is no use."""


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Event:
    """One message as received. `timestamp` is the broker's or the producer's, whichever the topic keeps."""

    topic: str
    partition: int
    offset: int
    key: bytes | None = field(repr=False)
    value: bytes = field(repr=False)
    headers: tuple[tuple[str, bytes], ...] = field(repr=False)
    timestamp: datetime
    is_again: bool = False  #: the group had done it already; we were set back, and what it causes may have been shown

    @property
    def place(self) -> Partition:
        return Partition(self.topic, self.partition)

    def header(self, name: str) -> str | None:
        """The last header of that name as text; None when absent."""
        for key, value in reversed(self.headers):
            if key.lower() == name:
                return value.decode("utf-8", "replace")
        return None


@dataclass(frozen=True, slots=True)
class Message:
    """One message to publish."""

    topic: str
    key: bytes | None = field(repr=False)
    value: bytes = field(repr=False)
    headers: tuple[tuple[str, bytes], ...] = field(repr=False)


#: Asked when partitions are taken from us: what may still be committed for them, each the offset to read next.
LastWords = Callable[[Iterable[Partition]], Mapping[Partition, int]]
#: Told how far the group has done the partitions that came to us: where to go on instead, for those where that is further back.
SetBack = Callable[[Mapping[Partition, int]], Mapping[Partition, int]]


class Feed(Protocol):
    """One member of a consumer group. All calls come from one thread."""

    def poll(self, seconds: float, most: int) -> list[Event]:
        """The next events, in order per partition; an empty list when `seconds` passed. Raises `BrokerAway`, `OffsetsGone`."""
        ...

    def hold(self, held: bool) -> None:
        """While held, `poll` returns nothing and yet keeps the membership, for any length of time."""
        ...

    def owned(self) -> frozenset[Partition]:
        """The partitions that are ours now."""
        ...

    def commit(self, offsets: Mapping[Partition, int]) -> bool:
        """Store the offsets to read next; False when the group would not. Partitions that are not ours (any more) are left out."""
        ...

    def waiting(self) -> int:
        """How many events of our partitions are not polled yet, as far as known."""
        ...

    def close(self) -> None:
        """Leave the group at once, so that others take over without waiting for a time-out."""
        ...


class Broker(Protocol):
    """Topics that keep their messages in order per key."""

    def prepare(self, topics: Iterable[str], partitions: int) -> None:
        """Create those topics that do not exist."""
        ...

    def topics(self) -> frozenset[str]:
        """The names of the topics there are. Raises `BrokerAway`."""
        ...

    def join(
        self,
        topics: Sequence[str],
        group: str,
        last_words: LastWords,
        *,
        accept_gap: bool = False,
        set_back: SetBack = lambda _: {},
    ) -> Feed:
        """Become a member of `group`, reading from the start of what the group has not committed, or from where `set_back` says.

        With `accept_gap` a feed whose next message is gone goes on with the first there is, instead of raising `OffsetsGone`. What
        is read again for `set_back` comes with `is_again`, and commits below what the group has done already are left out.
        """
        ...

    def publish(self, messages: Sequence[Message]) -> list[tuple[int, int]]:
        """Returns when all in-sync replicas have all of them: partition and offset of each. In order per key.

        Raises `BrokerAway`, `MessageRefused`; some may lie on the topic all the same.
        """
        ...

    def tail(self, topic: str, since: datetime | None, at_least: int) -> list[Event]:
        """What stands at the end of a topic: all since a moment (none: from the start), and `at_least` so many per partition."""
        ...

    def close(self) -> None: ...
