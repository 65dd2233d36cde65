"""What a denial denies: a kind of a thing, a quality of an organ, the place it does not reach; and how a contradiction is named."""

from __future__ import annotations

import pytest

from engine.checks import check
from engine.facts import read_facts


def classes(findings: str, impression: str) -> set[str]:
    return {str(flag.flag_class.value) for flag in check(findings, impression).flags if flag.severity != "minor"}


def present(text: str) -> list[tuple[str, str | None]]:
    return [(fact.concept, fact.place) for fact in read_facts(text) if fact.is_present]


def test_no_suspicious_nodule_denies_no_other_one() -> None:
    findings = "4 mm solid nodule in the left lower lobe, fat-containing. No pleural effusion."

    assert "negation" not in classes(findings, "No suspicious nodule.")
    assert "negation" in classes(findings, "No pulmonary nodule.")


def test_no_radiopaque_foreign_body_leaves_the_others_open() -> None:
    findings = "Right lung hyperlucent with air trapping on expiration. No radiopaque foreign body."

    assert not classes(findings, "Right air trapping, suspicious for a foreign body in the right main bronchus.")


def test_a_patent_portal_vein_may_belong_to_portal_hypertension() -> None:
    findings = "Nodular liver. Splenomegaly of 17 cm. Esophageal varices. Portal vein patent."

    assert "false-finding" not in classes(findings, "Cirrhosis with portal hypertension, varices and splenomegaly.")
    assert classes(findings, "Cirrhosis with varices and splenomegaly. Portal vein thrombosis.") & {"negation", "false-finding"}


@pytest.mark.parametrize(
    ("impression", "flag"),
    [
        ("Pneumothorax.", "negation"),
        ("Acute pneumothorax.", "negation"),
        ("Left pneumothorax.", "false-finding"),
        ("Large 4 cm apical pneumothorax.", "false-finding"),
    ],
)
def test_a_word_turned_round_is_a_negation_and_a_thing_described_an_invention(impression: str, flag: str) -> None:
    assert flag in classes("No pneumothorax. No effusion.", impression)


def test_what_is_described_and_called_unlikely_is_an_error_of_certainty() -> None:
    findings = "Cortical erosion and periosteal reaction of the calcaneus deep to an ulcer."

    assert "certainty" in classes(findings, "Heel ulcer. Osteomyelitis is unlikely.")


def test_a_disease_is_not_in_the_vessel_that_is_called_patent() -> None:
    findings = "Filling defect in the superior mesenteric artery. The celiac artery is patent."

    assert "location" in classes(findings, "Celiac artery embolus.")
    assert "location" not in classes(findings, "Superior mesenteric artery embolus.")


def test_what_a_fracture_does_not_reach_is_not_broken() -> None:
    findings = "Fracture of the lateral tibial plateau. It does not extend to the medial plateau."

    assert all(place != "medial_tibial_plateau" for _, place in present(findings))


def test_absent_on_the_prior_is_new_and_not_absent() -> None:
    [fact] = [fact for fact in read_facts("Lytic lesion in the left iliac bone, absent on prior.") if fact.is_present]

    assert fact.change == "new"


def test_none_of_them_enhancing_leaves_the_lesions_there() -> None:
    assert any(concept != "enhancement" for concept, _ in present("Three periventricular hyperintense lesions, none enhancing."))


def test_a_smooth_mass_calls_its_surroundings_not_normal() -> None:
    facts = read_facts("Smooth anterior mediastinal mass.")

    assert not any(fact.is_normal for fact in facts)


def test_to_the_left_of_the_artery_is_beside_it() -> None:
    [mass] = [fact for fact in read_facts("Anterior mediastinal mass to the left of the pulmonary artery.") if fact.is_present]

    assert mass.place == "anterior_mediastinum"


def test_an_occipital_fracture_is_of_the_bone() -> None:
    assert not classes("Linear fracture of the left occipital bone.", "Left occipital fracture.")


def test_a_heading_of_one_kidney_says_nothing_of_a_vertebra() -> None:
    facts = read_facts("Left kidney: 2 cm laceration of the lower pole. L2 burst fracture.")

    assert [fact.side for fact in facts if "L2" in fact.levels] == [None]


def test_no_effusion_of_the_elbow_is_denied_by_the_effusion_that_was_dictated() -> None:
    assert "negation" in classes("Elevated fat pads indicating a joint effusion.", "No elbow joint effusion.")


def test_an_intact_globe_is_not_ruptured() -> None:
    assert "negation" in classes("Orbital floor fracture. Globe intact.", "Orbital floor fracture with globe rupture.")


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("Occlusive thrombus in the basilic vein. Cephalic vein has no thrombus.", "Thrombosis of the basilic vein."),
        ("Contrast jet in the ascending colon from a diverticulum, active extravasation. Duodenum no bleed.", "Active colonic bleeding."),
        ("Fracture of the nasal bones. Anterior nasal spine intact.", "Nasal bone fracture."),
        ("Hydronephrosis of the left kidney. Left ureteric jet absent.", "Left hydronephrosis, absent jet."),
        ("Necrotic mass of the left tongue, depth of invasion 14 mm. No mandibular involvement.", "Left tongue mass. No mandibular invasion."),
        ("Filling defects in the segmental arteries of the right lower lobe. No central embolus.", "Segmental right lower lobe emboli."),
        ("Right ICA: plaque, residual lumen 1.1 mm against 4.6 mm distally, 76% stenosis.", "Severe right ICA stenosis."),
        ("3 mm perifissural nodule, typical of a lymph node. The opacity was a nipple shadow.", "No nodule to account for the opacity."),
        ("New 12 mm lobulated nodule in the left lower lobe.", "New 12 mm left lower lobe nodule, malignancy to be excluded."),
    ],
)  # fmt: skip
def test_what_is_denied_of_one_thing_is_not_denied_of_the_next(findings: str, impression: str) -> None:
    assert not classes(findings, impression) & {"negation", "false-finding"}


@pytest.mark.parametrize(
    ("findings", "impression", "flag"),
    (
        ("No pneumothorax.", "Small pneumothorax.", "negation"),
        ("Portal vein patent.", "Portal vein thrombosis.", "negation"),
        ("No pneumothorax.", "3 cm right apical pneumothorax.", "false-finding"),
        ("Gallbladder normal.", "Acute cholecystitis.", "false-finding"),
    ),
)
def test_a_word_turned_round_is_a_negation_and_a_finding_with_its_site_an_invention(
    findings: str, impression: str, flag: str
) -> None:
    assert flag in classes(findings, impression)


def test_a_laceration_of_the_wrong_organ_is_a_wrong_place_and_a_second_one_an_invention() -> None:
    findings = "Liver laceration through segments 6 and 7. Spleen, pancreas and both kidneys intact."

    assert "location" in classes(findings, "Splenic laceration.")
    assert "false-finding" in classes(findings, "Liver laceration. Splenic laceration.")
