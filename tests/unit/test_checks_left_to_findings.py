"""What a radiologist leaves to the findings, each beside what nobody may leave there; and what an impression tells in words that make no fact."""

from __future__ import annotations

from engine.checks import check


def left_out(findings: str, impression: str, **context: str) -> bool:
    flags = check(findings, impression, **context).flags
    return any(flag.flag_class == "omission" and flag.severity != "minor" for flag in flags)


def test_gas_that_the_reader_expects_after_an_operation_is_no_news_and_gas_alone_is() -> None:
    implant = "Left total hip replacement in good alignment."

    assert not left_out(f"{implant} Gas in the soft tissues as expected.", implant, exam="XR HIP")
    assert left_out(f"{implant} Gas in the soft tissues.", implant, exam="XR HIP")
    assert left_out(f"{implant} More gas in the soft tissues than expected.", implant, exam="XR HIP")


def test_expected_postoperative_changes_answer_for_gas_and_fluid_and_not_for_an_infarct() -> None:
    impression = "Expected postoperative appearances."

    assert not left_out(
        "Right parietal craniotomy. Small pneumocephalus. 4 mm collection below the flap.", impression, exam="CT HEAD"
    )
    assert left_out("Right parietal craniotomy. Large right middle cerebral artery infarct.", impression, exam="CT HEAD")


def test_a_heart_that_is_difficult_to_assess_may_be_left_out_and_one_that_is_enlarged_may_not() -> None:
    impression = "Right basal pneumonia."

    assert not left_out("Right basal consolidation. Heart probably enlarged, difficult to assess.", impression, exam="XR CHEST")
    assert left_out("Right basal consolidation. Large heart with congestion of the vessels.", impression, exam="XR CHEST")


def test_a_small_unchanged_effusion_stays_in_the_findings_and_one_that_grew_does_not() -> None:
    collapse = "Worsening right lower lobe collapse."

    assert not left_out(f"{collapse} Small right effusion unchanged.", collapse, exam="XR CHEST")
    assert left_out(f"{collapse} Moderate right effusion, larger.", collapse, exam="XR CHEST")


def test_a_healed_fracture_is_outweighed_by_a_fresh_one() -> None:
    fresh = "Displaced fracture of the left femoral neck."

    assert not left_out(f"{fresh} Old healed fracture of the right superior pubic ramus.", fresh, exam="XR PELVIS")
    assert left_out(f"{fresh} Fracture of the right superior pubic ramus.", fresh, exam="XR PELVIS")


def test_a_silent_renal_stone_is_left_to_the_findings_by_who_speaks_of_the_bowel_and_not_of_the_urinary_tract() -> None:
    stone = "3 mm calculus in the right kidney."

    assert not left_out(
        f"Acute uncomplicated sigmoid diverticulitis. {stone}", "Acute sigmoid diverticulitis.", exam="CT ABDOMEN"
    )
    assert left_out(f"4 cm left bladder mass. {stone}", "4 cm left bladder mass.", exam="CT ABDOMEN")
    assert left_out(
        "Acute uncomplicated sigmoid diverticulitis. 12 mm calculus in the right kidney.", "Acute sigmoid diverticulitis."
    )


def test_blood_around_a_torn_kidney_is_told_with_the_tear_and_much_of_it_is_not() -> None:
    impression = "Right renal laceration."

    assert not left_out("Right renal laceration, perinephric hematoma.", impression, exam="CT ABDOMEN")
    assert left_out("Right renal laceration. Large perinephric hematoma.", impression, exam="CT ABDOMEN")


def test_a_wide_ureter_is_told_by_the_tumour_that_obstructs_it() -> None:
    findings = "3 cm mass at the left ureteric orifice of the bladder. Left hydronephrosis."

    assert not left_out(findings, "3 cm bladder mass obstructing the left ureter.", exam="CT UROGRAM")
    assert left_out(findings, "3 cm bladder mass.", exam="CT UROGRAM")


def test_one_dissection_runs_through_several_vessels() -> None:
    findings = "Dissection flap starts beyond the left subclavian artery and extends to the right common iliac artery."

    assert not left_out(findings, "Type B aortic dissection.", exam="CTA AORTA")


def test_a_margin_of_the_mass_is_no_second_mass() -> None:
    mass = "31 mm mass in the pancreatic head."

    assert not left_out(f"{mass} The left renal vein runs along the margin of the mass.", "31 mm pancreatic head mass.")


def test_a_small_lesion_called_indeterminate_is_not_too_small_to_tell() -> None:
    mass = "31 mm mass in the pancreatic head."

    assert not left_out(f"{mass} 6 mm low density lesion in the liver.", "31 mm pancreatic head mass.")
    assert left_out(f"{mass} 6 mm low density lesion in the liver, indeterminate.", "31 mm pancreatic head mass.")


def test_a_little_fluid_in_the_examined_joint_is_no_news_and_much_of_it_is() -> None:
    assert not left_out("Menisci and ligaments intact. Small joint effusion.", "Normal knee.", exam="MRI KNEE")
    assert left_out("Menisci and ligaments intact. Large joint effusion.", "Normal knee.", exam="MRI KNEE")


def test_a_grade_one_sprain_stays_beside_a_rupture_of_the_same_knee() -> None:
    rupture = "Complete rupture of the anterior cruciate ligament."

    assert not left_out(f"{rupture} MCL grade 1 sprain.", rupture, exam="MRI KNEE")
    assert left_out(f"{rupture} Complete tear of the medial collateral ligament.", rupture, exam="MRI KNEE")


def test_gallstones_on_a_chest_ct_stay_in_the_findings_of_whatever_the_examination_is_called() -> None:
    for exam in ("CT chest", "CT chest with contrast", "CT THORAX"):
        assert not left_out("Lungs clear. Gallstones.", "Clear lungs.", exam=exam)
    assert left_out("Lungs clear. Gallstones.", "Clear lungs.", exam="CT chest abdomen")


def test_a_lasting_state_stays_beside_something_as_grave_and_a_graded_or_grown_one_does_not() -> None:
    stone = "6 mm stone in the right ureter."

    assert not left_out(f"{stone} Liver cirrhotic.", stone, exam="CT ABDOMEN")
    assert left_out("No stone. Liver cirrhotic.", "No stone.", exam="CT ABDOMEN")
    assert left_out(f"{stone} Severe splenomegaly.", stone, exam="CT ABDOMEN")


def test_a_nodule_does_not_stand_for_a_measured_one_on_the_other_side_unless_several_are_named() -> None:
    findings = "11 mm nodule in the right upper lobe. 8 mm nodule in the left lower lobe."

    assert left_out(findings, "11 mm right upper lobe nodule.", exam="CT CHEST")
    assert not left_out(findings, "Two nodules, the largest 11 mm in the right upper lobe.", exam="CT CHEST")


def test_stable_uptake_of_a_joint_does_not_stand_for_new_uptake_of_the_spine() -> None:
    findings = "Intense new uptake in T9. Stable mild uptake in the right knee."

    assert left_out(findings, "Stable mild uptake in the right knee.", exam="NM BONE SCAN")


def test_a_lesser_name_is_no_reading_of_a_clot() -> None:
    findings = "Liver nodular. Filling defect in the portal vein. Esophageal varices."

    assert left_out(findings, "Cirrhosis with portal hypertension.", exam="CT LIVER")


def test_the_only_measurement_repeated_tells_of_what_was_measured() -> None:
    findings = "Oval isoechoic striated lesion in the subcutaneous tissue, 47 mm. 12 mm lymph node in the axilla."

    assert not left_out(findings, "47 mm lipomatous tumor.", exam="US SOFT TISSUE")


def test_a_word_the_findings_use_once_tells_of_its_finding_unless_it_is_denied() -> None:
    findings = "No hemorrhage. Periventricular venous infarction on the left."

    assert not left_out(findings, "Left periventricular hemorrhagic infarction.", exam="US HEAD")
    assert left_out(findings, "Normal ventricles.", exam="US HEAD")


def test_initials_stand_for_the_words_they_begin() -> None:
    findings = "Right renal artery stenosis of 80 percent. Aorta of normal width."

    assert not left_out(findings, "Right RAS.", exam="MRA RENAL")
    assert left_out(findings, "Aorta of normal width.", exam="MRA RENAL")


def test_measured_lesions_of_the_brain_are_missed_when_nothing_is_said_of_them() -> None:
    findings = "15 mm enhancing lesion in the left frontal lobe. No hydrocephalus."

    assert left_out(findings, "No hydrocephalus.", exam="MRI BRAIN")
    assert not left_out(findings, "Left frontal metastasis.", exam="MRI BRAIN")


def test_a_complete_tear_is_not_told_by_an_inflammation_beside_it() -> None:
    findings = "Full thickness tear of the ulnar collateral ligament at its humeral attachment."

    assert left_out(findings, "Medial epicondylitis.", exam="MRI ELBOW")


def test_a_disease_whose_name_nobody_knows_may_be_any_lesser_finding_and_no_grave_one() -> None:
    assert not left_out("Moderate right pleural effusion.", "Right quadrulitis.", exam="XR CHEST")
    assert left_out("Right pneumothorax.", "Right quadrulitis.", exam="XR CHEST")
    assert left_out("Moderate right pleural effusion.", "No quadrulitis.", exam="XR CHEST")


def test_a_slight_shift_stays_beside_the_bleed_that_pushes_and_a_plain_one_does_not() -> None:
    bleed = "Right thalamic hemorrhage."

    assert not left_out(f"{bleed} Midline shift 3 mm to the left.", bleed, exam="CT HEAD")
    assert left_out(f"{bleed} Midline shift 9 mm to the left.", bleed, exam="CT HEAD")


def test_a_speck_stays_beside_the_nodule_that_is_told() -> None:
    nodule = "17 mm part-solid nodule in the right upper lobe."

    assert not left_out(f"{nodule} 4 mm solid nodule in the lingula.", nodule, exam="CT CHEST")
    assert left_out(f"{nodule} 9 mm solid nodule in the lingula.", nodule, exam="CT CHEST")
    assert left_out("4 mm solid nodule in the lingula. Emphysema.", "Emphysema.", exam="CT CHEST")


def test_what_surrounds_a_cavity_is_told_with_it() -> None:
    cavity = "3 cm cavity in the right upper lobe."

    assert not left_out(f"{cavity} Surrounding ground glass.", cavity, exam="XR CHEST")
    assert left_out(f"{cavity} Ground glass in the left lower lobe.", cavity, exam="XR CHEST")


def test_a_diagnosis_is_no_disease_that_nobody_can_read() -> None:
    assert left_out("Enlarged left hilar node.", "Tissue diagnosis is recommended.", exam="CT CHEST")


def test_gallstones_stay_beside_a_chance_find_of_another_organ() -> None:
    adenoma = "14 mm lipid-rich left adrenal adenoma."

    assert not left_out(f"{adenoma} Gallstones.", adenoma, exam="MRI ADRENAL")
    assert left_out("Normal adrenals. Gallstones.", "Normal adrenals.", exam="MRI ABDOMEN")


def test_a_mass_that_shrank_weighs_less_than_one_that_did_not() -> None:
    told = "Partial response of the nodes."

    assert not left_out("Adrenal nodule 21 mm, was 48 mm. Nodes smaller.", told, exam="CT ABDOMEN")
    assert left_out("Adrenal nodule 48 mm, was 21 mm. Nodes smaller.", told, exam="CT ABDOMEN")


def test_a_lesion_that_its_sentence_calls_harmless_stays_in_the_findings() -> None:
    told = "Stones in the common bile duct."

    assert not left_out(f"{told} 3.2 cm lesion in segment 7, haemangioma.", told, exam="MR LIVER")
    assert left_out(f"{told} 3.2 cm lesion in segment 7, indeterminate.", told, exam="MR LIVER")


def test_where_a_fracture_line_runs_is_no_second_fracture() -> None:
    told = "Left zygomatic fracture."

    assert not left_out(f"{told} Fracture crosses the infraorbital canal.", told, exam="CT FACE")
    assert left_out(f"{told} Fracture of the mandible.", told, exam="CT FACE")


def test_the_infarct_of_a_lung_is_told_by_its_embolus_and_one_of_the_brain_is_not() -> None:
    told = "Segmental pulmonary emboli in the right lower lobe."

    assert not left_out(
        f"{told} Peripheral opacity with central lucency, in keeping with infarct.", told, exam="CT PULMONARY ANGIOGRAM"
    )
    assert left_out(f"{told} Acute infarct of the left occipital lobe.", told, exam="CT HEAD AND CHEST")


def test_a_focus_called_similar_on_the_other_side_weighs_like_the_first() -> None:
    right = "Serpiginous subchondral lesion of the right femoral head, osteonecrosis, 35 percent."
    findings = f"{right} The left femoral head has a similar smaller focus. Gluteal tendons intact. Labrum intact."

    assert left_out(findings, "Osteonecrosis of the right femoral head.", exam="MR HIPS")
    assert not left_out(findings, "Osteonecrosis of both femoral heads.", exam="MR HIPS")


def test_a_low_lying_placenta_is_told_however_plainly_it_was_dictated() -> None:
    findings = "Placenta posterior, low-lying. Mild left renal pelvic dilatation. Normal growth."

    assert left_out(findings, "Normal growth. Mild left renal pelvic dilatation.", exam="US PREGNANCY")


def test_a_new_nodule_is_not_told_with_the_fibrosis_it_lies_in() -> None:
    findings = (
        "Honeycombing in both lower lobes, pulmonary fibrosis. New 11 mm solid nodule in the left lower lobe within the fibrosis."
    )

    assert left_out(findings, "UIP pattern of pulmonary fibrosis.", exam="HRCT CHEST")


def test_of_two_facts_of_one_breath_the_graver_omission_is_shown() -> None:
    findings = "Filling defects in the right lower lobe segmental pulmonary arteries, emboli. Wedge-shaped opacity, infarct. Small right effusion."
    flags = check(findings, "Small right effusion.", exam="CT PULMONARY ANGIOGRAM").flags

    assert flags[0].severity == "critical"
