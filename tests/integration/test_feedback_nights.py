"""What nights decided is kept once, and the commands show what was taught without showing whom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from engine.adapters import Adapter
from feedback import audit
from feedback.capture import record_draft, record_signature, record_version
from feedback.database import open_database, reading, transaction
from feedback.desk import app
from feedback.nights import NightOutcome, adapters, night_of, nights, record_adapter, record_night, record_promotion
from tests.integration.feedback_books import NOON, dictated, drafted, later, signed


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/books.db" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def books(where: str) -> Iterator[Engine]:
    engine = open_database(where)
    yield engine
    engine.dispose()


def adapter(version: str) -> Adapter:
    return Adapter("r1", version, Path("shelf") / version, "ab" * 32, "tiny", "2026-03-02", {"own": 0.2})


def decided(radiologist: str, reason: str = "0.21 against 0.48") -> NightOutcome:
    return NightOutcome(
        "2026-03-02", radiologist, 60, "promoted", reason, {"draft": 0.48, "own": 0.21}, 0, "2026-03-02-abc", 12.5
    )


def test_a_night_is_remembered_per_radiologist_and_decided_once(books: Engine) -> None:
    with transaction(books) as session:
        record_night(session, "2026-03-02", [decided("r1")], settings={"seed": 7}, started_at=NOON, at=later(1))
        record_night(
            session, "2026-03-02", [decided("r1", "otherwise"), decided("r2")], settings={}, started_at=NOON, at=later(2)
        )

    with reading(books) as session:
        assert night_of(session, "2026-03-02", "r1") == decided("r1")
        assert night_of(session, "2026-03-03", "r1") is None
        assert nights(session) == [("2026-03-02", 120.0, [decided("r1"), decided("r2")])]


def test_of_a_radiologists_adapters_one_is_promoted_and_the_chain_proves_it(books: Engine) -> None:
    with transaction(books) as session:
        record_adapter(session, adapter("one"), "kept", NOON)
        for version in ("one", "two", "two"):
            record_promotion(session, adapter(version), later(1))

    with reading(books) as session:
        assert [(row.version, row.state) for row in adapters(session, "r1")] == [("one", "previous"), ("two", "promoted")]
        assert audit.head(session)[0] == 2
        assert audit.verify(session) is None


def taught(engine: Engine) -> None:
    with transaction(engine) as session:
        record_draft(session, dictated(), drafted(dictated()), [], NOON)
        final = signed("Normal chest. Discussed with Dr. Quimbly.")
        record_version(session, final, arrival_id=None, at=NOON)
        record_signature(session, final, later(20))


def test_the_list_shows_how_much_was_changed_and_no_word_of_a_report(
    where: str, books: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught(books)
    monkeypatch.setenv("IMPRESARIO_DATABASE", where)

    answer = CliRunner().invoke(app, ["preferences", "list", "--json"])

    assert answer.exit_code == 0
    (row,) = [json.loads(line) for line in answer.stdout.splitlines()]
    assert (row["report_id"], row["radiologist"], row["kind"]) == (dictated().id, "r1", "draft")
    assert 0 < row["edit_distance"] <= 1
    assert "chest" not in answer.stdout


def test_the_export_is_fit_for_training_and_leaves_a_trace(where: str, books: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    taught(books)
    monkeypatch.setenv("IMPRESARIO_DATABASE", where)

    answer = CliRunner().invoke(app, ["preferences", "export", "--json"])

    (row,) = [json.loads(line) for line in answer.stdout.splitlines()]
    assert row["chosen"] == "Normal chest. Discussed with the physician."
    assert row["rejected"] == "No acute disease."
    with reading(books) as session:
        assert audit.head(session)[0] == 1


@pytest.mark.parametrize(("url", "status"), [("mysql://host/name", 2), ("postgresql://127.0.0.1:1/x?connect_timeout=2", 3)])
def test_a_database_that_is_not_there_is_one_line_and_a_status(url: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPRESARIO_DATABASE", url)

    answer = CliRunner().invoke(app, ["preferences", "list"])

    assert answer.exit_code == status
    assert len(answer.stderr.splitlines()) == 1
