"""The command as somebody outside meets it: a process, its two streams and its exit status, held against docs/interface.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.test_ingest_feeds import MSH, PID, hl7, obr, tx

HOUSE = Path(__file__).parents[2]
PAIR = ("--findings", "Small right pleural effusion.", "--impression", "Small left pleural effusion.")
#: Words of a report that no message of ours may repeat.
CANARY = "Quillfeather"


def impresario(*said: str | Path, typed: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run one command as a shell would, away from any settings file."""
    command = [sys.executable, "-c", "import impresario; impresario.main()", *map(str, said)]
    surroundings = {**os.environ, "PYTHONPATH": str(HOUSE), "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run(
        command, input=typed, capture_output=True, env=surroundings, cwd=HOUSE / "tests", timeout=120, check=False
    )


def told(done: subprocess.CompletedProcess[bytes]) -> str:
    """The one sentence on stderr; never a stack trace, never a word of the report."""
    said = done.stderr.decode()
    assert said.strip() and "Traceback" not in said and CANARY not in said
    return said


def test_a_pair_by_hand_is_answered_with_every_key_of_a_batch() -> None:
    done = impresario("check", *PAIR, "--json")

    answer = json.loads(done.stdout)
    assert done.returncode == 1
    assert set(answer) >= {"id", "verdict", "sentences", "flags"}


@pytest.mark.parametrize(
    "line", [b"{}", b'{"id": 1, "impression": "No effusion."}', b'{"id": 1, "findings": null, "impression": "No effusion."}']
)
def test_a_line_without_findings_is_never_called_clean(line: bytes) -> None:
    done = impresario("check", "--batch", "-", "--json", typed=line)

    answer = json.loads(done.stdout)
    assert done.returncode == 1
    assert answer["verdict"] is None and "Line 1" in answer["error"]
    assert "Line 1" in told(done)


def test_a_guideline_is_not_asked_with_an_age_or_a_risk_that_is_none() -> None:
    wrong = ({"age": -4}, {"age": "sixty"}, {"risk": "medium"})
    lines = [json.dumps({"id": 3, "findings": "AAA 4.2 cm.", **more}) for more in wrong]

    done = impresario("guideline", "--batch", "-", "--json", typed="\n".join(lines).encode())

    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1 and len(answers) == 3
    assert all((answer["id"], answer["answers"]) == (3, []) and "age" in answer["error"] for answer in answers)


@pytest.mark.parametrize("command", [("read", "-"), ("switch", "list"), ("dead-letters", "list")])
def test_every_command_names_the_setting_that_is_wrong(command: tuple[str, ...]) -> None:
    assert "IMPRESARIO_WORKERS" in told(wrong := impresario(*command, IMPRESARIO_WORKERS="zero"))
    assert "zero" not in told(wrong) and wrong.returncode == 2


def test_a_draft_of_the_first_of_two_reports_says_that_there_is_another() -> None:
    message = hl7(MSH, PID, obr(status="P"), tx(1, "FINDINGS: Small right pleural effusion."))

    done = impresario("draft", "-", "--json", typed=message + message, IMPRESARIO_VLLM="http://127.0.0.1:9")

    assert "more than one report" in told(done)
    assert done.returncode == 0 and "effusion" in json.loads(done.stdout)["text"]


@pytest.mark.parametrize(("name", "value"), [("IMPRESARIO_DELIVERIES", "fhir"), ("IMPRESARIO_DELIVER", '["fhir"')])
def test_a_list_or_table_among_the_settings_that_is_none_is_named(name: str, value: str) -> None:
    settings: dict[str, Any] = {name: value}
    done = impresario("adapters", "list", **settings)

    assert name in told(done) and done.returncode == 2


@pytest.mark.parametrize("command", [("facts", "-"), ("guideline", "--batch", "-")])
def test_what_is_not_utf8_is_said_in_one_sentence(command: tuple[str, ...]) -> None:
    done = impresario(*command, typed=b"\xff" + CANARY.encode())

    assert "UTF-8" in told(done) and done.returncode == 2


@pytest.mark.parametrize("command", [("read", "-"), ("draft", "-"), ("profile", "-")])
def test_a_profile_nobody_knows_is_said_in_one_sentence(command: tuple[str, ...]) -> None:
    done = impresario(*command, typed=b"MSH|", IMPRESARIO_SOURCE="nosuch", IMPRESARIO_PROFILES="nowhere")

    assert "profiles at nowhere" in told(done) and done.returncode == 2


@pytest.mark.parametrize("command", [("read", "--explain", "-"), ("profile", "-"), ("draft", "-")])
def test_rubbish_is_answered_no_and_why(command: tuple[str, ...]) -> None:
    done = impresario(*command, typed=bytes(range(256)))

    assert told(done) and done.returncode == 1


def test_a_terminal_of_another_alphabet_changes_nothing() -> None:
    done = impresario("check", *PAIR, LC_ALL="C", PYTHONIOENCODING="latin-1")

    assert done.returncode == 1
    assert "“Small left pleural effusion”" in done.stdout.decode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
def test_a_full_disk_under_the_answer_is_a_sentence() -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-c", "import impresario; impresario.main()", "facts", "No fracture.", "--json"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, cwd=HOUSE, timeout=120, check=False)

    assert b"No space left" in done.stderr and b"Traceback" not in done.stderr
    assert done.returncode == 3
