"""Which report is next: STAT before the rest, each report in the order its versions came, and nobody waits for ever.

Two lanes. The newest STAT goes first, the oldest routine report first among its own. Once a routine report has waited its bound,
one desk is kept for such reports, so that STATs neither starve them nor wait behind them.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Work = TypeVar("Work")


@dataclass(slots=True)
class _Place(Generic[Work]):
    """One piece of work in line; it may start when it is the first of all its reports."""

    work: Work
    reports: tuple[str, ...]
    is_stat: bool
    came: float
    number: int
    ahead: int = 0  #: of how many of its reports an earlier version is not done


@dataclass(slots=True)
class _Line(Generic[Work]):
    """One lane: what may start now, by whose turn it is."""

    ready: list[tuple[float, int, _Place[Work]]] = field(default_factory=list)
    in_work: int = 0
    waiting: int = 0


class Lanes(Generic[Work]):
    """A queue for many hands. `put`, `take` and `done` may be called from any thread."""

    def __init__(self, hands: int, longest_wait: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._hands = hands
        self._longest_wait = longest_wait
        self._clock = clock
        self._numbers = itertools.count()
        self._of_report: dict[str, deque[_Place[Work]]] = {}
        self._stat, self._routine = _Line[Work](), _Line[Work]()
        self._places: dict[Work, _Place[Work]] = {}
        self._turn_of_stat = False
        self._changed = threading.Condition()
        self._closed = False

    def put(self, work: Work, reports: tuple[str, ...], is_stat: bool) -> None:
        """Get in line behind earlier work on the same reports. A STAT version lifts the earlier versions it waits for."""
        with self._changed:
            place = _Place(work, tuple(dict.fromkeys(reports)), is_stat, self._clock(), next(self._numbers))
            self._line(place).waiting += 1
            for report in place.reports:
                in_line = self._of_report.setdefault(report, deque())
                place.ahead += bool(in_line)
                if is_stat:
                    self._lift(in_line)
                in_line.append(place)
            if not place.ahead:
                self._make_ready(place)

    def take(self, timeout: float) -> Work | None:
        """The next piece of work, or None when there was none in time or the lanes are closed. Ends with `done(work)`."""
        until = time.monotonic() + timeout
        with self._changed:
            while not self._closed:
                place = self._next()
                if place is not None:
                    self._line(place).waiting -= 1
                    self._line(place).in_work += 1
                    self._places[place.work] = place
                    return place.work
                left = until - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
        return None

    def done(self, work: Work) -> None:
        """Let the next version of the same reports go."""
        with self._changed:
            place = self._places.pop(work)
            self._line(place).in_work -= 1
            for report in place.reports:
                in_line = self._of_report[report]
                in_line.popleft()
                if not in_line:
                    del self._of_report[report]
                    continue
                in_line[0].ahead -= 1
                if not in_line[0].ahead:
                    self._make_ready(in_line[0])

    def close(self) -> None:
        """Hand out nothing more; what was not begun is dropped and comes again from the topic."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        return self._closed

    def waiting(self) -> dict[str, int]:
        with self._changed:
            return {"stat": self._stat.waiting, "routine": self._routine.waiting}

    def in_work(self) -> int:
        with self._changed:
            return len(self._places)

    def oldest(self) -> dict[str, float]:
        """Seconds the longest-waiting startable report of each lane has waited; 0 for an empty lane."""
        with self._changed:
            now = self._clock()
            lines = {"stat": self._stat, "routine": self._routine}
            return {name: max((now - place.came for _, _, place in line.ready), default=0.0) for name, line in lines.items()}

    def _line(self, place: _Place[Work]) -> _Line[Work]:
        return self._stat if place.is_stat else self._routine

    def _make_ready(self, place: _Place[Work]) -> None:
        order = -place.number if place.is_stat else place.number
        heapq.heappush(self._line(place).ready, (order, place.number, place))
        self._changed.notify()

    def _lift(self, in_line: deque[_Place[Work]]) -> None:
        for place in in_line:
            if place.is_stat or place.work in self._places:
                continue
            self._routine.waiting -= 1
            self._stat.waiting += 1
            if not place.ahead:
                self._routine.ready.remove((place.number, place.number, place))
                heapq.heapify(self._routine.ready)
            place.is_stat = True
            if not place.ahead:
                self._make_ready(place)

    def _next(self) -> _Place[Work] | None:
        stat, routine = self._stat, self._routine
        if not stat.ready and not routine.ready:
            return None
        overdue = bool(routine.ready) and self._clock() - routine.ready[0][2].came > self._longest_wait
        routine_first = not stat.ready or (overdue and self._routine_has_a_right(stat, routine))
        return heapq.heappop((routine if routine_first else stat).ready)[2]

    def _routine_has_a_right(self, stat: _Line[Work], routine: _Line[Work]) -> bool:
        if self._hands > 1:
            return routine.in_work == 0 and stat.in_work >= self._hands - 1
        self._turn_of_stat = not self._turn_of_stat
        return not self._turn_of_stat
