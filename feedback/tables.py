"""What we keep, one class per table. Rows are for the database; values for the rooms are made from them in capture.py.

Text is kept as it came. Three small column types see to it that a strange
message is not taken by one database and refused by the other.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, MetaData, String, Text, UniqueConstraint, text
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

#: SQLite counts rows only in a column it calls INTEGER.
Counter = BigInteger().with_variant(Integer, "sqlite")
LONGEST_NAME = 200
DENSE = json.JSONEncoder(separators=(",", ":"))
#: The rows that partial indexes hold, because somebody asks for just these.
WAITING, UNREADABLE, UNPUBLISHED = text("outcome IS NULL"), text("outcome = 'unreadable'"), text("published_at IS NULL")


def storable(words: str) -> str:
    """`words` without what PostgreSQL cannot keep: NUL and half surrogates."""
    if words.isascii() and "\x00" not in words:
        return words
    return words.replace("\x00", "").encode("utf-8", "replace").decode()


class Words(TypeDecorator[str]):
    """Text of any length, written by a person."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class Name(TypeDecorator[str]):
    """An id, code or name from outside; cut at 200 characters, because an index refuses much longer ones."""

    impl = String(LONGEST_NAME)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)[:LONGEST_NAME]


class Json(TypeDecorator[Any]):
    """A JSON document, kept as ASCII text so that every string survives in either database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return DENSE.encode(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Row(SQLModel):
    """Every table; prints as its key alone, because the rest may hold words of a report."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )

    def __repr_args__(self) -> Sequence[tuple[str | None, Any]]:
        return [("id", getattr(self, "id", None))]


class Inbox(Row, table=True):
    """One message as it arrived. Equal coordinates with other bytes are another message: the topic was made anew."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("topic", "partition", "offset", "sha256"),
        Index("ix_inbox_report_id", "report_id"),
        Index("ix_inbox_received_at", "received_at"),
        Index("ix_inbox_waiting", "id", sqlite_where=WAITING, postgresql_where=WAITING),
        Index("ix_inbox_unreadable", "code", "id", sqlite_where=UNREADABLE, postgresql_where=UNREADABLE),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    topic: str = Field(sa_type=Name)
    partition: int
    offset: int = Field(sa_type=BigInteger)
    sha256: str = Field(sa_type=Name)
    key: bytes | None
    headers: list[tuple[str, str]] = Field(sa_type=Json)  #: values as Latin-1, which keeps every byte
    raw: bytes
    content_type: str | None = Field(sa_type=Name)
    source: str | None = Field(sa_type=Name)
    received_at: datetime
    starts: int = 1  #: how often work on it began before an outcome stood
    outcome: str | None = Field(default=None, sa_type=Name)  #: report, ignored, unreadable; None while nobody has finished it
    code: str | None = Field(default=None, sa_type=Name)
    report_id: str | None = Field(default=None, sa_type=Name)
    handled_at: datetime | None = None


class ReportVersion(Row, table=True):
    """One version of one report, so that a late old one is known for what it is."""

    __tablename__ = "report_version"
    __table_args__ = (UniqueConstraint("report_id", "content_hash"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    report_id: str = Field(sa_type=Name)
    content_hash: str = Field(sa_type=Name)
    status: str = Field(sa_type=Name)
    rank: int
    is_addendum_only: bool
    issued: datetime | None
    impression: str = Field(sa_type=Words)  #: a final sent without its text signs this
    findings: str = Field(sa_type=Words)
    inbox_id: int | None = Field(default=None, foreign_key="inbox.id", sa_type=Counter)
    received_at: datetime


class ReportAccession(Row, table=True):
    """Which reports an accession number belongs to; the number itself is kept as its SHA-256."""

    __tablename__ = "report_accession"

    accession: str = Field(primary_key=True, sa_type=Name)
    report_id: str = Field(primary_key=True, sa_type=Name)
    report_group: str | None = Field(sa_type=Name)  #: SHA-256 too


class Draft(Row, table=True):
    """What was shown for one version of one report: exactly one row, whoever wrote it first."""

    __tablename__ = "draft"
    __table_args__ = (
        UniqueConstraint("report_id", "version"),
        Index("ix_draft_radiologist_created_at", "radiologist", "created_at"),
    )

    id: str = Field(primary_key=True, sa_type=Name)
    report_id: str = Field(sa_type=Name)
    version: str = Field(sa_type=Name)  #: `Dictation.version`
    number: int  #: 1 for the report's first draft
    radiologist: str | None = Field(sa_type=Name)
    exam: str = Field(sa_type=Words)
    findings: str = Field(sa_type=Words)
    indication: str = Field(sa_type=Words)
    comparison: str = Field(sa_type=Words)
    kind: str = Field(sa_type=Name)
    text: str = Field(sa_type=Words)
    coarse: str = Field(sa_type=Words)
    sentences: list[dict[str, Any]] = Field(sa_type=Json)
    flags: list[dict[str, Any]] = Field(sa_type=Json)
    adapter: str | None = Field(sa_type=Name)
    base_model: str = Field(sa_type=Name)
    prompt_version: str = Field(sa_type=Name)
    fell_back: str | None = Field(sa_type=Name)
    seconds: float
    created_at: datetime


class Signature(Row, table=True):
    """One signed version of one report."""

    __tablename__ = "signature"
    __table_args__ = (UniqueConstraint("report_id", "content_hash"),)

    id: str = Field(primary_key=True, sa_type=Name)
    report_id: str = Field(sa_type=Name)
    content_hash: str = Field(sa_type=Name)
    radiologist: str | None = Field(sa_type=Name)
    impression: str = Field(sa_type=Words)
    findings: str = Field(sa_type=Words)
    status: str = Field(sa_type=Name)
    rank: int
    signed_at: datetime
    received_at: datetime


class PreferenceRow(Row, table=True):
    """What one report taught: its last draft against its last signature. The texts stand there and are not repeated here."""

    __tablename__ = "preference"
    __table_args__ = (Index("ix_preference_radiologist_signed_at_id", "radiologist", "signed_at", "id"),)

    id: str = Field(primary_key=True, sa_type=Name)
    report_id: str = Field(unique=True, sa_type=Name)
    draft_id: str = Field(foreign_key="draft.id", sa_type=Name)
    signature_id: str = Field(foreign_key="signature.id", sa_type=Name)
    radiologist: str = Field(sa_type=Name)
    change: str = Field(sa_type=Name)
    edit_distance: float
    signed_at: datetime
    updated_at: datetime


class AdapterRow(Row, table=True):
    """One adapter version a night made, and where it stands."""

    __tablename__ = "adapter"

    radiologist: str = Field(primary_key=True, sa_type=Name)
    version: str = Field(primary_key=True, sa_type=Name)
    sha256: str = Field(sa_type=Name)
    base_model: str = Field(sa_type=Name)
    night: str = Field(sa_type=Name)
    state: str = Field(sa_type=Name)  #: promoted, kept, previous, frozen, deleted
    metrics: dict[str, float] = Field(sa_type=Json)
    created_at: datetime
    changed_at: datetime


class Night(Row, table=True):
    """One night of training."""

    __tablename__ = "night"

    date: str = Field(primary_key=True, sa_type=Name)
    started_at: datetime
    finished_at: datetime | None = None
    settings: dict[str, Any] = Field(sa_type=Json)


class NightResult(Row, table=True):
    """What one night decided for one radiologist."""

    __tablename__ = "night_result"

    date: str = Field(primary_key=True, foreign_key="night.date", sa_type=Name)
    radiologist: str = Field(primary_key=True, sa_type=Name)
    preferences: int
    verdict: str = Field(sa_type=Name)  #: promoted, kept, too_few, failed
    reason: str = Field(sa_type=Words)
    edit_distance: dict[str, float] = Field(sa_type=Json)
    facts_changed: int | None
    adapter: str | None = Field(sa_type=Name)
    seconds: float
    finished_at: datetime


class Outbox(Row, table=True):
    """One message on its way out. Messages of one lane (destination and key) leave in the order of their number."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_unpublished", "number", sqlite_where=UNPUBLISHED, postgresql_where=UNPUBLISHED),
        Index("ix_outbox_lane", "lane", "number", sqlite_where=UNPUBLISHED, postgresql_where=UNPUBLISHED),
    )

    number: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    id: str = Field(unique=True, sa_type=Name)
    topic: str = Field(sa_type=Name)
    key: bytes | None
    lane: str = Field(sa_type=Name)
    headers: list[tuple[str, str]] = Field(sa_type=Json)  #: values as Latin-1, which keeps every byte
    value: bytes
    created_at: datetime
    not_before: datetime | None = None  #: a delivery that failed waits until then
    claimed_by: str | None = Field(default=None, sa_type=Name)
    claimed_until: datetime | None = None
    attempts: int = 0
    published_at: datetime | None = None
    published_partition: int | None = None
    published_offset: int | None = Field(default=None, sa_type=BigInteger)


class Switch(Row, table=True):
    """One subject (`all`, `site:…`, `radiologist:…`) whose drafts are stopped or in shadow; no row means that they are shown."""

    __tablename__ = "switch"

    subject: str = Field(primary_key=True, sa_type=Name)
    state: str = Field(sa_type=Name)  #: off, shadow
    changed_by: str = Field(sa_type=Name)
    why: str = Field(sa_type=Words)
    changed_at: datetime


class Audit(Row, table=True):
    """One act worth proving; each row holds the hash of the one before."""

    __tablename__ = "audit"

    id: int = Field(primary_key=True, sa_type=Counter, sa_column_kwargs={"autoincrement": False})
    at: datetime
    actor: str = Field(sa_type=Name)
    act: str = Field(sa_type=Name)
    subject: str = Field(sa_type=Name)
    details: dict[str, Any] = Field(sa_type=Json)
    previous_hash: str = Field(sa_type=Name)
    hash: str = Field(sa_type=Name)
