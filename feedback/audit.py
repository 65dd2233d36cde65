"""The hash chain: acts worth proving later (a promotion, a rollback, an export), each row sealed over the one before.

Not for every draft: those are kept as rows of their own, and one chain lets one writer in at a time. A chain cut off at its end
looks whole; write `head()` down somewhere else to notice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text
from sqlmodel import Session, col

from feedback.database import is_postgresql
from feedback.tables import Audit, storable

BEFORE_THE_FIRST = "0" * 64
AUDIT_LOCK = 0x1A9_0A0D


def append(session: Session, *, actor: str, act: str, subject: str, details: Mapping[str, Any], at: datetime) -> int:
    """Adds one act and gives its number. `details` must be JSON and name no patient."""
    if is_postgresql(session):
        session.connection().execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": AUDIT_LOCK})
    number, previous = head(session)
    row = Audit(
        id=number + 1,
        at=at.astimezone(UTC),
        actor=storable(actor)[:200],
        act=act,
        subject=storable(subject)[:200],
        details=json.loads(json.dumps(dict(details))),
        previous_hash=previous,
        hash="",
    )
    row.hash = _seal(row)
    session.add(row)
    session.flush()
    return row.id


def head(session: Session) -> tuple[int, str]:
    """The last act's number and hash."""
    last = session.execute(select(col(Audit.id), col(Audit.hash)).order_by(col(Audit.id).desc()).limit(1)).first()
    return (last[0], last[1]) if last else (0, BEFORE_THE_FIRST)


def verify(session: Session) -> int | None:
    """The number of the first act that was changed, removed or put in between; None when the chain is whole."""
    previous = BEFORE_THE_FIRST
    acts = session.scalars(select(Audit).order_by(col(Audit.id)).execution_options(yield_per=500))
    for number, row in enumerate(acts, start=1):
        if row.id != number or row.previous_hash != previous or row.hash != _seal(row):
            return number
        previous = row.hash
    return None


def _seal(row: Audit) -> str:
    sealed = [row.previous_hash, row.id, row.at.isoformat(), row.actor, row.act, row.subject, row.details]
    return hashlib.sha256(json.dumps(sealed, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
