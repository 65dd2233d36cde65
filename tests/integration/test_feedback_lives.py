"""The life of a report, delivered in any order, any number of times, with the process dying in between: the same end every time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlmodel import col

from feedback.capture import draft_of, preferences_of, record_draft, record_signature, record_version
from feedback.database import open_database, reading, transaction
from feedback.inbox import record_arrival, record_outcome
from feedback.tables import Draft, Inbox, Outbox, PreferenceRow, ReportVersion, Signature
from ingest.report import Radiologist, Report, Section, Status
from tests.integration.feedback_books import FINDINGS, NOON, dictated, drafted, later, message_of, signed

LIVES = count(1)
#: What happens to one message: it is handled, or the process dies before the commit, or after it and before the offset.
DELIVERIES = st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["handled", "died before", "died after"])), max_size=20)


class Died(Exception):
    """The process is gone."""


@pytest.fixture(params=["sqlite", "postgresql"])
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    where = f"sqlite:///{tmp_path}/books.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_database(where)
    yield engine
    engine.dispose()


def life(accession: str, radiologist: str) -> list[Report]:
    """Seven messages about one report, in the order of their making."""
    who = Radiologist(radiologist, "principal")
    addendum = {Section.ADDENDUM: "Compared with the prior."}
    return [
        dictated(accession, "Dictating.", radiologist=who, issued=later(0)),
        dictated(accession, FINDINGS, radiologist=who, issued=later(1)),
        signed("Normal.", accession, radiologist=who, issued=later(2), status=Status.PRELIMINARY),
        signed("Normal chest.", accession, radiologist=who, issued=later(3)),
        signed("Normal chest, no nodule.", accession, radiologist=who, issued=later(4), status=Status.CORRECTED),
        signed("Normal chest; old fracture.", accession, radiologist=who, issued=later(5), status=Status.CORRECTED),
        dictated(
            accession,
            radiologist=who,
            issued=later(6),
            status=Status.APPENDED,
            is_addendum=True,
            sections=addendum,
            text="ADDENDUM: Compared with the prior.",
        ),
    ]


def deliver(books: Engine, topic: str, offset: int, report: Report, words: str, fate: str) -> str | None:
    """Handle one message as the agent does; the words shown, if any."""
    shown = None
    try:
        with transaction(books) as session:
            arrival = record_arrival(
                session,
                topic=topic,
                partition=0,
                offset=offset,
                key=None,
                headers=(),
                raw=b"raw",
                content_type=None,
                source=None,
                at=NOON,
            )
            if arrival.is_handled:
                return None
            record_version(session, report, arrival_id=arrival.id, at=NOON)
            if report.is_signed:
                record_signature(session, report, later(60))
            elif report.awaits_impression:
                stored = draft_of(session, report) or drafted(report, words)
                impression = record_draft(session, report, stored, [message_of(stored)], NOON)
                shown = impression.text if impression else None
            record_outcome(session, arrival, "report", at=NOON, report_id=report.id)
            if fate == "died before":
                raise Died
    except Died:
        return None
    return shown


def everything(books: Engine, report_id: str) -> list[object]:
    """All that is kept of one report, for comparing before and after."""
    with reading(books) as session:
        rows: list[object] = []
        for table in (ReportVersion, Draft, Signature, PreferenceRow, Inbox):
            wanted = select(table).where(col(table.report_id) == report_id)
            rows += sorted(str(sorted(row.model_dump().items())) for row in session.scalars(wanted))
        rows += sorted(row.id for row in session.scalars(select(Outbox).where(col(Outbox.key) == report_id.encode())))
        return rows


@given(deliveries=DELIVERIES, last=st.permutations(range(7)))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_of_delivery_ends_the_same(books: Engine, deliveries: Sequence[tuple[int, str]], last: Sequence[int]) -> None:
    name = f"life-{next(LIVES)}"
    messages = life(name, name)
    shown: dict[int, set[str]] = {0: set(), 1: set()}

    for turn, (number, fate) in enumerate([*deliveries, *((number, "handled") for number in last)]):
        words = deliver(books, name, number, messages[number], f"The words of turn {turn}.", fate)
        if words is not None:
            shown[number].add(words)

    settled = everything(books, messages[0].id)
    assert all(len(words) <= 1 for words in shown.values()), "two texts were shown for one dictation"
    with reading(books) as session:
        drafts = session.scalars(select(Draft).where(col(Draft.report_id) == messages[0].id)).all()
        sent = session.scalars(select(Outbox).where(col(Outbox.key) == messages[0].id.encode())).all()
        taught = preferences_of(session, name, 10)
    assert {draft.text for draft in drafts} == {words for texts in shown.values() for words in texts}
    assert len(sent) == len(drafts)
    assert [preference.chosen for preference in taught] == (["Normal chest; old fracture."] if drafts else [])

    for number in last:  # a day replayed under new offsets
        deliver(books, f"{name}-again", number, messages[number], "Words of the replay.", "handled")
    replayed = [row for row in everything(books, messages[0].id) if f"{name}-again" not in str(row)]
    assert replayed == settled
