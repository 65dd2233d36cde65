"""Drafts of one source go where its profile says, and a withdrawal follows them there and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from connectors.agent import Day, Work, settle, store, think
from connectors.broker import Event
from connectors.deliver.fhir import FhirForm
from connectors.deliver.hl7v2 import Hl7v2Form
from connectors.twin import InMemoryBroker
from feedback.database import open_database, reading, transaction
from feedback.outbox import OUTBOX
from ingest.read import read
from tests.fakes.model import ScriptedModel, away

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
DICTATED = b"MSH|^~\\&|OURRIS|H|||2026||ORU^R01|M1|P|2.5.1\rOBR|1||A1|71260^CT chest|||2026||||||||||||||||||P\rOBX|1|TX|71260&GDT||Two nodules in the left lung.||||||P\r"


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "ours.toml").write_text('[match]\n"MSH-3" = ["OURRIS"]\n[drafts]\nto = ["ris"]\n')
    return folder


@pytest.fixture
def books(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path}/impresario.db")


def day(books: Engine, profiles: Path | None) -> Day:
    return Day(
        broker=InMemoryBroker(),
        books=books,
        model=ScriptedModel(away),
        reader=lambda raw, source, content_type: read(raw, profiles=profiles),
        promoted_for=lambda radiologist: None,
        forms=[FhirForm("radiology.impressions")],
        forms_by_name={"ris": Hl7v2Form("delivery:ris")},
    )


def happens(day: Day, raw: bytes, offset: int) -> None:
    event = Event("radiology.reports", 0, offset, None, raw, (), AT)
    (arrival,) = store([event], day)
    settle([think(Work(event, arrival, tuple(day.reader(raw, None, None))), day)], day)


def sent(books: Engine) -> list[tuple[str, str]]:
    with reading(books) as session:
        rows = session.connection().execute(select(OUTBOX.c.topic, OUTBOX.c.headers).order_by(OUTBOX.c.number)).all()
    return [(row.topic, dict(row.headers)["ce_type"].split(".")[-1]) for row in rows if not row.topic.endswith("events")]


def test_a_source_whose_profile_names_a_delivery_gets_its_drafts_there_alone(books: Engine, profiles: Path) -> None:
    happens(day(books, profiles), DICTATED, 0)

    assert sent(books) == [("delivery:ris", "drafted")]


def test_a_source_whose_profile_says_nothing_gets_them_the_usual_way(books: Engine) -> None:
    happens(day(books, None), DICTATED, 0)

    assert sent(books) == [("radiology.impressions", "drafted")]


def test_a_cancellation_from_another_source_withdraws_where_the_draft_was_sent(books: Engine, profiles: Path) -> None:
    the_day = day(books, profiles)
    happens(the_day, DICTATED, 0)

    happens(the_day, DICTATED.replace(b"OURRIS", b"OTHER").replace(b"|||P\r", b"|||X\r"), 1)

    assert sent(books) == [("delivery:ris", "drafted"), ("delivery:ris", "withdrawn")]


def test_a_draft_that_waits_for_its_next_try_does_not_hold_its_withdrawal_back(books: Engine, profiles: Path) -> None:
    the_day = day(books, profiles)
    happens(the_day, DICTATED, 0)
    with transaction(books) as session:
        session.connection().execute(update(OUTBOX).values(not_before=datetime(2099, 1, 1, tzinfo=UTC)))

    happens(the_day, DICTATED.replace(b"|||P\r", b"|||X\r"), 1)

    with reading(books) as session:
        assert session.connection().execute(select(OUTBOX.c.id).where(OUTBOX.c.not_before.is_not(None))).all() == []
