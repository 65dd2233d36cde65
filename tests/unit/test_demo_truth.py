"""The truth behind a synthetic report finds every planted error, and nothing wrong with any honest hand."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from demo.dictation import Finding, Latent, dictated_report
from demo.lexicon import exam_kinds
from demo.styles import HOUSE, RADIOLOGISTS, Style, impression_of, population_style
from demo.truth import fact_f1, facts_changed

REPORTS = 200


def hands(seed: int) -> Iterator[Style]:
    yield HOUSE
    yield from RADIOLOGISTS.values()
    for number in range(3):
        yield population_style(random.Random(f"{seed}/{number}"))


def test_no_hand_changes_a_fact() -> None:
    for seed in range(REPORTS):
        latent, _ = dictated_report(f"honest {seed}")
        for style in hands(seed):
            text = impression_of(latent, style)

            assert facts_changed(latent, text) == [], text
            assert fact_f1(latent, text) == 1.0, text


def other_side(latent: Latent, finding: Finding) -> Finding | None:
    sides = [side for side in latent.concept_of(finding).sides if side != finding.side]
    if not sides or finding.place == "middle lobe":
        return None
    return replace(finding, side=sides[0])


def other_size(latent: Latent, finding: Finding) -> Finding | None:
    return replace(finding, size_mm=finding.size_mm + 1) if finding.size_mm else None


def other_severity(latent: Latent, finding: Finding) -> Finding | None:
    others = [severity for severity in latent.concept_of(finding).severities if severity != finding.severity]
    return replace(finding, severity=others[0]) if others else None


def other_place(latent: Latent, finding: Finding) -> Finding | None:
    others = [place for place in latent.concept_of(finding).places if place not in (finding.place, "middle lobe")]
    return replace(finding, place=others[0]) if others else None


def other_change(latent: Latent, finding: Finding) -> Finding | None:
    return replace(finding, change="decreased" if finding.change == "increased" else "increased")


def other_certainty(latent: Latent, finding: Finding) -> Finding | None:
    return replace(finding, certainty="possible" if finding.certainty == "certain" else "certain")


@pytest.mark.parametrize("swap", [other_side, other_size, other_severity, other_place, other_change, other_certainty])
def test_every_planted_swap_is_found(swap: Callable[[Latent, Finding], Finding | None]) -> None:
    planted = 0
    for seed in range(REPORTS):
        latent, _ = dictated_report(f"swap {seed}")
        for finding in latent.important:
            swapped = swap(latent, finding)
            if swapped is None or swapped in latent.findings:
                continue
            lie = replace(latent, findings=tuple(swapped if other is finding else other for other in latent.findings))
            for style in hands(seed):
                text = impression_of(lie, style)

                assert facts_changed(latent, text), text
                assert fact_f1(latent, text) < 1.0, text
                planted += 1
    assert planted > 100


def test_a_dropped_finding_is_found() -> None:
    for seed in range(REPORTS):
        latent, _ = dictated_report(f"drop {seed}")
        for finding in latent.important:
            lie = replace(latent, findings=tuple(other for other in latent.findings if other is not finding))
            for style in hands(seed):
                assert facts_changed(latent, impression_of(lie, style))


def test_a_finding_that_is_denied_is_found() -> None:
    for seed in range(REPORTS):
        latent, _ = dictated_report(f"deny {seed}")
        for finding in latent.important:
            noun = latent.concept_of(finding).noun

            assert facts_changed(latent, f"No {noun}.")
            assert any("denied" in change for change in facts_changed(latent, f"{impression_of(latent, HOUSE)} No {noun}."))


def test_an_invented_finding_is_found() -> None:
    for seed in range(REPORTS):
        latent, _ = dictated_report(f"invent {seed}")
        absent = [concept for concept in latent.exam.concepts if concept not in {finding.concept for finding in latent.findings}]
        lie = replace(latent, findings=(*latent.findings, Finding(random.Random(seed).choice(absent))))
        if lie.important != latent.important:
            assert facts_changed(latent, impression_of(lie, HOUSE))


def test_an_abnormal_examination_called_normal_is_found() -> None:
    latent = Latent("chest_xray", (Finding("pneumothorax", side="right", severity="small"),), (), False, 50, "F")

    assert "called normal" in facts_changed(latent, "No acute cardiopulmonary abnormality.")


def test_a_normal_examination_must_be_called_normal() -> None:
    latent = Latent("chest_xray", (), (), False, 50, "F")

    assert facts_changed(latent, "") == ["missing: that the examination is normal"]
    assert facts_changed(latent, "Correlate clinically.") == ["missing: that the examination is normal"]


@pytest.mark.parametrize(
    "text",
    [
        "There is a small right pneumothorax with mediastinal shift.",
        "There is a small right pneumothorax. The patient was informed.",
        "There is a small right right pneumothorax.",
        "There is a small right pneumothorax. There is a small right pneumothorax.",
        "There is a small right pneumothorax. Recommend chest CT.",
    ],
)
def test_words_that_nobody_could_have_meant_are_found(text: str) -> None:
    latent = Latent("chest_xray", (Finding("pneumothorax", side="right", severity="small"),), (), False, 50, "F")

    assert facts_changed(latent, "There is a small right pneumothorax.") == []
    assert facts_changed(latent, text)


def test_half_a_centimetre_is_five_millimetres() -> None:
    latent = Latent("ct_chest", (Finding("nodule", "right", "upper lobe", 5),), (), False, 50, "F")

    assert facts_changed(latent, "1. RUL nodule (0.5 cm).") == []
    assert facts_changed(latent, "1. RUL nodule (5 cm).") != []


def test_every_name_in_the_lexicon_reads_back_as_its_own_concept() -> None:
    for kind in exam_kinds().values():
        for concept in kind.concepts.values():
            for style in (HOUSE, RADIOLOGISTS["RAD101"]):
                latent = Latent(kind.id, (Finding(concept.id),), (), False, 50, "F")
                if concept.rank < 5:
                    assert facts_changed(latent, impression_of(latent, style)) == []
