"""A synthetic dictation says what is true, in many ways, and the same for the same seed."""

from __future__ import annotations

from collections import Counter

from demo.dictation import Finding, Latent, dictated_report, say_size, with_article
from demo.lexicon import MINOR, exam_kinds

SEEDS = [f"dictation {number}" for number in range(600)]


def test_the_same_seed_dictates_the_same_report() -> None:
    assert dictated_report("again") == dictated_report("again")
    assert dictated_report("again") != dictated_report("another")


def test_there_are_at_least_eight_kinds_of_examination_with_ten_abnormal_findings_each() -> None:
    kinds = exam_kinds()

    assert {
        "chest_xray",
        "ct_head",
        "ct_chest",
        "ct_pulmonary_angiogram",
        "ct_abdomen",
        "us_abdomen",
        "mr_brain",
        "mr_lumbar",
    } <= set(kinds)
    assert all(sum(concept.rank < MINOR for concept in kind.concepts.values()) >= 10 for kind in kinds.values())


def test_hardly_two_reports_are_alike() -> None:
    findings = Counter(dictated_report(seed)[1].findings for seed in SEEDS)

    assert len(findings) > 0.99 * len(SEEDS)


def test_normal_and_abnormal_reports_with_and_without_priors_occur() -> None:
    latents = [dictated_report(seed)[0] for seed in SEEDS]

    assert 0.08 < sum(not latent.findings for latent in latents) / len(latents) < 0.25
    assert 0.4 < sum(latent.has_prior for latent in latents) / len(latents) < 0.7


def test_a_change_is_only_told_when_there_is_a_prior() -> None:
    for seed in SEEDS:
        latent, _ = dictated_report(seed)

        assert latent.has_prior or all(finding.change is None for finding in latent.findings)


def test_every_finding_is_dictated_with_its_side_and_size() -> None:
    for seed in SEEDS:
        latent, dictated = dictated_report(seed)
        words = dictated.findings.lower()
        for finding in latent.findings:
            concept = latent.concept_of(finding)

            assert any(name.lower() in words for name in (concept.noun, *concept.also))
            assert finding.side is None or finding.side in words
            assert finding.size_mm is None or f"{finding.size_mm} mm" in words or f"{finding.size_mm / 10:.1f} cm" in words


def test_nothing_is_both_found_and_denied() -> None:
    for seed in SEEDS:
        latent, _ = dictated_report(seed)

        assert not set(latent.denied) & {finding.concept for finding in latent.findings}


def test_denials_are_dictated() -> None:
    for seed in SEEDS:
        latent, dictated = dictated_report(seed)

        assert all(latent.exam.concepts[name].noun in dictated.findings for name in latent.denied)


def test_the_most_important_finding_comes_first() -> None:
    latent = Latent(
        "chest_xray", (Finding("atelectasis", "left", "basilar"), Finding("pneumothorax", "right")), (), False, 40, "M"
    )

    assert [finding.concept for finding in latent.by_importance] == ["pneumothorax", "atelectasis"]


def test_only_a_right_lung_has_a_middle_lobe() -> None:
    for seed in SEEDS:
        assert all(finding.side == "right" for finding in dictated_report(seed)[0].findings if finding.place == "middle lobe")


def test_sizes_and_articles_are_said_as_people_say_them() -> None:
    import random

    nodule = exam_kinds()["ct_chest"].concepts["nodule"]

    assert {say_size(12, random.Random(seed)) for seed in range(50)} == {"12 mm", "1.2 cm"}
    assert with_article("8 mm nodule", nodule) == "an 8 mm nodule"
    assert with_article("11 mm nodule", nodule) == "an 11 mm nodule"
    assert with_article("12 mm nodule", nodule) == "a 12 mm nodule"
    assert with_article("RUL nodule", nodule) == "an RUL nodule"
