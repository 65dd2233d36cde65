"""What an operator is told while Kafka is away: one sentence and a status, after the seconds a real connection is given to come up."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors import desk
from feedback.database import open_database, transaction
from feedback.inbox import record_arrival


@pytest.fixture(autouse=True)
def _nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMPRESARIO_KAFKA", "127.0.0.1:1")
    monkeypatch.setenv("IMPRESARIO_DATABASE", "sqlite:///here.db")


def test_a_replay_without_kafka_is_one_sentence_and_a_status(caplog: pytest.LogCaptureFixture) -> None:
    books = open_database("sqlite:///here.db")
    at = datetime(2026, 3, 1, 8, tzinfo=UTC)
    with transaction(books) as session:
        record_arrival(
            session,
            topic="radiology.reports",
            partition=0,
            offset=0,
            key=b"K",
            headers=[],
            raw=b"CANARYTEXT",
            content_type=None,
            source="old",
            at=at,
        )
    books.dispose()

    result = CliRunner().invoke(desk.app, ["replay", "--from", "2026-01-01"])

    assert result.exit_code == 3
    assert "Kafka did not publish" in caplog.text and "CANARY" not in caplog.text


def test_the_doctor_says_where_each_setting_came_from_and_prints_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "impresario.toml").write_text('group = "night-shift"\npatient_key = "CANARYKEY"\n')
    monkeypatch.setenv("IMPRESARIO_VLLM", "http://127.0.0.1:1")
    monkeypatch.setenv("IMPRESARIO_VLLM_KEY", "CANARYVLLM")

    result = CliRunner().invoke(desk.app, ["doctor", "--json"])

    answer = json.loads(result.stdout)
    came_from = {row["setting"]: row["from"] for row in answer["settings"]}
    assert result.exit_code == 3
    assert came_from["IMPRESARIO_GROUP"] == "impresario.toml"
    assert came_from["IMPRESARIO_KAFKA"] == "environment" and came_from["IMPRESARIO_SEED"] == "default"
    assert {one["what"]: one["state"] for one in answer["findings"]}["kafka"] == "away"
    assert {one["what"]: one["state"] for one in answer["findings"]}["database"] == "fine"
    assert "CANARY" not in result.stdout + result.stderr
