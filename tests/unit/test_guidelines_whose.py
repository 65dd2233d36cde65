"""Whose lesion, whose size and whose illness: what a sixth set of blind dictations taught, where a slip is a wrong recommendation."""

from __future__ import annotations

import pytest

from engine.guidelines import Answer, recommend
from engine.guidelines.elsewhere import outside
from engine.guidelines.patient import Patient
from engine.lexicon import lexicon

NODULE = "7 mm solid nodule in the right lower lobe."


def fleischner(findings: str, indication: str = "Cough") -> list[Answer]:
    answers = recommend(findings, indication=indication, exam="CT chest with contrast", age=60, sex="F", risk="low")
    return [answer for answer in answers if answer.guideline.startswith("Fleischner")]


def test_a_nodule_of_no_place_in_the_lung_is_no_pulmonary_nodule() -> None:
    known = lexicon()
    beyond = [place for place in known.places if not known.around[place] & {"thorax"} and place not in ("body", "vessels")]
    labels = [known.places[place].label for place in beyond]

    wrong = [
        label for label in labels if outside(f"in the {label}", "lung") and fleischner(f"12 mm solid nodule in the {label}.")
    ]

    assert len(labels) > 300
    assert wrong == []


@pytest.mark.parametrize(
    "place",
    ["trapezius", "goitre", "diaphragm", "manubrium", "epidural space", "supraclavicular fossa", "oesophagus", "pericardium"],
)
@pytest.mark.parametrize(
    "sentence", ["12 mm solid nodule in the {}.", "{}: 12 mm solid nodule.", "{}: Normal. There is a 12 mm nodule."]
)
def test_a_nodule_outside_the_lung_is_none_of_fleischner(sentence: str, place: str) -> None:
    assert fleischner(sentence.format(place).capitalize()) == []


@pytest.mark.parametrize("place", ["upper pole", "mid gland", "isthmus", "lower third", "right mid pole"])
def test_a_part_that_many_organs_have_stays_with_the_organ_examined(place: str) -> None:
    (lesion,) = Patient(f"12 mm nodule in the {place}.", exam="US thyroid").lesions("thyroid")

    assert lesion.longest() == 12


ILL = (
    "s/p renal tx on MMF",
    "kidney allograft",
    "HSCT day +60",
    "on prednisone 20 mg daily",
    "long-term steroids",
    "anti-TNF therapy",
    "on biologics",
    "tofacitinib",
    "CVID",
    "CD4 90",
    "breast ca 2019",
    "Ca colon",
    "renal cell ca",
    "SCC of the tongue",
    "AML",
    "ALL in remission",
    "osteosarcoma",
    "cholangiocarcinoma",
    "GBM",
    "DCIS 2020",
    "known mets",
    "chemo",
    "pT2N0 rectal",
    "restaging",
)
WELL = (
    "query lung cancer",
    "r/o mets",
    "family history of leukaemia",
    "HIV negative",
    "steroid inhaler",
    "hair transplant",
    "CA 19-9 normal",
    "renal AML",
    "staging of liver fibrosis",
    "no chemo",
    "colon cancer screening",
)


@pytest.mark.parametrize("indication", ILL)
def test_cancer_and_weak_immunity_end_fleischner_in_whatever_abbreviation(indication: str) -> None:
    assert fleischner(NODULE, indication) == []


@pytest.mark.parametrize("indication", WELL)
def test_an_illness_that_is_sought_denied_or_somebody_elses_ends_nothing(indication: str) -> None:
    assert [answer.interval_months for answer in fleischner(NODULE, indication)] == [(6, 12)]


@pytest.mark.parametrize(
    ("findings", "exam", "indication", "guideline"),
    [
        ("Left adrenal nodule 2.5 cm, 40 HU, no prior.", "CT abdomen", "?phaeo", "adrenal"),
        ("PZ lesion: T2 4, DWI 4.", "MR prostate", "s/p RALP", "PI-RADS"),
        ("Solid enhancing left renal mass 2.4 cm.", "CT abdomen without and with contrast", "TSC", "renal"),
        ("2.6 cm solid hypoechoic nodule, wider than tall, smooth, no foci.", "US thyroid", "thyroid ca", "TI-RADS"),
        ("Baseline. Solid nodule 7 mm.", "LDCT lung screening", "known lung ca", "Lung-RADS"),
        ("4.8 cm complex left adnexal cyst.", "CT pelvis with contrast", "G2P1 at 20 weeks", "adnexal"),
        ("Segment 8: 25 mm, nonrim APHE, washout, capsule.", "MRI liver", "Fontan, cirrhosis", "LI-RADS"),
    ],
)
def test_whom_a_guideline_is_not_for_is_known_by_abbreviation_too(
    findings: str, exam: str, indication: str, guideline: str
) -> None:
    answers = recommend(findings, exam=exam, indication=indication, age=45)

    assert [answer for answer in answers if guideline in answer.guideline] == []


@pytest.mark.parametrize(
    "findings",
    [
        "The ascending aorta is dilated. It measures 4.2 cm.",
        "Thoracic aorta: aneurysm of the descending portion. Maximum diameter 4.6 cm.",
        "Abdominal aorta normal. Descending thoracic aortic aneurysm. The aneurysm measures 5.8 cm.",
    ],
)
def test_a_thoracic_aneurysm_told_over_two_sentences_is_no_abdominal_one(findings: str) -> None:
    assert [
        answer for answer in recommend(findings, exam="CTA chest abdomen", age=70) if answer.guideline.startswith("AAA")
    ] == []


def test_an_abdominal_aneurysm_may_be_measured_two_sentences_on() -> None:
    findings = "Abdominal aortic aneurysm. There is mural thrombus. It measures 4.2 cm."

    assert [answer.interval_months for answer in recommend(findings, exam="CTA abdomen", age=70)] == [(12, 12)]


def test_the_size_behind_a_nodule_is_not_that_of_the_next_one() -> None:
    findings = "Pure ground-glass nodule RUL 12 mm and solid nodule RLL 6.5 mm."

    ground_glass, solid = Patient(findings, exam="CT chest").lesions("lung")

    assert (ground_glass.longest(), solid.longest()) == (12, 6.5)


def test_what_a_nodule_was_and_what_it_is_now() -> None:
    findings = "The 4 mm RUL nodule is now 7 mm. The 8 mm LLL granuloma is the same."

    nodule, granuloma = Patient(findings, exam="CT chest").lesions("lung")

    assert (nodule.longest(), nodule.before(), granuloma.longest()) == (7, 4, 8)


def test_two_sizes_within_measurement_error_are_no_growth() -> None:
    (answer,) = recommend(
        "Left adrenal nodule 31 mm, was 30 mm in 2021, indeterminate.", exam="CT abdomen", indication="No cancer"
    )

    assert answer.missing == ("growth",)


def test_a_size_is_not_that_of_what_is_denied() -> None:
    (answer,) = recommend("Cystic nodule with no solid component in the left lobe, 4.2 cm.", exam="US thyroid")

    assert (answer.category, answer.action) == ("TR1", "none")


def test_an_enhancing_nodule_of_a_cystic_mass_is_its_protrusion() -> None:
    findings = "Right kidney cystic mass 4 cm, enhancing nodule of 5 mm with obtuse margins."

    (answer,) = recommend(findings, exam="CT kidneys without and with contrast")

    assert answer.category == "IV"


def test_a_mass_is_solid_unless_told_otherwise_and_over_three_centimetres_no_nodule() -> None:
    (small,) = fleischner("2 cm mass in the right lower lobe.")

    assert small.category == "single solid >8 mm"
    assert fleischner("4.2 cm mass in the right lower lobe.") == []


@pytest.mark.parametrize(
    ("findings", "exam", "category"),
    [
        ("Lung-RADS category 3. 6 mm nodule.", "LDCT lung screening", "3"),
        ("Nodule #1: 0.8 cm; solid, taller-than-wide, no foci. TI-RADS 5 (7 points).", "US thyroid", "TR5"),
        ("Incomplete: need prior mammograms for comparison (BI-RADS 0).", "Screening mammogram", "0"),
    ],
)
def test_a_dictated_category_stands_where_the_features_do_not_decide(findings: str, exam: str, category: str) -> None:
    (answer,) = recommend(findings, exam=exam, age=60)

    assert answer.category == category


def test_the_isthmus_of_a_heading_takes_no_nodules_size() -> None:
    findings = "Isthmus: 10 mm solid, markedly hypoechoic nodule, taller than wide, irregular margin, punctate echogenic foci."

    (answer,) = recommend(findings, exam="US thyroid")

    assert (answer.category, answer.action) == ("TR5", "biopsy")


BESIDE = (
    "Left renal simple cyst 3.1 cm.",
    "1.2 cm simple cyst in the right hepatic lobe.",
    "Baker cyst of 3 cm behind the left knee.",
    "12 mm parotid nodule.",
    "22 mm paraspinal mass at T8, likely schwannoma.",
    "Sebaceous cyst of 18 mm in the anterior chest wall.",
)
ANSWERED = (
    ("Anterior transition zone lesion 12 mm: T2 score 3, DWI score 4.", "MRI prostate", "3"),
    ("Lesion 1, TZ: T2 4, DWI 4, DCE neg, 1.4 cm.", "MRI prostate", "4"),
    ("Nodule #1, left upper: 0.8 cm; solid, hypoechoic, taller-than-wide, no foci. TI-RADS 5.", "US thyroid", "TR5"),
    ("Solid nodule in the right lower lobe measuring 7 mm.", "CT chest", "single solid 6-8 mm"),
    ("Pancreatic cyst 1.2 cm; the main pancreatic duct measures 7 millimeters.", "MRCP", "worrisome feature"),
)


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize(("findings", "exam", "category"), ANSWERED)
def test_what_else_is_told_before_or_after_changes_no_answer(findings: str, exam: str, category: str, beside: str) -> None:
    for text in (findings, f"{beside} {findings}", f"{findings} {beside}"):
        categories = [answer.category for answer in recommend(text, exam=exam, age=60, risk="low") if not answer.missing]

        assert category in categories, text


@pytest.mark.parametrize("size", ["15 mm", "1.5 cm"])
def test_a_decimal_point_parts_no_solid_component_from_its_nodule(size: str) -> None:
    (answer,) = fleischner(f"Subsolid nodule left upper lobe {size}, the solid component measuring 7 mm.")

    assert answer.category == "single part-solid >=6 mm"


def test_a_line_that_begins_with_a_small_letter_goes_on_with_the_sentence() -> None:
    findings = "Cirrhosis. Segment III 11\nmm observation: nonrim arterial phase hyperenhancement, washout, enhancing capsule."

    (answer,) = recommend(findings, exam="MRI liver", age=60)

    assert answer.category == "LR-5"


def test_both_zones_told_one_after_the_other_are_scored_each() -> None:
    findings = "Prostate 42 cc. PZ: left mid 11 mm lesion, DWI 4, T2 4. TZ: BPH nodules up to 22 mm, T2 2, DWI 2."

    (answer,) = recommend(findings, exam="MRI prostate", age=66, sex="M")

    assert answer.category == "4"


def test_a_size_of_something_else_in_the_next_sentence_is_not_the_nodules() -> None:
    findings = "Solid 5 mm nodule in the right lower lobe. Status post endovascular repair. Residual sac 5.8 cm, no endoleak."

    (lesion,) = Patient(findings, exam="CT chest").lesions("lung")

    assert lesion.longest() == 5
