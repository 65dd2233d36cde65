"""Critical results: who has to be told how fast, and what needs no call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.critical import critical_results, is_documented

NOW = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)

STATED = (
    ("Large left pneumothorax with mediastinal shift to the right.", {"tension-pneumothorax": 1}),
    ("Small apical pneumothorax.", {"small-pneumothorax": 2}),
    ("Increasing known left pneumothorax, now moderate.", {"pneumothorax": 1}),
    ("Acute subdural hematoma along the left convexity with 7 mm midline shift.", {"intracranial-haemorrhage": 1, "herniation": 1}),
    ("Filling defects in the right lower lobe pulmonary arteries. RV/LV ratio 1.3.", {"pulmonary-embolism-strain": 1}),
    ("Acute pulmonary embolism. No right heart strain.", {"pulmonary-embolism": 1}),
    ("Acute pulmonary embolism. RV/LV ratio is less than 1.", {"pulmonary-embolism": 1}),
    ("Stanford type A aortic dissection.", {"aortic-syndrome": 1}),
    ("Free intraperitoneal air under the diaphragm.", {"free-air": 1}),
    ("Absent flow in the left testis concerning for testicular torsion.", {"torsion": 1}),
    ("Closed-loop small bowel obstruction with pneumatosis.", {"bowel-ischaemia": 1, "appendicitis": 2}),
    ("Ruptured abdominal aortic aneurysm.", {"ruptured-aneurysm": 1}),
    ("Endotracheal tube tip in the right mainstem bronchus.", {"malpositioned-tube": 1}),
    ("Ectopic pregnancy in the right adnexa.", {"ectopic": 1}),
    ("Acute infarct in the left MCA territory.", {"acute-stroke": 1}),
    ("Acute appendicitis.", {"appendicitis": 2}),
    ("Deep vein thrombosis of the left popliteal vein.", {"dvt": 2}),
    ("Acute displaced fracture of the femoral neck.", {"fracture-hip": 2}),
    ("Spiculated right upper lobe mass suspicious for malignancy.", {"suspected-cancer": 3}),
    ("Chronic subdural hematoma with new acute component.", {"intracranial-haemorrhage": 1}),
    ("Left pneumothorax, which is not large.", {"small-pneumothorax": 2}),
    ("Acute blood in the basal cisterns and sylvian fissures.", {"intracranial-haemorrhage": 1}),
    ("Abrupt cut-off of the left M2 branch. Occlusion of the basilar artery.", {"acute-stroke": 1}),
    ("Intimal flap in the ascending aorta.", {"aortic-syndrome": 1}),
    ("PE in the left lower lobe segmental arteries.", {"pulmonary-embolism": 1}),
    ("Occlusion of the superior mesenteric artery.", {"bowel-ischaemia": 1}),
    ("No flow in the left testicle on colour Doppler.", {"torsion": 1}),
    ("ETT tip in the right main bronchus.", {"malpositioned-tube": 1}),
    ("Oesophageal perforation with mediastinal gas.", {"airway": 1}),
    ("Thrombus within the left common femoral vein.", {"dvt": 2}),
    ("Dilated appendix with an appendicolith and periappendiceal stranding.", {"appendicitis": 2}),
    ("Posterior dislocation of the right shoulder.", {"fracture-hip": 2}),
    ("Diskitis at L4-5.", {"abscess": 2}),
    ("Retained surgical sponge in the left lower quadrant.", {"retained-object": 2}),
    ("Left pneumothorax with no mediastinal shift.", {"small-pneumothorax": 2}),
)  # fmt: skip

QUIET = (
    "No pneumothorax.",
    "Small right apical pneumothorax, unchanged.",
    "The previously seen pneumothorax has resolved.",
    "No acute intracranial hemorrhage.",
    "Chronic subdural hematoma, unchanged.",
    "No evidence of pulmonary embolism, aortic dissection or pneumothorax.",
    "Chronic pulmonary embolism with webs, unchanged.",
    "Free air, expected postoperative.",
    "The lungs are clear of focal airspace disease, pneumothorax, or pleural effusion.",
    "No focal consolidation, suspicious opacity, large pleural effusion, or pneumothorax is identified.",
    "Evaluate for pulmonary embolism.",
    "Ovarian torsion is not seen.",
    "Torsion of the left ovary is not identified.",
    "Pneumothorax has been ruled out.",
    "Known abdominal aortic aneurysm, stable at 4.2 cm.",
    "Old healed rib fractures.",
    "Endotracheal tube tip 4 cm above the carina.",
    "History of pulmonary embolism.",
    "If pain localizes to this region, suspect an acute fracture.",
    "Pneumoperitoneum, attributed to recent abdominal surgery.",
    "Dilated appendix without stranding or inflammation.",
)


@pytest.mark.parametrize(("findings", "expected"), STATED, ids=[findings[:60] for findings, _ in STATED])
def test_a_stated_finding_has_its_tier(findings: str, expected: dict[str, int]) -> None:
    found = critical_results(findings, now=NOW)

    assert {result.id: result.tier for result in found} == expected
    assert [result.tier for result in found] == sorted(result.tier for result in found)


@pytest.mark.parametrize("findings", QUIET)
def test_a_denied_old_known_or_asked_for_finding_calls_nobody(findings: str) -> None:
    assert critical_results(findings, now=NOW) == ()


@pytest.mark.parametrize(
    "told",
    [
        "Findings were discussed with Dr. Smith by telephone at 14:32.",
        "The emergency physician was notified at 2 pm.",
        "Critical result communicated to the team and read back.",
        "I spoke with Dr. Jones by phone at 10:32.",
        "Dr. Patel made aware by telephone.",
        "Surgical team informed.",
        "Neurosurgery was paged at the time of dictation.",
        "Urology has been informed by phone.",
        "The on-call registrar was contacted at 22:10.",
    ],
)
def test_a_communication_the_report_documents_is_not_asked_for_again(told: str) -> None:
    assert is_documented(told)
    assert critical_results("Acute pulmonary embolism. " + told, now=NOW) == ()
    assert critical_results("Acute pulmonary embolism.", communication=told, now=NOW) == ()


@pytest.mark.parametrize(
    "said",
    [
        "Images reviewed with the resident.",
        "I have personally reviewed the images and agree with the resident's report.",
        "Reviewed by attending radiologist Dr. Lee.",
        "Reported by Dr. Smith.",
        "The patient reported no pain; as reported by the patient.",
        "The referring team should be informed.",
        "To be discussed at the tumour board.",
    ],
)
def test_who_read_the_images_or_spoke_with_the_patient_told_nobody_who_treats(said: str) -> None:
    assert not is_documented(said)
    assert critical_results("Acute pulmonary embolism. " + said, now=NOW)


def test_an_attempt_is_not_a_communication() -> None:
    found = critical_results(
        "Acute pulmonary embolism. Attempts to reach Dr. Smith failed; findings will be communicated.", now=NOW
    )

    assert [result.id for result in found] == ["pulmonary-embolism"]


def test_the_record_has_six_fields_and_says_which_are_still_empty() -> None:
    (result,) = critical_results("Acute pulmonary embolism.", radiologist="r17", now=NOW)

    event = result.as_event(report_id="report-1")
    assert set(event["record"]) == {"finding", "identified_at", "communicated_by", "received_by", "received_at", "method"}
    assert event["record"]["communicated_by"] == "r17"
    assert result.record.missing() == ("received_by", "received_at", "method")
    assert result.recommended_by == NOW + timedelta(minutes=60)


def test_the_event_says_where_and_quotes_nothing() -> None:
    findings = "Heart is normal. CANARYWORD acute pulmonary embolism in the right lower lobe."

    (result,) = critical_results(findings, now=NOW)

    assert findings[result.evidence.start : result.evidence.end] == "CANARYWORD acute pulmonary embolism in the right lower lobe."
    assert "CANARYWORD" not in str(result.as_event(report_id="x"))
    assert "CANARYWORD" not in repr(result)


def test_a_finding_only_in_the_impression_counts_and_is_told_once() -> None:
    once = critical_results("Normal heart.", impression="Acute pulmonary embolism.", now=NOW)
    twice = critical_results("Acute pulmonary embolism.", impression="Acute pulmonary embolism.", now=NOW)

    assert [(result.id, result.evidence.section) for result in once] == [("pulmonary-embolism", "impression")]
    assert len(twice) == 1
