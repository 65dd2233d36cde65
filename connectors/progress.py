"""How far each partition is done: only what lies before the first unfinished event may be committed."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from connectors.broker import Event, Partition

DONE = -1


class Progress:
    """Remembers events taken and finished, in any order and from any thread; hands out the offsets that are safe to commit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[Partition, dict[int, int]] = {}  #: offset -> bytes, DONE when finished
        self._committable: dict[Partition, int] = {}

    def take(self, events: Iterable[Event]) -> None:
        """Call with every event in the order polled."""
        with self._lock:
            for event in events:
                self._taken.setdefault(event.place, {}).setdefault(event.offset, len(event.value))

    def finish(self, event: Event) -> None:
        """Everything this event causes is stored. An event of a partition that left us meanwhile is passed over."""
        with self._lock:
            of_place = self._taken.get(event.place, {})
            if event.offset not in of_place:
                return
            of_place[event.offset] = DONE
            while of_place and of_place[first := next(iter(of_place))] == DONE:
                del of_place[first]
                self._committable[event.place] = first + 1

    def committable(self) -> Mapping[Partition, int]:
        """What to commit now; empty when nothing went forward since the last answer."""
        with self._lock:
            ready, self._committable = self._committable, {}
            return ready

    def last_words(self, places: Iterable[Partition]) -> Mapping[Partition, int]:
        """What to commit for partitions that leave us, which are then forgotten."""
        with self._lock:
            for place in places:
                self._taken.pop(place, None)
            return {place: self._committable.pop(place) for place in places if place in self._committable}

    @property
    def unfinished(self) -> int:
        """How many events were taken and not yet passed by a commit."""
        with self._lock:
            return sum(map(len, self._taken.values()))

    @property
    def unfinished_bytes(self) -> int:
        with self._lock:
            return sum(size for of_place in self._taken.values() for size in of_place.values() if size != DONE)
