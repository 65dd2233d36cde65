"""Whose drafts a person has stopped or put in shadow: turned at the desk, read by every agent before it writes and before it shows.

A switch is one row, so pulling it is one commit; every agent sees it with its next question, and the audit chain keeps who and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlmodel import Session, col

from feedback import audit
from feedback.database import connection_of
from feedback.prepared import Prepared
from feedback.tables import Row, Switch

State = Literal["on", "shadow", "off"]
SWITCH = Row.metadata.tables[Switch.__tablename__].c
PULLED = Prepared(lambda _: select(SWITCH.subject, SWITCH.state))


def turn(session: Session, subject: str, state: State, *, by: str, why: str, at: datetime) -> bool:
    """Turns one subject's drafts on, off, or into shadow, and puts the act into the audit chain; False when it stood so already."""
    standing = session.get(Switch, subject)
    if (standing.state if standing else "on") == state:
        return False
    if state == "on":
        session.delete(standing)
    else:
        session.merge(Switch(subject=subject, state=state, changed_by=by, why=why, changed_at=at))
    audit.append(session, actor=by, act=f"drafts turned {state}", subject=subject, details={"why": why}, at=at)
    return True


def pulled(session: Session) -> Mapping[str, str]:
    """Every subject whose drafts are not simply on, and how they stand."""
    return dict(PULLED.rows(connection_of(session), {}))


def switches(session: Session) -> list[Switch]:
    """The rows behind `pulled`, in the order of their subjects."""
    return list(session.scalars(select(Switch).order_by(col(Switch.subject))))
