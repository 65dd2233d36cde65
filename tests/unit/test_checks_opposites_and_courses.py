"""Findings called the opposite of what was dictated, and courses that the sentences of then and now do not tell."""

from __future__ import annotations

import pytest

from engine.checks import check


def classes(findings: str, impression: str) -> set[str]:
    return {str(flag.flag_class) for flag in check(findings, impression).flags if flag.severity != "minor"}


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("Nondisplaced fracture of the right scaphoid.", "Displaced right scaphoid fracture."),
        ("Fracture of the distal radius, displaced by 5 mm.", "Undisplaced distal radius fracture."),
        ("Partial-thickness tear of the supraspinatus tendon.", "Full-thickness supraspinatus tear."),
        ("A few punctate foci of the white matter, Fazekas 1.", "Severe small vessel disease."),
        ("Small right pneumothorax. No shift of the mediastinum.", "Tension right pneumothorax."),
        ("Clavicle fracture, displaced by a full shaft width.", "Undisplaced clavicle fracture."),
        ("Nonobstructing 4 mm stone in the left kidney.", "Obstructing 4 mm left renal stone."),
        ("Dilated appendix with an adjacent rim-enhancing abscess.", "Acute uncomplicated appendicitis."),
    ],
)
def test_the_opposite_is_a_difference_in_severity(findings: str, impression: str) -> None:
    assert "severity" in classes(findings, impression)


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("Undisplaced fracture of the scaphoid. Displaced fracture of the ulnar styloid.", "Displaced ulnar styloid fracture."),
        ("Fracture of the distal radius with 5 mm displacement.", "Displaced distal radius fracture."),
        ("Minimally displaced fracture of the fifth rib.", "Undisplaced fracture of the fifth rib."),
        ("Large left pneumothorax with mediastinal shift to the right.", "Tension left pneumothorax."),
        ("Dilated appendix with periappendiceal stranding.", "Acute uncomplicated appendicitis."),
    ],
)
def test_what_agrees_or_is_of_another_finding_does_not_differ(findings: str, impression: str) -> None:
    assert "severity" not in classes(findings, impression)


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("Cyst of the pancreatic head, 17 mm, 16 mm on prior.", "Enlarging 17 mm pancreatic head cyst."),
        ("Left adrenal nodule of 24 mm, previously measured 15 mm.", "Unchanged left adrenal nodule, 24 mm."),
        ("Moderate ascites, previously trace.", "Decreased ascites."),
        ("Moderate hiatal hernia, known.", "New hiatal hernia."),
        ("Left lower lobe collapse with retrocardiac opacity, increased.", "Improving left lower lobe collapse."),
        ("Hyperdense left subdural hematoma.", "Chronic left subdural hematoma."),
    ],
)
def test_then_and_now_tell_the_course(findings: str, impression: str) -> None:
    assert "temporal" in classes(findings, impression)


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("Aortic aneurysm of 5.3 cm, previously 4.9 cm.", "Enlarging 5.3 cm aortic aneurysm."),
        ("Aortic aneurysm of 5.3 cm, previously 5.2 cm.", "Stable 5.3 cm aortic aneurysm."),
        (
            "Right lower lobe nodule, 7 mm (12 mm in 2021). Left upper lobe nodule, 5 mm, unchanged.",
            "Stable left upper lobe nodule.",
        ),
        ("Marginal erosions of the second metacarpal head; none were present in 2019.", "New erosions of the metacarpal head."),
        ("Lucency around the stem, which was not seen in 2021.", "New lucency around the stem."),
    ],
)
def test_a_course_that_the_numbers_allow_stands(findings: str, impression: str) -> None:
    assert "temporal" not in classes(findings, impression)
