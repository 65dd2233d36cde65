"""How drafts reach the reporting system, one form per file. A form turns a draft into one message; the outbox carries it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from engine.impression import Impression
from feedback.outbox import Outgoing
from ingest.report import Report


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
    """One way a draft goes out."""

    @property
    def topic(self) -> str:
        """Where its messages go, as the outbox names it: a Kafka topic, or a delivery of its own."""
        ...

    def message(self, shown: Shown) -> Outgoing:
        """The draft as a message, or its withdrawal when `withdrawn_because` says so. The same input gives the same bytes."""
        ...
