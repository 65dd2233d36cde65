"""Some 450 dictations with what a careful radiologist with the table in hand would say, written blind: no recommendation may be wrong.

`guideline_dictations.jsonl` holds one request per line and under `want`, for each guideline, what is right: `F 6-12` a follow-up in 6 to
12 months, `X` further imaging now, `?risk` a question for the risk, `-` nothing to recommend. Letters are actions, `*` is any interval,
`cat=` the category, `*` alone anything, `|` parts what is equally right.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from engine.guidance import LASTING
from engine.guidelines import Answer, recommend

ROWS = [json.loads(line) for line in Path(__file__).with_name("guideline_dictations.jsonl").read_text("utf-8").splitlines()]
ACTIONS = {
    "N": {"none"},
    "F": {"follow-up", "short-follow-up"},
    "X": {"further-imaging"},
    "B": {"biopsy"},
    "R": {"referral"},
    "U": {"urgent-communication"},
}
GUIDELINES = sorted({name for row in ROWS for name in row["want"]})


def answer_of(name: str, row: dict[str, Any]) -> Answer | None:
    known = {key: row.get(key) for key in ("age", "sex", "risk")}
    found = recommend(row["findings"], indication=row.get("indication", ""), exam=row.get("exam", ""), among=(name,), **known)
    return found[0] if found else None


def fits(wanted: str, answer: Answer | None) -> bool:
    if wanted == "*":
        return True
    if wanted == "-":
        return answer is None or (answer.action == "none" and not answer.missing)
    if answer is None:
        return False
    if wanted.startswith("?"):
        return any(name in asked.lower() for name in wanted[1:].split(",") for asked in answer.missing)
    if answer.missing:
        return False
    letters, *more = wanted.split()
    actions: set[str] = set().union(*(ACTIONS[letter] for letter in letters.strip("*")))
    months = next(((int(low), int(high)) for low, high in re.findall(r"(\d+)-(\d+)", " ".join(more[:1]))), None)
    category = next((word.removeprefix("cat=") for word in more if word.startswith("cat=")), None)
    return (
        (not actions or answer.action in actions)
        and ("*" in wanted or "N" in letters or answer.interval_months == months)
        and (category is None or category in re.split(r"[ /]", answer.category or ""))
    )


@pytest.mark.parametrize("guideline", GUIDELINES)
def test_every_dictation_gets_the_answer_of_the_table(guideline: str) -> None:
    rows = [row for row in ROWS if guideline in row["want"]]

    wrong = {
        row["id"]: (row["want"][guideline], answer)
        for row in rows
        if not any(fits(one.strip(), answer := answer_of(guideline, row)) for one in row["want"][guideline].split("|"))
    }

    assert len(rows) >= 7
    assert wrong == {}


def test_no_other_guideline_recommends_anything() -> None:
    wrong = {}
    for row in ROWS:
        others = [name for name in LASTING if name not in row["want"]]
        known = {key: row.get(key) for key in ("age", "sex", "risk")}
        answers = recommend(
            row["findings"], indication=row.get("indication", ""), exam=row.get("exam", ""), among=others, **known
        )
        if said := [answer for answer in answers if answer.action not in (None, "none")]:
            wrong[row["id"]] = said

    assert wrong == {}
