"""What a night learns from, and what it must not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.impression import Kind
from engine.prompts import Dictation, personalising
from feedback.preference import Change, Preference
from trainer.pairs import examples_of, pairs_of, split, teachable

MORNING = datetime(2026, 11, 21, 8, tzinfo=UTC)


def signed(
    hour: int, *, report: str | None = None, change: Change = "style", chosen: str = "1. No change.", shown: str = "No change."
) -> Preference:
    return Preference(
        id=f"preference-{hour}",
        report_id=report or f"report-{hour}",
        radiologist="r17",
        dictation=Dictation("CT head", f"No hemorrhage at {hour}."),
        coarse="No hemorrhage.",
        rejected=shown,
        chosen=chosen,
        kind=Kind.DRAFT,
        adapter=None,
        change=change,
        edit_distance=0.4,
        signed_at=MORNING + timedelta(hours=hour),
    )


def test_earlier_reports_teach_and_later_ones_judge() -> None:
    learn_from, held_out = split([signed(3), signed(1), signed(4), signed(2)], held_out=2)

    assert [one.report_id for one in learn_from] == ["report-1", "report-2"]
    assert [one.report_id for one in held_out] == ["report-3", "report-4"]


def test_a_report_signed_twice_never_stands_on_both_sides() -> None:
    learn_from, held_out = split([signed(1, report="a"), signed(2, report="b"), signed(3, report="a")], held_out=1)

    assert [one.report_id for one in learn_from] == ["b"]
    assert [one.id for one in held_out] == ["preference-3"]


def test_fewer_reports_than_a_judge_asks_for_teach_nothing() -> None:
    assert split([signed(1)], held_out=5) == ([], [signed(1)])


def test_an_empty_signature_neither_teaches_nor_judges() -> None:
    assert split([signed(1, chosen="  ")], held_out=0) == ([], [])


def test_an_edit_that_says_what_the_findings_do_not_teaches_nothing() -> None:
    invented = "1. Large subdural hematoma."

    kept = teachable(
        [
            signed(1, change="content", chosen=invented),
            signed(2, change="safety", chosen=invented),
            signed(3),
            signed(4, change="none"),
        ]
    )

    assert [one.id for one in kept] == ["preference-3", "preference-4"]


def test_an_edit_that_mended_a_wrong_draft_teaches() -> None:
    mended = signed(1, change="safety", shown="Large subdural hematoma.", chosen="1. No hemorrhage.")

    assert teachable([mended]) == [mended]


def test_a_signature_equal_to_the_draft_is_an_example_and_no_pair() -> None:
    as_shown = signed(1, change="none", chosen="No change.")

    assert [one.signed for one in examples_of([as_shown])] == ["No change."]
    assert pairs_of([as_shown]) == []


def test_the_lesson_is_asked_in_the_words_of_the_service() -> None:
    one = signed(1)

    (example,), (pair,) = examples_of([one]), pairs_of([one])

    assert example.prompt == pair.prompt == personalising(one.dictation, one.coarse)
    assert (pair.chosen, pair.rejected) == ("1. No change.", "No change.")


def test_no_report_text_is_printed_by_accident() -> None:
    assert "hemorrhage" not in repr(examples_of([signed(1)]) + pairs_of([signed(1)]))
