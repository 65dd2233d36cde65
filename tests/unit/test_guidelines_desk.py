"""`impresario guideline`: the contract's fields, batches in order, and bad input answered with one clear sentence."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from engine.guideline_desk import app

FIELDS = {
    "guideline",
    "version",
    "category",
    "recommendation",
    "action",
    "interval_months",
    "modality",
    "missing",
    "citation",
    "findings_span",
}


def ask(*arguments: str, stdin: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["guideline", *arguments], input=stdin)
    return result.exit_code, result.stdout, result.stderr


def test_one_dictation_gives_one_document_with_the_contracts_fields() -> None:
    status, out, _ = ask("7 mm solid nodule in the left lower lobe.", "--exam", "CT chest", "--age", "60", "--json")

    (answer,) = json.loads(out)["answers"]
    assert status == 0
    assert set(answer) >= FIELDS
    assert answer["interval_months"] == [6, 12]
    assert answer["findings_span"] == [0, 40]


def test_an_answer_with_something_missing_recommends_nothing() -> None:
    _, out, _ = ask("1.5 cm left adrenal nodule.", "--exam", "CT abdomen", "--json")

    (answer,) = json.loads(out)["answers"]
    assert answer["missing"] == ["cancer history"]
    assert answer["recommendation"] is None
    assert answer["action"] is None
    assert answer["interval_months"] is None


def test_a_batch_is_answered_line_by_line_in_order(tmp_path: Path) -> None:
    batch = tmp_path / "batch.jsonl"
    questions = [
        {"id": "b", "findings": "Lungs are clear."},
        {"id": 7, "findings": "4 mm solid nodule, right lower lobe.", "exam": "CT chest", "age": 60, "risk": "high", "sex": None},
    ]
    batch.write_text("\n".join(json.dumps(question) for question in questions), encoding="utf-8")

    status, out, _ = ask("--batch", str(batch), "--json")

    answers = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert [answer["id"] for answer in answers] == ["b", 7]
    assert answers[0]["answers"] == []
    assert answers[1]["answers"][0]["interval_months"] == [12, 12]


def test_a_batch_comes_from_standard_input_too() -> None:
    status, out, _ = ask("--batch", "-", "--json", stdin='{"id": 1, "findings": "AAA 4.2 cm.", "exam": "CT abdomen"}\n')

    assert status == 0
    assert json.loads(out)["answers"][0]["interval_months"] == [12, 12]


def test_a_line_that_cannot_be_read_is_named_without_its_words_and_the_rest_is_answered(tmp_path: Path) -> None:
    batch = tmp_path / "batch.jsonl"
    batch.write_text(
        '{"id": 1, "findings": "SECRETWORD\n{"id": 2, "findings": 5}\n{"id": 3, "findings": "Lungs clear."}\n', encoding="utf-8"
    )

    status, out, err = ask("--batch", str(batch), "--json")

    answers = [json.loads(line) for line in out.splitlines()]
    assert status == 1
    assert [answer["id"] for answer in answers] == [None, 2, 3]
    assert "Line 1" in err
    assert "SECRETWORD" not in err + out


def test_wrong_usage_is_one_sentence_and_status_two(tmp_path: Path) -> None:
    assert ask()[0] == 2
    assert ask("--batch", str(tmp_path / "absent.jsonl"))[0] == 2
    assert ask("text", "--risk", "middling")[0] == 2
    assert ask("text", "--sex", "X9")[0] == 2
    assert "Traceback" not in ask("--batch", str(tmp_path))[2]


def test_people_get_sentences() -> None:
    assert "asks for: cancer history" in ask("1.5 cm left adrenal nodule.", "--exam", "CT abdomen")[1]
    assert "No guideline applies" in ask("Lungs are clear.")[1]
