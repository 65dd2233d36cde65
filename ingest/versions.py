"""Is this version of a report a duplicate, a resend, a newer one, an addendum or an old one that comes late?

Whoever keeps reports asks this with two keys; this file remembers nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ingest.report import SIGNED, Report, Status


class Relation(StrEnum):
    """What an incoming version is to the one we know."""

    OTHER = "other"  #: of another dictation
    DUPLICATE = "duplicate"  #: the same message once more: acknowledge it, store nothing
    RESEND = "resend"  #: another message with the same status and text
    NEWER = "newer"  #: replaces what we know
    ADDENDUM = "addendum"  #: adds to what we know
    LATE = "late"  #: an old version, overtaken on the way


@dataclass(frozen=True, slots=True)
class VersionKey:
    """What orders versions: whose they are, how far along, when written, and a hash of what they say."""

    accessions: frozenset[str]
    group: str | None
    rank: int
    time: datetime | None
    content_hash: str
    message_id: str | None
    status: Status
    is_addendum: bool
    has_text: bool
    order_group: str | None = None

    @classmethod
    def of(cls, report: Report) -> VersionKey:
        return cls(
            frozenset(report.accessions),
            report.report_group,
            report.rank,
            report.issued,
            report.content_hash,
            report.message_id,
            report.status,
            report.is_addendum,
            bool(report.text.strip()),
            report.order_group,
        )

    def is_same_dictation(self, other: VersionKey) -> bool:
        """They share an accession, or the group their sender tied them by, or were ordered together and say the same."""
        if self.accessions & other.accessions or (self.group is not None and self.group == other.group):
            return True
        together = self.order_group is not None and self.order_group == other.order_group
        return together and self.has_text and self.content_hash == other.content_hash


def relation(known: VersionKey, incoming: VersionKey) -> Relation:
    """What `incoming` is to `known`. Versions move forward: rank first, then time; equal on both, the later arrival wins.

    A signature without text (OBX-11 `U`, MDM^T04) is newer than the text it signs; an addendum never counts as late to its own report
    unless it is older than another.
    """
    if not known.is_same_dictation(incoming):
        return Relation.OTHER
    if incoming.content_hash == known.content_hash:
        same_message = incoming.message_id is not None and incoming.message_id == known.message_id
        return Relation.DUPLICATE if same_message else Relation.RESEND
    is_older = incoming.time is not None and known.time is not None and incoming.time < known.time
    if incoming.is_addendum and incoming.status in SIGNED and known.status in SIGNED:
        return Relation.LATE if is_older and known.is_addendum else Relation.ADDENDUM
    if incoming.rank != known.rank:
        return Relation.NEWER if incoming.rank > known.rank else Relation.LATE
    return Relation.LATE if is_older else Relation.NEWER
