"""`impresario check` and `facts` as somebody outside uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.check_desk import app

run = CliRunner().invoke


def test_one_pair_is_answered_as_the_contract_says() -> None:
    done = run(
        app, ["check", "--findings", "Small right pleural effusion.", "--impression", "Small left pleural effusion.", "--json"]
    )
    answer = json.loads(done.stdout)

    assert done.exit_code == 1
    assert answer["verdict"] == "review"
    assert answer["flags"][0]["class"] == "laterality"
    assert set(answer["flags"][0]) == {"class", "severity", "message", "impression_span", "findings_span"}
    assert answer["sentences"][0]["evidence"][0] == {"section": "findings", "start": 0, "end": 28}


def test_a_batch_answers_in_order_with_its_ids(tmp_path: Path) -> None:
    batch = tmp_path / "pairs.jsonl"
    rows = [{"id": name, "findings": "No pneumothorax.", "impression": "No pneumothorax.", "prior": None} for name in ("b", "a")]
    batch.write_text("\n".join(map(json.dumps, rows)) + "\n\n", encoding="utf-8")

    done = run(app, ["check", "--batch", str(batch), "--json"])

    assert done.exit_code == 0
    assert [(json.loads(line)["id"], json.loads(line)["verdict"]) for line in done.stdout.splitlines()] == [
        ("b", "clean"),
        ("a", "clean"),
    ]


def test_a_broken_line_is_named_by_number_and_not_by_its_words_and_the_rest_is_answered(tmp_path: Path) -> None:
    batch = tmp_path / "pairs.jsonl"
    lines = ['{"id": 1, "findings": "", "impression": ""}', "secret words", '{"id": 3, "findings": "No effusion."}']
    batch.write_text("\n".join([*lines, '{"id": 4, "findings": "No effusion.", "impression": "No effusion."}']), encoding="utf-8")

    done = run(app, ["check", "--batch", str(batch), "--json"])

    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(answer["id"], answer["verdict"]) for answer in answers] == [(1, "clean"), (None, None), (3, None), (4, "clean")]
    assert "Line 2" in answers[1]["error"] and "Line 3" in answers[2]["error"]
    assert done.exit_code == 1
    assert "Line 2" in done.stderr and "secret" not in done.output


def test_facts_of_a_batch_are_answered_line_by_line_too() -> None:
    done = run(app, ["facts", "--batch", "-"], input='{"id": "a", "text": "Right effusion."}\n[]\n')

    assert [len(json.loads(line)["facts"]) for line in done.stdout.splitlines()] == [1, 0]
    assert done.exit_code == 1


@pytest.mark.parametrize("wrong", [["--sex", "X9"], ["--section", "nosuch"]])
def test_what_is_no_sex_and_no_section_is_said_so(wrong: list[str]) -> None:
    command = ["check", "--findings", "a", "--impression", "b"] if wrong[0] == "--sex" else ["facts", "Right effusion."]

    done = run(app, command + wrong)

    assert done.exit_code == 2 and "Traceback" not in done.output


def test_nothing_to_check_is_a_sentence_and_status_two() -> None:
    done = run(app, ["check", "--findings", "Effusion."])

    assert done.exit_code == 2 and "--impression" in done.stderr


def test_facts_are_printed_with_the_words_they_come_from() -> None:
    done = run(app, ["facts", "6 mm nodule in the right upper lobe.", "--json"])
    fact = json.loads(done.stdout)[0]

    assert (fact["concept"], fact["side"], fact["sizes_mm"]) == ("pulmonary_nodule", "right", [[6.0]])
