"""What else leaves besides drafts: a draft's withdrawal, and critical results as CloudEvents. All of it through the outbox."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session

from connectors import topics
from connectors.deliver import Form, Shown
from engine.critical import critical_results
from engine.impression import Impression, Kind
from feedback.capture import drafts_of
from feedback.outbox import Outgoing, let_go
from feedback.tables import Draft
from ingest.report import Report, Section, Status

log = logging.getLogger(__name__)

#: After these nothing drafted for the report may be shown any more.
CALLED_OFF = frozenset({Status.CANCELLED, Status.ENTERED_IN_ERROR})


def withdrawals(session: Session, report: Report, forms: Iterable[Form], reason: str) -> list[Outgoing]:
    """For every draft of this report, a message to everybody who was sent it that it is no longer to be shown."""
    drafts = reversed(drafts_of(session, report))
    ways = {form.topic: form for form in forms}.values()
    sent = {Outgoing(draft.id, form.topic, None, (), b"").id: (draft, form) for draft in drafts for form in ways}
    stored = let_go(session, sent)
    return [
        form.message(Shown(report, _told(draft), draft.created_at, withdrawn_because=reason))
        for name, (draft, form) in sent.items()
        if name in stored
    ]


def critical(report: Report, now: datetime, topic: str) -> list[Outgoing]:
    """One CloudEvent per finding somebody must be told of; the same finding of the same report is the same event for ever.

    A fault in here is logged and costs the event, not the draft.
    """
    if not report.findings.strip():
        return []
    try:
        results = critical_results(
            report.findings,
            impression=report.impression,
            communication=report.sections.get(Section.CRITICAL_COMMUNICATION, ""),
            radiologist=report.radiologist.id if report.radiologist else None,
            now=now,
        )
    except Exception as fault:  # noqa: BLE001
        line = traceback.extract_tb(fault.__traceback__)[-1].lineno
        log.error("Report %s was not checked for critical results (%s at line %d).", report.id, type(fault).__name__, line)
        return []
    return [cloud_event(topic, topics.CRITICAL, report.id, one.id, one.as_event(report_id=report.id), now) for one in results]


def cloud_event(topic: str, kind: str, subject: str, name: str, told: dict[str, object], at: datetime) -> Outgoing:
    """A CloudEvent in structured mode, keyed by its subject; `name` tells it from the subject's other events."""
    about = f"{kind}:{subject}:{name}"
    said = {
        "specversion": "1.0",
        "id": about,
        "type": kind,
        "source": "/impresario",
        "subject": subject,
        "time": at.isoformat(),
        "datacontenttype": "application/json",
        "data": told,
    }
    headers: Sequence[tuple[str, bytes]] = (
        (topics.CE_ID, about.encode()),
        (topics.CE_TYPE, kind.encode()),
        (topics.CONTENT_TYPE, topics.CLOUDEVENT.encode()),
    )
    return Outgoing(about=about, topic=topic, key=subject.encode(), headers=tuple(headers), value=json.dumps(said).encode())


def _told(draft: Draft) -> Impression:
    """As much of a stored draft as its withdrawal names; its words stay where they are."""
    return Impression(
        report_id=draft.report_id,
        draft_id=draft.id,
        kind=Kind(draft.kind),
        text="",
        coarse="",
        sentences=(),
        flags=(),
        adapter=draft.adapter,
        base_model=draft.base_model,
        prompt_version=draft.prompt_version,
        seconds=draft.seconds,
    )
