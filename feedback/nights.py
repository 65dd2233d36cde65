"""What the nights decided and which adapters they made, and the figures the demo and the console print from what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import distinct, func, select
from sqlmodel import Session, col

from engine.adapters import Adapter
from feedback import audit
from feedback.inbox import count_by_outcome
from feedback.tables import AdapterRow, Draft, Night, NightResult, PreferenceRow, ReportVersion, Row, Signature

Verdict = Literal["promoted", "kept", "too_few", "failed"]
State = Literal["promoted", "kept", "previous", "frozen", "deleted"]


@dataclass(frozen=True, slots=True)
class NightOutcome:
    """What one night decided for one radiologist, and why. `edit_distance` has draft, own, other, incumbent where measured."""

    night: str
    radiologist: str
    preferences: int
    verdict: Verdict
    reason: str
    edit_distance: Mapping[str, float] = field(default_factory=dict)
    facts_changed: int | None = None
    adapter: str | None = None
    seconds: float = 0.0


def record_night(
    session: Session,
    night: str,
    outcomes: Iterable[NightOutcome],
    *,
    settings: Mapping[str, Any],
    started_at: datetime,
    at: datetime,
) -> None:
    """Stores a night and what it decided so far; may be called once per radiologist. What a night decided first, stands."""
    row = session.get(Night, night)
    if row is None:
        row = Night(date=night, started_at=started_at, settings=dict(settings))
    row.finished_at = at
    session.add(row)
    session.flush()
    for outcome in outcomes:
        if session.get(NightResult, (night, outcome.radiologist)) is not None:
            continue
        session.add(
            NightResult(
                date=night,
                radiologist=outcome.radiologist,
                preferences=outcome.preferences,
                verdict=outcome.verdict,
                reason=outcome.reason,
                edit_distance=dict(outcome.edit_distance),
                facts_changed=outcome.facts_changed,
                adapter=outcome.adapter,
                seconds=outcome.seconds,
                finished_at=at,
            )
        )
    session.flush()


def night_of(session: Session, night: str, radiologist: str) -> NightOutcome | None:
    """What that night decided for that radiologist: then there is nothing left to train."""
    row = session.get(NightResult, (night, radiologist))
    return None if row is None else _as_outcome(row)


def nights(session: Session) -> list[tuple[str, float, list[NightOutcome]]]:
    """Every night, oldest first: its date, how many seconds it took, and its outcomes."""
    told = []
    for night in session.scalars(select(Night).order_by(col(Night.started_at), col(Night.date))):
        decided = select(NightResult).where(col(NightResult.date) == night.date).order_by(col(NightResult.radiologist))
        results = session.scalars(decided)
        seconds = ((night.finished_at or night.started_at) - night.started_at).total_seconds()
        told.append((night.date, seconds, [_as_outcome(row) for row in results]))
    return told


def record_adapter(session: Session, adapter: Adapter, state: State, at: datetime) -> None:
    """Notes an adapter and where it stands; the shelf stays the registry, this is its history."""
    row = session.get(AdapterRow, (adapter.radiologist, adapter.version))
    if row is None:
        row = AdapterRow(
            radiologist=adapter.radiologist,
            version=adapter.version,
            sha256=adapter.sha256,
            base_model=adapter.base_model,
            night=adapter.night,
            state=state,
            metrics=dict(adapter.metrics),
            created_at=at,
            changed_at=at,
        )
    elif row.state != state:
        row.state, row.changed_at = state, at
    session.add(row)
    session.flush()


def record_promotion(session: Session, adapter: Adapter, at: datetime, *, actor: str = "night") -> None:
    """Notes that `adapter` is the promoted one of its radiologist; the one before becomes `previous`. In the audit chain."""
    current = col(AdapterRow.radiologist) == adapter.radiologist, col(AdapterRow.state) == "promoted"
    for row in session.scalars(select(AdapterRow).where(*current)).all():
        if row.version == adapter.version:
            return
        row.state, row.changed_at = "previous", at
        session.add(row)
    record_adapter(session, adapter, "promoted", at)
    version = {"version": adapter.version, "sha256": adapter.sha256, "base_model": adapter.base_model}
    audit.append(session, actor=actor, act="adapter promoted", subject=adapter.radiologist, details=version, at=at)


def adapters(session: Session, radiologist: str | None = None) -> list[AdapterRow]:
    """Every adapter ever noted, oldest first."""
    wanted = select(AdapterRow).order_by(col(AdapterRow.radiologist), col(AdapterRow.created_at), col(AdapterRow.version))
    if radiologist is not None:
        wanted = wanted.where(col(AdapterRow.radiologist) == radiologist)
    return list(session.scalars(wanted))


def counts(session: Session) -> dict[str, int]:
    """Reports, drafts, signed reports, preferences and dead letters: the figures of the demo's summary."""

    def count(table: type[Row], column: str | None = None) -> int:
        rows = Row.metadata.tables[str(table.__tablename__)]
        wanted = select(func.count(distinct(rows.c[column]))) if column else select(func.count()).select_from(rows)
        return session.connection().execute(wanted).scalar_one()

    return {
        "reports": count(ReportVersion, "report_id"),
        "drafts": count(Draft),
        "signed": count(Signature, "report_id"),
        "preferences": count(PreferenceRow),
        "dead_letters": count_by_outcome(session).get("unreadable", 0),
    }


def learning_curve(session: Session, radiologist: str) -> list[float]:
    """The edit distance of each signed report of a radiologist, in the order they were signed."""
    distance = select(col(PreferenceRow.edit_distance)).where(col(PreferenceRow.radiologist) == radiologist)
    return list(session.scalars(distance.order_by(col(PreferenceRow.signed_at), col(PreferenceRow.id))))


def _as_outcome(row: NightResult) -> NightOutcome:
    verdict: Verdict = row.verdict  # type: ignore[assignment]  # only record_night writes it
    return NightOutcome(
        night=row.date,
        radiologist=row.radiologist,
        preferences=row.preferences,
        verdict=verdict,
        reason=row.reason,
        edit_distance=row.edit_distance,
        facts_changed=row.facts_changed,
        adapter=row.adapter,
        seconds=row.seconds,
    )
