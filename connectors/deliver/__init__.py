"""How drafts reach the reporting system, one way per file. A form turns a draft into one message; the outbox keeps it; Kafka takes it,
or a line says it to the system itself.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from engine.impression import Impression
from feedback.outbox import Outgoing, Waiting
from ingest.report import Report

#: The outbox's topics of systems that take drafts directly begin with this; nothing of them goes to Kafka.
PREFIX = "delivery:"


@dataclass(frozen=True, slots=True)
class Shown:
    """A draft and the report it belongs to; `drafted_at` is when it was kept, whenever it leaves."""

    report: Report
    impression: Impression
    drafted_at: datetime
    #: SHA-256 of the adapter's files; None when the base model wrote it alone.
    adapter_sha256: str | None = None
    #: The status that ended it (`cancelled`, `final` …): the draft is no longer to be shown. None while it is.
    withdrawn_because: str | None = None


class Form(Protocol):
    """What a draft looks like on its way."""

    @property
    def topic(self) -> str:
        """Where its messages go, as the outbox names it: a Kafka topic, or a delivery of its own."""
        ...

    def message(self, shown: Shown) -> Outgoing:
        """The draft as a message, or its withdrawal when `withdrawn_because` says so. The same input gives the same bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system made of a message. `why` is a few words for an operator, and none of a report."""

    #: `accepted`: it has it. `refused`: it never will. `later`: not this message, not now. `not-yet`: the same, and nothing is wrong.
    #: `away`: the system does not answer.
    word: Literal["accepted", "refused", "later", "not-yet", "away"]
    why: str = ""
    after: float | None = None  #: seconds it asks us to wait

    @property
    def is_final(self) -> bool:
        return self.word in ("accepted", "refused")


ACCEPTED = Answer("accepted")


#: Seconds after which what was not found is looked for once more before it is believed not to be there.
SURE_AFTER = 20.0
MOST_REMEMBERED = 10_000


@dataclass(slots=True)
class Absences:
    """What was looked for and not found. A search may lag behind what it searches, and a proxy may answer for a server that restarts."""

    timer: Callable[[], float] = time.monotonic
    _since: OrderedDict[str, float] = field(default_factory=OrderedDict)

    def is_sure(self, name: str) -> bool:
        """Whether it was not found before, and long enough ago. Call when it was not found."""
        now = self.timer()
        since = self._since.setdefault(name, now)
        while len(self._since) > MOST_REMEMBERED:
            self._since.popitem(last=False)
        return now - since >= SURE_AFTER


class NotThere(Exception):
    """A system that cannot be spoken to. `str()` says why in a few words."""


class Line(Protocol):
    """One way to a system. All calls but `greet` come from one thread."""

    def say(self, message: Waiting) -> Answer:
        """Say one message and wait for what is made of it. Saying it again is safe."""
        ...

    def hang_up(self) -> None: ...

    def greet(self) -> str:
        """Ask, without sending anything, whether the system is there; what it is. Raises `NotThere`."""
        ...


@runtime_checkable
class Waking(Protocol):
    """A line that knows when a message it answered `not-yet` may go."""

    def wakes(self, wake: Callable[[str], None]) -> None:
        """Have `wake` told the message's id; from any thread."""
        ...
