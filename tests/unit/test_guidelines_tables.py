"""The tables themselves: every row can be reached, every bound holds from both sides, and what is unknown is asked for by its name."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest

from engine.guidelines import GUIDELINES
from engine.guidelines.__main__ import PAGE, page
from engine.guidelines.answer import Action
from engine.guidelines.table import Between, Fact, Row, Table, holds, load

ROWS = [(name, row) for name in GUIDELINES for row in load(name).rows]
BOUND = re.compile(r"(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)")
#: narrower than any table's smallest step
STEP = 0.01


def satisfying(condition: Any) -> Fact:
    """A value for which the condition holds."""
    if isinstance(condition, list):
        return satisfying(condition[0])
    if isinstance(condition, str) and BOUND.search(condition):
        bounds = [(op, float(number)) for op, number in BOUND.findall(condition)]
        low = max((number + (STEP if op == ">" else 0) for op, number in bounds if op.startswith(">")), default=None)
        high = min((number - (STEP if op == "<" else 0) for op, number in bounds if op.startswith("<")), default=None)
        return low if low is not None else high
    value: Fact = condition
    return value


def facts_of(table: Table, row: Row, elsewhere: float, yes: bool) -> dict[str, Fact]:
    """Facts that fit this row; numbers it does not speak of are `elsewhere`, yes-or-no facts it does not speak of are `yes`."""
    facts: dict[str, Fact] = {name: satisfying(condition) for name, condition in row.when.items()}
    for other in table.rows:
        for name, condition in other.when.items():
            if name not in facts:
                number = isinstance(condition, str) and BOUND.search(condition)
                facts[name] = yes if isinstance(condition, bool) else elsewhere if number else "-"
    return facts


@pytest.mark.parametrize(("guideline", "row"), ROWS, ids=[f"{name}/{row.id}" for name, row in ROWS])
def test_every_row_can_be_reached_and_says_what_it_says(guideline: str, row: Row) -> None:
    table = load(guideline)

    answers = [table.decide(facts_of(table, row, elsewhere, yes)) for elsewhere in (-1e6, 1e6, 20.0) for yes in (False, True)]

    (answer, *_) = [answer for answer in answers if answer is not None and answer.rule == f"{guideline}/{row.id}"]
    assert (answer.action, answer.interval_months, answer.modality) == (row.action, row.interval, row.modality)
    assert not answer.missing


@pytest.mark.parametrize(("guideline", "row"), ROWS, ids=[f"{name}/{row.id}" for name, row in ROWS])
def test_every_bound_of_every_row_holds_from_both_sides(guideline: str, row: Row) -> None:
    for condition in row.when.values():
        for one in condition if isinstance(condition, list) else [condition]:
            for op, number in BOUND.findall(one) if isinstance(one, str) else []:
                bound = float(number)
                at, inside, outside = bound, bound + (STEP if op[0] == ">" else -STEP), bound + (-STEP if op[0] == ">" else STEP)

                assert holds(f"{op}{number}", at) is ("=" in op)
                assert holds(f"{op}{number}", inside) is True
                assert holds(f"{op}{number}", outside) is False


@pytest.mark.parametrize("guideline", GUIDELINES)
def test_every_table_names_its_version_its_citation_and_two_sources(guideline: str) -> None:
    table = load(guideline)

    assert table.version
    assert re.search(r"\d{4}|v\d", table.citation + table.version)
    assert len(table.sources) >= 2 or guideline == "bi_rads"
    assert len({row.id for row in table.rows}) == len(table.rows)
    for row in table.rows:
        assert row.action is None or row.action in get_args(Action)
        if row.action in ("none", "biopsy", "referral", "urgent-communication"):
            assert row.interval is None, row.id
        if row.action in ("follow-up", "short-follow-up"):
            assert row.interval is not None, row.id
            assert (row.interval[1] <= 6) == (row.action == "short-follow-up"), row.id


def test_the_page_of_tables_is_made_from_the_tables_as_they_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m engine.guidelines`"


def test_an_unknown_input_that_changes_nothing_is_not_asked_for() -> None:
    table = load("adrenal")
    facts: dict[str, Fact] = {
        "benign": False, "size_mm": 30.0, "cancer": None, "stable": False, "changed": False, "washout_done": False,
    }  # fmt: skip

    answer = table.decide(facts)

    assert answer is not None
    assert answer.action == "further-imaging"


def test_an_unknown_input_that_changes_the_advice_is_asked_for_by_name() -> None:
    table = load("adrenal")
    facts: dict[str, Fact] = {
        "benign": False, "size_mm": 15.0, "cancer": None, "stable": False, "changed": False, "washout_done": False,
    }  # fmt: skip

    answer = table.decide(facts)

    assert answer is not None
    assert answer.missing == ("cancer history",)
    assert answer.action is None
    assert answer.recommendation is None


def test_a_range_across_a_bound_leaves_the_question_open() -> None:
    assert holds("<10", Between(0, 10, high_open=True)) is True
    assert holds("<10", Between(0, 10)) is None
    assert holds(">=6 <=8", Between(6, 8)) is True
    assert holds(">=6 <=8", Between(5, 7)) is None
    assert holds(">40", Between(10, 20)) is False


def test_when_no_row_speaks_of_the_facts_nothing_is_said() -> None:
    facts: dict[str, Fact] = {
        "benign": False, "partial": False, "count": "single", "composition": "solid", "size_mm": 7.0, "risk": "low",
        "change": "growing", "stable_months": None,
    }  # fmt: skip

    assert load("fleischner").decide(facts) is None
