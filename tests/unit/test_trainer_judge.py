"""The gate: better on later reports, and no less safe."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from engine.impression import Kind
from engine.prompts import Dictation
from feedback.preference import Preference
from trainer.judge import Gate, Trial, judge, try_out

FAIR = Trial(edit_distance=0.5, facts=0.95, facts_changed=False, fell_back=False, tokens=20, signed_tokens=20, signed_facts=0.95)


def trials(distance: float, reports: int = 40, *, unlike: float = 0.1, **other: float | bool) -> list[Trial]:
    """Reports differ: edit distances lie around `distance`."""
    return [replace(FAIR, edit_distance=distance + unlike * (at % 5 - 2) / 2, **other) for at in range(reports)]  # type: ignore[arg-type]


def with_some(count: int, own: list[Trial], **changed: float | bool) -> list[Trial]:
    return [replace(one, **changed) if at < count else one for at, one in enumerate(own)]  # type: ignore[arg-type]


def test_a_candidate_that_saves_half_the_edits_and_keeps_the_facts_is_promoted() -> None:
    verdict = judge(trials(0.25), None, trials(0.5), trials(0.6), gate=Gate())

    assert verdict.better
    assert verdict.edit_distance == pytest.approx({"own": 0.25, "draft": 0.5, "other": 0.6, "incumbent": None})
    assert verdict.facts_changed == 0
    assert "0.25" in verdict.reason
    assert "0.50" in verdict.reason


def test_a_candidate_no_better_than_the_draft_is_kept() -> None:
    assert judge(trials(0.5), None, trials(0.5), None, gate=Gate()).verdict == "kept"


def test_a_candidate_better_than_the_draft_and_no_better_than_the_present_adapter_is_kept() -> None:
    verdict = judge(trials(0.25), trials(0.25), trials(0.5), None, gate=Gate())

    assert verdict.verdict == "kept"
    assert "present adapter" in verdict.reason


def test_one_changed_fact_among_forty_reports_is_one_too_many_for_a_hospital() -> None:
    own = with_some(1, trials(0.1), facts_changed=True)

    verdict = judge(own, None, trials(0.5), None, gate=Gate())

    assert verdict.verdict == "kept"
    assert verdict.facts_changed == 1
    assert "changes facts in 1 of 40" in verdict.reason


def test_a_fact_the_bare_draft_changes_too_is_not_held_against_the_adapter() -> None:
    own, draft = with_some(1, trials(0.1), facts_changed=True), with_some(1, trials(0.5), facts_changed=True)

    assert judge(own, None, draft, None, gate=Gate()).better


def test_losing_facts_outweighs_any_gain_in_style() -> None:
    verdict = judge(with_some(10, trials(0.05), facts=0.5), None, trials(0.5), None, gate=Gate())

    assert verdict.verdict == "kept"
    assert "fact score" in verdict.reason


def test_a_terse_radiologist_who_signs_fewer_facts_than_the_draft_says_may_have_a_terse_adapter() -> None:
    own, draft = trials(0.1, facts=0.7, signed_facts=0.7), trials(0.5, facts=0.95, signed_facts=0.7)

    assert judge(own, None, draft, None, gate=Gate()).better


def test_an_adapter_the_checker_often_refuses_is_kept() -> None:
    verdict = judge(with_some(12, trials(0.1), fell_back=True), None, trials(0.5), None, gate=Gate())

    assert verdict.verdict == "kept"
    assert "30%" in verdict.reason


@pytest.mark.parametrize("tokens", [15, 26])
def test_an_adapter_that_writes_too_little_or_too_much_is_kept(tokens: int) -> None:
    assert "signed length" in judge(trials(0.1, tokens=tokens), None, trials(0.5), None, gate=Gate()).reason


def test_thirty_nine_later_reports_are_too_few_for_a_hospital_and_enough_for_a_rehearsal() -> None:
    own, draft = trials(0.25, 39), trials(0.5, 39)

    assert judge(own, None, draft, None, gate=Gate()).verdict == "too_few"
    assert judge(own, None, draft, None, gate=Gate.rehearsal()).better


def test_chance_is_not_promoted_more_often_than_alpha_says() -> None:
    """No adapter is better here: the two writers draw from the same distribution, night after night."""
    import numpy as np

    chance = np.random.default_rng(1)

    def nobody() -> list[Trial]:
        return [replace(FAIR, edit_distance=float(d)) for d in chance.uniform(0.1, 0.9, 40)]

    gate = Gate(gain=0.0)
    hospitals = 40
    fooled = sum(
        any(judge(nobody(), None, nobody(), None, gate=gate, attempt=n).better for n in range(1, 9)) for _ in range(hospitals)
    )

    assert fooled <= 0.15 * hospitals  # alpha is 0.05 over all nights; without spending, eight nights would fool a third


def test_alpha_is_spent_and_never_more_than_there_is() -> None:
    gate = Gate()

    assert sum(gate.alpha_tonight(night) for night in range(1, 10_000)) <= gate.alpha
    assert gate.alpha_tonight(1) > gate.alpha_tonight(2) > gate.alpha_tonight(3)


def test_the_same_trials_get_the_same_verdict() -> None:
    assert judge(trials(0.25), None, trials(0.5), None, gate=Gate()) == judge(trials(0.25), None, trials(0.5), None, gate=Gate())


SIGNED = Preference(
    id="p",
    report_id="r",
    radiologist="r17",
    dictation=Dictation("CR chest", "There is a small left pleural effusion. No pneumothorax."),
    coarse="There is a small left pleural effusion.",
    rejected="There is a small left pleural effusion.",
    chosen="1. Small left pleural effusion.",
    kind=Kind.DRAFT,
    adapter=None,
    change="style",
    edit_distance=0.5,
    signed_at=datetime(2026, 11, 21, tzinfo=UTC),
)


def test_what_the_checker_refuses_is_judged_as_the_draft_that_would_be_shown() -> None:
    strayed = try_out(SIGNED, "1. Small right pleural effusion. 2. Large pneumothorax.")

    assert strayed.fell_back
    assert strayed.edit_distance == try_out(SIGNED, SIGNED.coarse).edit_distance


def test_the_signed_text_itself_would_be_a_perfect_trial() -> None:
    perfect = try_out(SIGNED, SIGNED.chosen)

    assert (perfect.edit_distance, perfect.facts_changed, perfect.fell_back) == (0.0, False, False)


def test_a_writer_that_says_nothing_falls_back_to_the_draft() -> None:
    assert try_out(SIGNED, "").fell_back
