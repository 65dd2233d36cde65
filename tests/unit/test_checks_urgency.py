"""What an impression advises comes neither too late nor too soon for what it speaks of."""

from __future__ import annotations

import pytest

from engine.checks import check


def classes(findings: str, impression: str, exam: str = "") -> set[str]:
    return {str(flag.flag_class) for flag in check(findings, impression, exam=exam).flags if flag.severity != "minor"}


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("The left testis shows no flow.", "Left testicular torsion. Outpatient ultrasound in 6 weeks."),
        ("Intimal flap in the ascending aorta.", "Acute type A aortic dissection. Conservative management, review in clinic."),
        ("Lytic lesion of the femur with cortical destruction.", "Suspected osteosarcoma of the femur. Radiograph in 8 months."),
        ("Displaced fracture of the distal radius.", "Displaced distal radius fracture. No follow-up required."),
        (
            "New 14 mm spiculated nodule in the left upper lobe.",
            "New 14 mm left upper lobe nodule. No further imaging is needed.",
        ),
        ("Tracheal aspiration of thin liquids.", "Aspiration of thin liquids. Normal diet may be resumed."),
    ],
)
def test_what_cannot_wait_is_not_put_off(findings: str, impression: str) -> None:
    assert "recommendation" in classes(findings, impression)


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("The left testis shows no flow.", "Left testicular torsion. Urology called. Ultrasound in 6 weeks."),
        (
            "Acute intraparenchymal hemorrhage in the left thalamus.",
            "Left thalamic hemorrhage. MRI in 6 weeks for an underlying lesion.",
        ),
        ("4 mm solid nodule in the right upper lobe, unchanged.", "Stable 4 mm right upper lobe nodule. No follow-up required."),
        (
            "12 mm simple cyst of the left kidney. Acute appendicitis.",
            "1. Acute appendicitis.\n2. Simple renal cyst, no follow-up needed.",
        ),
        (
            "Oval circumscribed mass of the left breast, 9 mm.",
            "Probably benign 9 mm left breast mass, BI-RADS 3. Ultrasound in 6 months.",
        ),
        ("Distended gallbladder with a thick wall and stones.", "Acute cholecystitis. Surgical consultation."),
    ],
)
def test_what_may_wait_is_left_alone(findings: str, impression: str) -> None:
    assert "recommendation" not in classes(findings, impression)


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("Mild disc desiccation at L4-5. No stenosis.", "Mild degenerative disc disease. Urgent neurosurgical referral."),
        ("Both kidneys are small and echogenic. No hydronephrosis.", "Chronic renal disease. Bilateral nephrostomy advised."),
        ("Menisci intact. Small joint effusion.", "Small joint effusion. Arthroscopic meniscectomy recommended."),
        ("18 mm focal nodular hyperplasia in the liver.", "Focal nodular hyperplasia: resection recommended."),
    ],
)
def test_what_can_wait_is_not_hurried_or_cut(findings: str, impression: str) -> None:
    assert "recommendation" in classes(findings, impression)


def test_a_category_is_answered_in_its_own_item() -> None:
    findings = "20 mm left thyroid nodule, TR5. Rounded 9 mm node at level IV without a hilum."

    assert "recommendation" in classes(
        findings, "1. 20 mm TR5 nodule: no FNA, US in 3 years.\n2. Suspicious node: FNA.", "US THYROID"
    )
    assert "recommendation" not in classes(findings, "1. 20 mm TR5 nodule: FNA.\n2. Suspicious node: FNA.", "US THYROID")


@pytest.mark.parametrize("step", ["PET-CT and biopsy.", "Surgical excision recommended.", "Core biopsy of the nodule."])
def test_a_benign_category_is_not_sampled(step: str) -> None:
    assert "recommendation" in classes(
        "Stable 4 mm nodule in the left lung.", f"Lung-RADS 2. {step}", "CT CHEST LOW DOSE SCREENING"
    )


@pytest.mark.parametrize("step", ["Annual low-dose CT.", "Status post biopsy.", "Biopsy if the nodule grows."])
def test_a_benign_category_may_be_controlled(step: str) -> None:
    assert "recommendation" not in classes(
        "Stable 4 mm nodule in the left lung.", f"Lung-RADS 2. {step}", "CT CHEST LOW DOSE SCREENING"
    )


def test_after_an_intervention_a_control_needs_no_finding() -> None:
    findings = "Both uterine arteries were catheterised and embolised to stasis."

    assert "recommendation" not in classes(
        findings, "Technically successful embolisation. Follow-up MRI in 6 months.", "UTERINE ARTERY EMBOLISATION"
    )


def test_a_category_of_suspicion_beside_nothing_suspicious_is_a_difference_in_severity() -> None:
    findings = "No suspicious mass or calcifications in either breast."

    assert "severity" in classes(findings, "No evidence of malignancy. BI-RADS 4.", "MAMMOGRAM")
    assert "severity" not in classes(findings, "No evidence of malignancy. BI-RADS 1.", "MAMMOGRAM")


@pytest.mark.parametrize(
    "impression",
    [
        "Low-lying ETT, recommend advancement by 2 cm.",
        "Malpositioned NG tube in the right lower lobe bronchus. Safe to use for feeding.",
    ],
)
def test_a_tube_is_not_moved_the_wrong_way_nor_used(impression: str) -> None:
    assert "recommendation" in classes("ETT 1 cm above the carina. NG tube in the right lower lobe bronchus.", impression)
    assert "recommendation" not in classes("ETT 1 cm above the carina.", "Low-lying ETT, suggest withdrawing 2 cm.")


def test_a_lung_nodule_of_six_millimetres_is_not_sampled() -> None:
    assert "recommendation" in classes("6 mm nodule in the right upper lobe.", "6 mm right upper lobe nodule. Recommend biopsy.")
    assert "recommendation" not in classes(
        "16 mm nodule in the right upper lobe.", "16 mm right upper lobe nodule. Recommend biopsy."
    )
