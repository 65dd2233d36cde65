"""One lesion, many dictating voices: wording, layout and what stands beside a lesion must not change the advice."""

from __future__ import annotations

import pytest

from engine.guidelines import recommend

#: {kind}: adjectives and noun, {place}: where, {size}: with unit
VOICES = (
    "There is a {size} {kind} in the {place}.",
    "{size} {kind}, {place}.",
    "A {kind} is seen in the {place}, measuring {size}.",
    "A {kind} in the {place} measures {size} (series 4, image 62).",
    "In the {place}, there is a {kind}. It measures {size}.",
    "Within the {place} there is a {kind} which measures approximately {size} in greatest dimension.",
    "Note is made of a {kind} within the {place} (image 88/210) measuring up to {size}.",
    "{place}: {kind} {size}.",
    "The {place} contains a {size} {kind}.",
    "Incidentally noted {size} {kind} in the {place}, not previously imaged.",
)
#: stands before and behind the lesion and belongs to something else
NEIGHBOURS = (
    ("", ""),
    ("Heart size is normal. ", " No acute osseous abnormality."),
    ("Slice thickness 3 mm. ", " Degenerative changes with a 4 mm disc bulge at L4-L5."),
    ("No lymphadenopathy; the largest node has a short axis of 7 mm. ", " Small hiatal hernia."),
    ("Port catheter tip is 2 cm above the cavoatrial junction. ", " The common bile duct measures 5 mm."),
    ("The urinary bladder is unremarkable. ", " There is a 9 mm sclerotic focus in the left femoral head."),
)
#: guideline, kind, place, exam, patient, sizes with the expected action and interval
LESIONS: tuple[tuple[str, str, str, str, dict[str, object], dict[str, tuple[str, tuple[int, int] | None]]], ...] = (
    (
        "Fleischner", "solid nodule", "right lower lobe", "CT chest without contrast", {"age": 60, "risk": "low"},
        {"5 mm": ("none", None), "6 mm": ("follow-up", (6, 12)), "0.8 cm": ("follow-up", (6, 12)), "9 mm": ("short-follow-up", (3, 3)), "6 x 4 mm": ("none", None)},
    ),
    (
        "Fleischner", "ground-glass nodule", "left upper lobe", "CT thorax", {"age": 60},
        {"5 mm": ("none", None), "6 mm": ("follow-up", (6, 12)), "1.4 cm": ("follow-up", (6, 12))},
    ),
    (
        "Lung-RADS", "solid nodule", "right upper lobe", "Baseline lung cancer screening CT", {"age": 60},
        {"5.9 mm": ("follow-up", (12, 12)), "6.0 mm": ("short-follow-up", (6, 6)), "8 mm": ("short-follow-up", (3, 3)), "15 mm": ("biopsy", None)},
    ),
    (
        "adrenal", "nodule", "left adrenal gland", "CT abdomen with contrast", {"indication": "No history of cancer"},
        {"9 mm": ("none", None), "1.0 cm": ("follow-up", (12, 12)), "2 cm": ("further-imaging", None), "4.1 cm": ("referral", None)},
    ),
    (
        "pancreatic cyst", "cyst", "tail of the pancreas", "MRI abdomen", {"age": 60},
        {"4 mm": ("follow-up", (24, 24)), "14 mm": ("follow-up", (12, 12)), "1.5 cm": ("short-follow-up", (6, 6)), "2.6 cm": ("further-imaging", None)},
    ),
    (
        "thyroid", "hypodense nodule", "left lobe of the thyroid", "CT neck with contrast", {"age": 34},
        {"9 mm": ("none", None), "10 mm": ("further-imaging", None)},
    ),
    (
        "thyroid", "hypodense nodule", "left lobe of the thyroid", "CT neck with contrast", {"age": 35},
        {"14 mm": ("none", None), "1.5 cm": ("further-imaging", None)},
    ),
    (
        "AAA", "aneurysm", "infrarenal abdominal aorta", "CT abdomen", {"sex": "M"},
        {"2.9 cm": ("follow-up", (120, 120)), "3.0 cm": ("follow-up", (36, 36)), "4.0 cm": ("follow-up", (12, 12)), "5.0 cm": ("short-follow-up", (6, 6)), "55 mm": ("referral", None)},
    ),
    (
        "adnexal", "simple-appearing cyst", "right ovary", "CT pelvis with contrast", {"age": 40, "sex": "F"},
        {"5.0 cm": ("none", None), "5.1 cm": ("follow-up", (6, 12))},
    ),
    (
        "O-RADS", "simple cyst", "right ovary", "Pelvic ultrasound", {"age": 60, "sex": "F"},
        {"3.0 cm": ("none", None), "3.1 cm": ("follow-up", (12, 12)), "10 cm": ("referral", None)},
    ),
    (
        "Gallbladder", "sessile polyp", "gallbladder", "US abdomen", {},
        {"6 mm": ("none", None), "7 mm": ("follow-up", (12, 12)), "10 mm": ("short-follow-up", (6, 6)), "15 mm": ("referral", None)},
    ),
    (
        "liver", "hypodense lesion", "right hepatic lobe", "CT abdomen with contrast", {"risk": "high"},
        {"8 mm": ("short-follow-up", (3, 6))},
    ),
    (
        "renal mass", "fat-containing angiomyolipoma", "left kidney", "CT abdomen with contrast", {},
        {"3.9 cm": ("none", None), "4.0 cm": ("referral", None)},
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("guideline", "kind", "place", "exam", "patient", "sizes"), LESIONS, ids=[f"{row[0]} {row[1]} {row[4]}" for row in LESIONS]
)
@pytest.mark.parametrize("voice", VOICES)
def test_the_same_lesion_in_another_voice_and_company_gets_the_same_advice(
    guideline: str,
    kind: str,
    place: str,
    exam: str,
    patient: dict[str, object],
    sizes: dict[str, tuple[str, tuple[int, int] | None]],
    voice: str,
) -> None:
    for size, expected in sizes.items():
        for before, behind in NEIGHBOURS:
            sentence = voice.format(size=size, kind=kind, place=place)
            findings = before + sentence[0].upper() + sentence[1:] + behind

            answers = [answer for answer in recommend(findings, exam=exam, **patient) if guideline in answer.guideline]  # type: ignore[arg-type]

            assert [(answer.action, answer.interval_months) for answer in answers] == [expected], findings


@pytest.mark.parametrize("voice", VOICES)
def test_two_lesions_of_two_organs_do_not_lend_each_other_their_sizes(voice: str) -> None:
    lung = voice.format(size="7 mm", kind="solid nodule", place="right lower lobe")
    adrenal = voice.format(size="2.5 cm", kind="nodule", place="left adrenal gland")

    for findings in (f"{lung} {adrenal}", f"{adrenal} {lung}"):
        answers = recommend(findings, exam="CT chest", age=60, indication="No history of cancer")

        assert {answer.rule for answer in answers} == {"fleischner/solid-single-middle", "adrenal/middle-no-cancer"}, findings
