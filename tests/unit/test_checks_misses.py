"""Errors that an outside tester planted, kind by kind, and correct impressions that stand beside them."""

from __future__ import annotations

import pytest

from engine.checks import check
from engine.facts import read_facts


def classes(findings: str, impression: str, **context: str) -> set[str]:
    flags = check(findings, impression, **context).flags
    return {flag.flag_class.value for flag in flags if flag.severity != "minor"}


STONES = "The gallbladder holds several mobile stones. No pericholecystic fluid."


def test_stones_alone_are_no_cholecystitis() -> None:
    assert classes(STONES, "Acute cholecystitis.") == {"false-finding"}
    assert not classes(STONES + " The gallbladder wall is thickened.", "Cholelithiasis with acute cholecystitis.")


def test_an_inflamed_gallbladder_tells_of_its_stones() -> None:
    assert not classes("Gallstones with gallbladder wall thickening. Positive sonographic Murphy sign.", "Acute cholecystitis.")


@pytest.mark.parametrize(
    ("findings", "wrong", "right"),
    [
        ("80% stenosis of the left internal carotid artery.", "Mild left ICA stenosis.", "Severe left ICA stenosis."),
        ("Less than 50% narrowing of the right ICA.", "Severe right ICA stenosis.", "Mild right ICA stenosis."),
        ("Complete tear of the Achilles tendon.", "Partial Achilles tendon tear.", "Complete Achilles tendon tear."),
        ("Partial tear of the posterior cruciate ligament.", "Complete PCL tear.", "Partial PCL tear."),
    ],
)
def test_how_much_is_narrowed_or_torn_is_an_extent(findings: str, wrong: str, right: str) -> None:
    assert classes(findings, wrong) == {"severity"}
    assert not classes(findings, right)


def test_what_lies_just_under_half_is_mild_to_some_and_moderate_to_others() -> None:
    findings = "Approximately 45% stenosis of the left ICA."

    assert not classes(findings, "Mild left ICA stenosis.")
    assert not classes(findings, "Moderate left ICA stenosis.")


def test_a_size_beside_its_earlier_size_is_a_course() -> None:
    findings = "The abdominal aortic aneurysm measures 5.1 cm, previously 4.6 cm."

    assert classes(findings, "Stable abdominal aortic aneurysm, 5.1 cm.") == {"temporal"}
    assert not classes(findings, "Enlarging abdominal aortic aneurysm, 5.1 cm.")
    assert not classes("A 6 mm left upper lobe nodule, previously 5 mm.", "Stable 6 mm left upper lobe nodule.")


def test_worse_than_before_is_a_course_and_worse_than_on_the_left_is_none() -> None:
    findings = "Bilateral airspace opacities are worse than on the prior study."

    assert classes(findings, "Improving bilateral airspace opacities.") == {"temporal"}
    assert not classes(findings, "Worsening bilateral airspace opacities.")
    assert all(fact.change is None for fact in read_facts("Bilateral opacities, right worse than left."))


def test_a_tube_above_the_carina_is_in_no_main_bronchus() -> None:
    findings = "The endotracheal tube ends 2 cm above the carina."

    assert classes(findings, "Endotracheal tube in the left main bronchus.") == {"device"}
    assert not classes(findings, "Endotracheal tube in the trachea.")


def test_an_intact_ligament_is_not_torn() -> None:
    assert classes("The medial meniscus is intact.", "Medial meniscus tear.") == {"negation"}
    assert "negation" in classes("Complete tear of the anterior cruciate ligament.", "Intact ACL.")
    assert not classes("The rotator cuff is intact.", "Intact rotator cuff.")


def test_a_prosthesis_in_anatomic_alignment_is_there() -> None:
    assert not classes("Left total knee arthroplasty in anatomic alignment.", "Left knee arthroplasty without complication.")


def test_a_shift_has_a_size_of_its_own() -> None:
    findings = "Right subdural hematoma measures 11 mm with 6 mm of leftward midline shift."

    assert not classes(findings, "Right subdural hematoma, 11 mm, with 6 mm of leftward shift.")


def test_what_presses_on_a_nerve_root_compresses_it() -> None:
    assert not classes(
        "L5-S1 disc extrusion compressing the right S1 nerve root.", "L5-S1 extrusion with S1 nerve root compression."
    )


def test_a_low_probability_scan_is_no_embolism() -> None:
    findings = "Matched ventilation and perfusion defects in the left base."

    assert not classes(findings, "Low probability for pulmonary embolism.")
    assert classes(findings, "Pulmonary embolism.") == {"false-finding"}


STROKE = "Restricted diffusion in the left thalamus. No hemorrhage. Scattered T2 hyperintensities."


@pytest.mark.parametrize(
    ("wrong", "flag_class"),
    [
        ("Acute infarct in the right thalamus.", "laterality"),
        ("Acute infarct in the left cerebellum.", "location"),
        ("Chronic lacunar infarct in the left thalamus.", "temporal"),
        ("No acute infarct.", "negation"),
    ],
)
def test_what_is_said_of_an_infarct_is_held_against_the_restricted_diffusion(wrong: str, flag_class: str) -> None:
    assert flag_class in classes(STROKE, wrong, exam="MRI BRAIN")
    assert not classes(STROKE, "Acute infarct in the left thalamus.", exam="MRI BRAIN")


def test_restricted_diffusion_of_an_abscess_is_no_infarct() -> None:
    findings = "Ring-enhancing lesion in the right frontal lobe with restricted diffusion."

    assert not classes(findings, "Right frontal abscess. No acute infarct.", exam="MRI BRAIN")


def test_a_vein_that_is_not_compressible_is_thrombosed_on_its_side() -> None:
    findings = "The right popliteal vein is noncompressible with echogenic thrombus. The left leg veins are compressible."

    assert "laterality" in classes(findings, "Acute DVT of the left popliteal vein.", exam="US VENOUS DOPPLER LOWER EXTREMITY")
    assert "negation" in classes(findings, "No DVT.", exam="US VENOUS DOPPLER LOWER EXTREMITY")
    assert not classes(findings, "Right popliteal DVT.", exam="US VENOUS DOPPLER LOWER EXTREMITY")


def test_what_is_said_of_a_finding_is_a_statement_too() -> None:
    findings = "Thoracic aortic aneurysm, 6.1 cm. No rupture."

    assert classes(findings, "Ruptured thoracic aortic aneurysm, 6.1 cm.") == {"negation"}
    assert not classes(findings, "Thoracic aortic aneurysm, 6.1 cm, not ruptured.")


def test_a_sentence_that_the_findings_contradict_is_not_supported() -> None:
    answer = check("Small right pleural effusion. The heart is enlarged.", "1. Small left pleural effusion. 2. Cardiomegaly.")
    statuses = {sentence.text: sentence.status for sentence in answer.sentences}

    assert [status for text, status in statuses.items() if "effusion" in text] == ["unsupported"]
    assert [status for text, status in statuses.items() if "Cardiomegaly" in text] == ["supported"]
    assert all(sentence.evidence for sentence in answer.sentences if sentence.status == "unsupported")


@pytest.mark.parametrize(
    ("findings", "impression", "exam"),
    [
        ("Irregular mass in the left breast. BI-RADS 4.", "Left breast mass, BI-RADS 4. Return to annual screening.", "MAMMOGRAM"),
        ("Solid very hypoechoic nodule in the right lobe, 2.1 cm. TI-RADS 5.", "2.1 cm right TI-RADS 5 nodule. No follow-up needed.", "US THYROID"),
    ],
)  # fmt: skip
def test_a_category_that_asks_for_a_biopsy_is_not_left_to_routine(findings: str, impression: str, exam: str) -> None:
    assert "recommendation" in classes(findings, impression, exam=exam)


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("No suspicious mass or calcification. BI-RADS 1.", "BI-RADS 1. Routine screening in 12 months."),
        (
            "Mass in the left breast. BI-RADS 4.",
            "BI-RADS 4, left breast mass. Biopsy recommended. Routine screening on the right.",
        ),
    ],
)
def test_routine_is_right_where_the_category_says_so_or_more_is_advised(findings: str, impression: str) -> None:
    assert "recommendation" not in classes(findings, impression, exam="MAMMOGRAM")


def test_the_ratio_of_the_ventricles_says_whether_the_heart_is_strained() -> None:
    clot = "Filling defect in the right main pulmonary artery. RV/LV ratio is {}."

    assert "negation" in classes(clot.format("0.7"), "Acute right pulmonary embolism with right heart strain.")
    assert not classes(clot.format("1.3"), "Acute right pulmonary embolism with right heart strain.")
    assert "omission" in classes(clot.format("1.3"), "Acute right pulmonary embolism.")


def test_a_long_spleen_is_a_large_spleen() -> None:
    assert {sentence.status for sentence in check("Spleen 15 cm.", "Splenomegaly.").sentences} == {"supported"}
    assert not read_facts("The spleen measures 11 cm.")


@pytest.mark.parametrize(
    "words", ["was previously 15 cm and now measures 11 cm", "contains a 15 cm cyst", "is less than 14 cm long"]
)
def test_a_number_that_is_not_the_spleens_makes_no_large_spleen(words: str) -> None:
    assert "splenomegaly" not in {fact.concept for fact in read_facts(f"The spleen {words}.")}


def test_a_ratio_below_a_bound_is_no_strain() -> None:
    assert not classes("RV/LV ratio is less than 1.", "No right heart strain.")


def test_the_operating_room_ends_its_sentence() -> None:
    assert classes("No retained sponge seen in the OR. Large left pneumothorax.", "No pneumothorax.") == {"negation"}


def test_the_mass_of_another_organ_is_no_mass_named_again() -> None:
    assert "omission" in classes("1 cm cyst in the left kidney. The pancreatic mass measures 4 cm.", "Left renal cyst.")
    assert not classes("There is a 4 cm pancreatic mass. The mass contacts the stomach.", "4 cm pancreatic mass.")


@pytest.mark.parametrize(
    ("words", "severity"),
    [
        ("More than 50% stenosis of the left internal carotid artery", 3),
        ("Less than 50% stenosis of the left internal carotid artery", 2),
        ("Stenosis of the left internal carotid artery, approximately 80%", 4),
        ("Stenosis of the left internal carotid artery, hematocrit 30%", None),
        ("Stenosis of the left internal carotid artery of ²%", None),
    ],
)
def test_a_share_grades_the_stenosis_it_is_said_of(words: str, severity: int | None) -> None:
    assert [fact.severity for fact in read_facts(f"{words}.")] == [severity]


def test_a_superficial_vein_is_no_deep_one() -> None:
    assert not classes("The great saphenous vein is noncompressible. The deep veins are normal.", "No deep vein thrombosis.")
    assert "negation" in classes("The left popliteal vein is noncompressible.", "No deep vein thrombosis.")


def test_who_checks_changes_nothing_of_what_was_read() -> None:
    findings, impression = (
        "6 mm left and 9 mm right lung nodules, unchanged. No effusion.",
        "Enlarging right nodule. Left effusion.",
    )
    before = [repr(fact) for text in (findings, impression) for fact in read_facts(text)]
    check(findings, impression)

    assert [repr(fact) for text in (findings, impression) for fact in read_facts(text)] == before
