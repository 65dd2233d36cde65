"""Switches in either database: one row, at once seen by others, and an act that can be proved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import select
from typer.testing import CliRunner

from feedback import audit
from feedback.database import open_database, reading, transaction
from feedback.desk import app
from feedback.switches import pulled, turn
from feedback.tables import Audit
from tests.integration.feedback_books import NOON, later


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/books.db" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def books(where: str) -> Iterator[Engine]:
    engine = open_database(where)
    yield engine
    engine.dispose()


def test_a_switch_is_seen_with_the_next_question_and_gone_when_lifted(books: Engine) -> None:
    with transaction(books) as session:
        assert turn(session, "radiologist:r1", "off", by="anna", why="wrong side", at=NOON)
    with reading(books) as session:
        assert pulled(session) == {"radiologist:r1": "off"}

    with transaction(books) as session:
        assert turn(session, "radiologist:r1", "shadow", by="anna", why="looking", at=later(5))
        assert turn(session, "site:north", "off", by="anna", why="new RIS", at=later(6))
    with reading(books) as session:
        assert pulled(session) == {"radiologist:r1": "shadow", "site:north": "off"}

    with transaction(books) as session:
        assert turn(session, "radiologist:r1", "on", by="ben", why="mended", at=later(9))
        assert turn(session, "site:north", "on", by="ben", why="mended", at=later(9))
    with reading(books) as session:
        assert pulled(session) == {}


def test_every_turn_is_an_act_in_the_audit_chain_and_no_turn_is_none(books: Engine) -> None:
    with transaction(books) as session:
        turn(session, "all", "off", by="anna", why="fire drill", at=NOON)
        assert not turn(session, "all", "off", by="ben", why="again", at=later(1))
        turn(session, "all", "on", by="ben", why="over", at=later(2))
        assert not turn(session, "all", "on", by="ben", why="over", at=later(3))

    with reading(books) as session:
        acts = [(act.actor, act.act, act.subject, act.details) for act in session.exec(select(Audit)).all()]
        assert audit.verify(session) is None
    assert acts == [
        ("anna", "drafts turned off", "all", {"why": "fire drill"}),
        ("ben", "drafts turned on", "all", {"why": "over"}),
    ]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMPRESARIO_DATABASE", f"sqlite:///{tmp_path}/desk.db")
    return CliRunner()


TURNED = ["--by", "anna", "--why", "wrong side"]


def test_at_the_desk_a_switch_is_turned_listed_and_lifted(desk: CliRunner) -> None:
    off = desk.invoke(app, ["switch", "off", "--radiologist", "1234", *TURNED, "--json"])
    listed = desk.invoke(app, ["switch", "list", "--json"])
    again = desk.invoke(app, ["switch", "off", "--radiologist", "1234", *TURNED])
    on = desk.invoke(app, ["switch", "on", "--radiologist", "1234", *TURNED])
    empty = desk.invoke(app, ["switch", "list"])

    assert off.exit_code == 0 and json.loads(off.stdout)["state"] == "off"
    row = json.loads(listed.stdout)
    assert (row["subject"], row["state"], row["by"], row["why"]) == ("radiologist:1234", "off", "anna", "wrong side")
    assert again.exit_code == 1 and "are off already" in again.stderr
    assert on.exit_code == 0
    assert "everybody's drafts are shown" in empty.stdout


@pytest.mark.parametrize("whose", [[], ["--all", "--site", "north"], ["--site", ""]])
def test_a_switch_that_names_nobody_or_two_is_refused_in_a_sentence(desk: CliRunner, whose: list[str]) -> None:
    refused = desk.invoke(app, ["switch", "off", *whose, *TURNED])

    assert refused.exit_code == 2
    assert "exactly one of --all, --site and --radiologist" in refused.stderr
