"""`impresario read` and `impresario profile`, as an analyst types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ingest.desk import app
from tests.unit.test_ingest_feeds import MSH, PID, hl7, obr, tx

KEYS = {
    "kind", "message_id", "message_type", "version", "accessions", "report_group", "status", "raw_status", "is_addendum", "exam", "radiologist", "assistants", "observed", "issued",
    "priority", "patient", "sections", "text", "attachments", "awaits_impression", "is_signed",
}  # fmt: skip


@pytest.fixture
def report_file(tmp_path: Path) -> Path:
    path = tmp_path / "report.hl7"
    path.write_bytes(hl7(MSH, PID, obr(status="P"), tx(1, "FINDINGS: Clear lungs.")))
    return path


def test_every_promised_field_is_in_the_json(report_file: Path) -> None:
    answer = CliRunner().invoke(app, ["read", str(report_file), "--json"])

    (line,) = answer.stdout.splitlines()
    said = json.loads(line)
    assert answer.exit_code == 0
    assert {"file", "index", "outcome", "code", "message", "report"} <= set(said)
    assert set(said["report"]) >= KEYS
    assert said["report"]["awaits_impression"] is True and said["report"]["is_signed"] is False
    assert said["report"]["sections"] == {"findings": "Clear lungs."}
    assert said["report"]["issued"] == "2026-01-02T03:04:05+00:00"


def test_standard_input_is_read_when_no_file_is_named(report_file: Path) -> None:
    answer = CliRunner().invoke(app, ["read", "--json"], input=report_file.read_bytes())

    assert json.loads(answer.stdout)["file"] == "-"


def test_an_unreadable_message_is_a_no_and_the_rest_is_read(report_file: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.hl7"
    broken.write_bytes(b"nothing of use")

    answer = CliRunner().invoke(app, ["read", str(broken), str(report_file), "--json"])

    assert answer.exit_code == 1
    assert [json.loads(line)["outcome"] for line in answer.stdout.splitlines()] == ["unreadable", "report"]


def test_without_json_no_word_of_the_report_is_printed(report_file: Path) -> None:
    answer = CliRunner().invoke(app, ["read", str(report_file)])

    assert "ACC1" in answer.stdout and "preliminary" in answer.stdout
    assert "lungs" not in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["read", "nowhere.hl7"], "check the name"), (["read", "-", "--source", "epik"], "did you mean 'epic'")],
)
def test_wrong_usage_is_one_sentence_and_status_two(arguments: list[str], sentence: str) -> None:
    answer = CliRunner().invoke(app, arguments, input=b"MSH|")

    assert answer.exit_code == 2
    assert sentence in answer.stderr and "Traceback" not in answer.stderr


def test_explain_answers_in_json_when_asked_to(report_file: Path) -> None:
    answer = CliRunner().invoke(app, ["read", str(report_file), "--explain", "--json"])

    (told,) = map(json.loads, answer.stdout.splitlines())
    assert (told["file"], told["index"]) == (str(report_file), 0)
    assert any("OBR-3" in line for line in told["explained"])


def test_explain_prints_places(report_file: Path) -> None:
    answer = CliRunner().invoke(app, ["read", str(report_file), "--explain"])

    assert answer.exit_code == 0
    assert "accession   OBR-3.1" in answer.stdout and "OBR-25" in answer.stdout


def test_a_proposed_profile_can_be_used_at_once(report_file: Path, tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["profile", str(report_file)])
    (tmp_path / "ours.toml").write_text(answer.stdout, encoding="utf-8")

    assert answer.exit_code == 0
    assert "# OBR-3.1: filled in 1" in answer.stdout
    from ingest.profiles import Profiles

    assert str(Profiles(tmp_path).named("ours").accession[0]) == "OBR-3.1"
