"""How dictation is read: which number belongs to which lesion, what is of today, what is denied, and who the patient is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.guidelines import recommend
from engine.guidelines.measures import attenuations, measures, months
from engine.guidelines.patient import Patient
from engine.guidelines.reading import Document

SIZES: tuple[tuple[str, list[tuple[tuple[float, ...], bool]]], ...] = (
    ("a 6-mm nodule", [((6.0,), False)]),
    ("6 x 4 mm", [((6.0, 4.0), False)]),
    ("1.2 x 0.9 x 1 cm", [((12.0, 9.0, 10.0), False)]),
    (".8 cm", [((8.0,), False)]),
    ("a six millimeter nodule", [((6.0,), False)]),
    ("7 mm, previously 5 mm", [((7.0,), False), ((5.0,), True)]),
    ("previously 5 mm, now 7 mm", [((5.0,), True), ((7.0,), False)]),
    ("7 mm (previously 5 mm)", [((7.0,), False), ((5.0,), True)]),
    ("increased from 5 to 7 mm", [((5.0,), True), ((7.0,), False)]),
    ("5 mm on the prior study, 7 mm today", [((5.0,), True), ((7.0,), False)]),
    ("measures 7 mm compared with 5 mm 6 months ago", [((7.0,), False), ((5.0,), True)]),
    ("2 cm from the hilum", []),
    ("3 mm slice thickness and 5 mm sections", []),
    ("slice thickness of 1.25 mm", []),
    ("volume 120 mm3", []),
    ("series 4, image 62", []),
)


@pytest.mark.parametrize(("text", "expected"), SIZES, ids=[text for text, _ in SIZES])
def test_a_size_is_read_with_its_unit_and_its_time(text: str, expected: list[tuple[tuple[float, ...], bool]]) -> None:
    assert [(measure.mm, measure.prior) for measure in measures(text)] == expected


def test_a_bound_or_a_range_is_kept_as_what_it_is() -> None:
    below, between, sub = measures("less than 6 mm"), measures("between 6 and 8 mm"), measures("subcentimeter")

    assert below[0].bounds is not None
    assert (below[0].bounds.high, below[0].bounds.high_open) == (6.0, True)
    assert between[0].bounds is not None
    assert (between[0].bounds.low, between[0].bounds.high) == (6.0, 8.0)
    assert sub[0].bounds is not None
    assert sub[0].bounds.high == 10


def test_each_attenuation_keeps_its_phase() -> None:
    values = attenuations("25 HU unenhanced, 100 HU on the portal venous phase and 45 HU on the 15-minute delay")

    assert [(value.hu, value.phase) for value in values] == [(25.0, "unenhanced"), (100.0, "enhanced"), (45.0, "delayed")]
    assert attenuations("-5 HU")[0].hu == -5
    assert attenuations("minus 5 HU")[0].hu == -5


def test_a_stretch_of_time_is_counted_in_months() -> None:
    assert months("stable for three years") is not None
    assert (months("stable for three years") or months("")).low == 36  # type: ignore[union-attr]
    assert months("a 62-year-old man") is None
    assert months("unchanged since the prior") is None


LESIONS: tuple[tuple[str, str | None, list[tuple[str | None, float | None]]], ...] = (
    ("6 mm nodule in the LLL and a 12 mm left adrenal nodule adjacent to a 3 cm liver cyst.", None, [("lung", 6), ("adrenal", 12), ("liver", 30)]),
    ("LUNGS: Solid nodule, 7 mm.\nLIVER: 3 cm simple cyst.", None, [("lung", 7), ("liver", 30)]),
    ("There is a nodule in the right upper lobe. It measures 6 mm.", None, [("lung", 6)]),
    ("The right lobe measures 5.2 x 1.8 cm. There is a 9 mm nodule.", "thyroid", [("thyroid", 9)]),
    ("Nodule, right lobe, 11 mm.", "thyroid", [("thyroid", 11)]),
    ("The spleen measures 12 cm and contains a 9 mm lesion.", None, [("spleen", 9)]),
    ("Part-solid nodule in the lingula, 12 mm, with a 4 mm solid component.", None, [("lung", 12)]),
    ("Cystic left renal mass, 3 cm, with a 4 mm wall.", None, [("kidney", 30)]),
    ("Nodule measuring 1.4 cm left lower lobe.", None, [("lung", 14)]),
    ("Cyst of 3.4 cm without septations in the left ovary.", None, [("adnexa", 34)]),
)  # fmt: skip


@pytest.mark.parametrize(("text", "default", "expected"), LESIONS, ids=[text[:60] for text, _, _ in LESIONS])
def test_a_size_belongs_to_its_lesion_and_its_organ(
    text: str, default: str | None, expected: list[tuple[str | None, float | None]]
) -> None:
    lesions = Document(text, default).lesions

    assert [(lesion.organ, lesion.longest()) for lesion in lesions] == expected


@pytest.mark.parametrize(
    "text",
    [
        "No pulmonary nodule.",
        "There is no 6 mm nodule in the lung.",
        "Lungs: no suspicious nodules or masses.",
        "The previously seen 8 mm lung nodule has resolved.",
        "The lung nodule is no longer seen.",
        "The lung nodule has been resected.",
        "Pulmonary nodules: None.",
    ],
)
def test_a_lesion_that_is_denied_resolved_or_removed_is_not_there(text: str) -> None:
    assert Document(text).of("lung") == []


@pytest.mark.parametrize(
    "text",
    [
        "No significant change in the 5 mm right lower lobe nodule.",
        "5 mm lung nodule without interval change.",
        "Not only a 5 mm lung nodule.",
    ],
)
def test_a_denial_of_change_is_no_denial_of_the_lesion(text: str) -> None:
    assert len(Document(text).of("lung")) == 1


CANCER = (
    ("History of breast cancer", True), ("Colon cancer, restaging", True), ("65F with metastatic melanoma", True), ("breast CA", True),
    ("s/p nephrectomy for RCC", True), ("No history of cancer", False), ("Patient denies history of cancer", False),
    ("Lung cancer screening", None), ("Family history of lung cancer", None), ("Mother with breast cancer, abdominal pain", None),
    ("Rule out malignancy", None), ("Weight loss, concern for malignancy", None), ("? malignancy", None), ("Trauma", None),
    ("Evaluate for metastases in patient with known colon cancer", True),
)  # fmt: skip


@pytest.mark.parametrize(("indication", "expected"), CANCER)
def test_a_cancer_is_the_patients_own_and_not_a_question(indication: str, expected: bool | None) -> None:
    assert Patient("", indication, "CT chest").cancer is expected


AGES = (
    ("62-year-old male smoker", 62, "male"), ("65F with cough", 65, "female"), ("58 years of age", 58, None), ("70 y/o M", 70, "male"),
    ("Mother had breast cancer at age 40; 52M", 52, "male"), ("82 y.o. female", 82, "female"), ("cough", None, None),
)  # fmt: skip


@pytest.mark.parametrize(("indication", "age", "sex"), AGES)
def test_age_and_sex_stand_in_the_indication(indication: str, age: int | None, sex: str | None) -> None:
    patient = Patient("", indication)

    assert (patient.age, patient.sex) == (age, sex)


RISKS = (
    ("smoker", "high"), ("former smoker, quit 2010", "high"), ("30 pack-years", "high"), ("emphysema", "high"), ("no emphysema", None),
    ("family history of lung cancer", "high"), ("no risk factors for lung cancer", "low"), ("never smoker", "low"), ("cough", None),
)  # fmt: skip


@pytest.mark.parametrize(("indication", "risk"), RISKS)
def test_lung_cancer_risk_is_read_or_left_open(indication: str, risk: str | None) -> None:
    assert Patient("4 mm nodule, right lower lobe.", indication).lung_risk == risk


CONTRASTS = (
    ("CT abdomen with contrast", "with"), ("CT abdomen and pelvis w/o contrast", "without"), ("MRI abdomen w/wo", "both"),
    ("CT abdomen without and with contrast", "both"), ("Noncontrast CT", "without"), ("CT abdomen", None),
)  # fmt: skip


@pytest.mark.parametrize(("exam", "contrast"), CONTRASTS)
def test_contrast_is_read_from_the_order(exam: str, contrast: str | None) -> None:
    assert Patient("", "", exam).contrast == contrast


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_no_text_breaks_the_reader_and_no_offset_leaves_it(text: str) -> None:
    for answer in recommend(text + " 6 mm solid nodule in the right lower lobe. 1.5 cm adrenal nodule.", exam="CT chest"):
        assert answer.findings_span is None or 0 <= answer.findings_span[0] <= answer.findings_span[1] <= len(text) + 74


def test_a_span_shows_the_words_the_answer_rests_on() -> None:
    findings = "Liver: normal. Lungs: 7 mm solid nodule in the left lower lobe. Bones: normal."

    (answer,) = recommend(findings, exam="CT chest", age=60)

    assert answer.findings_span is not None
    assert re.search("7 mm solid nodule in the left lower lobe", findings[slice(*answer.findings_span)])


def test_reading_time_grows_with_the_text_and_not_faster() -> None:
    import time

    sentence = (
        "There is a 6 mm solid nodule in the right upper lobe, previously 5 mm, adjacent to a 3 cm cyst with no calcification. "
    )
    seconds = []
    for count in (20, 80):
        started = time.process_time()
        recommend(sentence * count, exam="CT chest", age=60)
        seconds.append(time.process_time() - started)

    assert seconds[1] < max(0.05, seconds[0]) * 16


@pytest.mark.parametrize(
    ("findings", "organ"),
    [("The lungs are clear. Heart size is normal.", "lung"), ("A 6 mm nodule in the right lower lobe.", "thyroid")],
    ids=["no lesion", "no word of the organ"],
)
def test_findings_that_name_no_lesion_or_not_the_organ_are_not_read_for_it(findings: str, organ: str) -> None:
    patient = Patient(findings, exam="CT abdomen")

    assert patient.lesions(organ) == []
    assert "document" not in vars(patient)


def test_an_examination_of_one_organ_need_not_name_it() -> None:
    (lesion,) = Patient("A 12 mm nodule.", exam="US thyroid").lesions("thyroid")

    assert lesion.longest() == 12
