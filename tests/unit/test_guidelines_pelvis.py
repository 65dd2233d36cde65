"""What the guidelines say of adnexal and prostate lesions: every row, every boundary from both sides, and the ways people dictate them."""

from __future__ import annotations

import pytest

from tests.unit.guideline_cases import Case, name

ADNEXAL = (
    Case("5.0 cm simple-appearing left ovarian cyst.", exam="CT pelvis with contrast", age=35, sex="F", says=("none", None)),
    Case(
        "5.1 cm simple-appearing left ovarian cyst.", exam="CT pelvis with contrast", age=35, sex="F", says=("follow-up", (6, 12))
    ),
    Case("3.0 cm simple cyst of the right ovary.", exam="CT pelvis with contrast", age=65, sex="F", says=("none", None)),
    Case("3.1 cm simple cyst of the right ovary.", exam="CT pelvis with contrast", age=65, sex="F", says=("follow-up", (6, 12))),
    Case(
        "3.5 cm simple cyst of the right ovary.",
        exam="CT abdomen and pelvis without contrast",
        age=65,
        sex="F",
        says=("further-imaging", None),
    ),
    Case(
        "6 cm simple cyst of the right ovary.", exam="MRI pelvis without and with contrast", age=35, sex="F", says=("none", None)
    ),
    Case(
        "7.1 cm simple cyst of the right ovary.",
        exam="MRI pelvis without and with contrast",
        age=35,
        sex="F",
        says=("follow-up", (6, 12)),
    ),
    Case(
        "4 cm simple cyst of the right adnexa.", exam="MRI pelvis without and with contrast", age=65, sex="F", says=("none", None)
    ),
    Case(
        "5.1 cm simple cyst of the right adnexa.",
        exam="MRI pelvis without and with contrast",
        age=65,
        sex="F",
        says=("follow-up", (6, 12)),
    ),
    Case("4 cm simple cyst in the left ovary.", exam="CT pelvis with contrast", sex="F", asks=frozenset({"menopausal status"})),
    Case(
        "4 cm simple cyst in the left ovary.",
        exam="CT pelvis with contrast",
        age=50,
        sex="F",
        asks=frozenset({"menopausal status"}),
    ),
    Case(
        "4 cm simple cyst in the left ovary.",
        exam="CT pelvis with contrast",
        indication="Postmenopausal woman",
        says=("follow-up", (6, 12)),
    ),
    Case("4 cm simple cyst in the left ovary.", exam="CT pelvis with contrast", indication="Premenopausal", says=("none", None)),
    Case("9 mm simple cyst in the left ovary.", exam="CT pelvis with contrast", sex="F", says=("none", None)),
    Case("Simple left ovarian cyst.", exam="CT pelvis with contrast", age=35, sex="F", asks=frozenset({"size"})),
    Case(
        "4 cm complex left adnexal mass with solid components.",
        exam="CT pelvis with contrast",
        age=35,
        sex="F",
        says=("further-imaging", None),
    ),
    Case("6 cm simple ovarian cyst.", exam="CT pelvis with contrast", indication="Pregnant", age=35, sex="F"),
    Case("6 cm simple ovarian cyst.", exam="CT pelvis with contrast", indication="BRCA1 carrier", age=35, sex="F"),
    Case(
        "6 cm simple left ovarian cyst unchanged for 3 years.",
        exam="CT pelvis with contrast",
        age=35,
        sex="F",
        says=("none", None),
    ),
    Case("6 cm simple left ovarian cyst.", exam="CT pelvis", age=35, sex="F", asks=frozenset({"contrast"})),
    Case("2 cm corpus luteum in the left ovary, cyst.", exam="CT pelvis with contrast", age=35, sex="F", says=("none", None)),
    Case("5 cm ovarian dermoid.", exam="CT pelvis with contrast", age=35, sex="F"),
    Case("No adnexal mass. 3 cm renal cyst.", exam="CT pelvis with contrast", age=35, sex="F"),
    Case("6 cm simple left ovarian cyst.", exam="CT pelvis with contrast", indication="Acute pelvic pain", age=35, sex="F"),
    Case(
        "Left ovarian unilocular cyst of 3.4 cm without septations or nodularity.",
        exam="CT abdomen pelvis without contrast",
        indication="postmenopausal, 62F",
        says=("further-imaging", None),
    ),
    Case(
        "Bilateral ovarian cysts, right 2 cm and left 5.5 cm, simple-appearing.",
        exam="CT pelvis with contrast",
        indication="40F",
        says=("follow-up", (6, 12)),
    ),
    Case(
        "Left adnexal cyst 3.6 cm simple; evaluation limited by streak artifact from hip prosthesis",
        exam="CT pelvis with contrast",
        indication="70F",
        says=("further-imaging", None),
    ),
    Case("Left ovarian cyst measuring 2 cm.", exam="CT pelvis with contrast", indication="70F", asks=frozenset({"composition"})),
    Case("Left ovary simple cyst 3.4 cm", exam="CT pelvis with contrast", indication="13F premenarchal"),
)


O_RADS_US = (
    Case("3 cm simple cyst left ovary.", exam="Pelvic ultrasound transvaginal", age=35, sex="F", says=("none", None, "O-RADS 1")),
    Case(
        "3.1 cm simple cyst left ovary.", exam="Pelvic ultrasound transvaginal", age=35, sex="F", says=("none", None, "O-RADS 2")
    ),
    Case(
        "5.0 cm simple cyst left ovary.", exam="Pelvic ultrasound transvaginal", age=35, sex="F", says=("none", None, "O-RADS 2")
    ),
    Case(
        "4 cm simple cyst left ovary.",
        exam="Pelvic ultrasound transvaginal",
        age=65,
        sex="F",
        says=("follow-up", (12, 12), "O-RADS 2"),
    ),
    Case(
        "5.1 cm simple cyst left ovary.",
        exam="Pelvic ultrasound transvaginal",
        age=35,
        sex="F",
        says=("follow-up", (12, 12), "O-RADS 2"),
    ),
    Case(
        "9.9 cm simple cyst left ovary.",
        exam="Pelvic ultrasound transvaginal",
        age=65,
        sex="F",
        says=("follow-up", (12, 12), "O-RADS 2"),
    ),
    Case(
        "10 cm simple cyst left ovary.",
        exam="Pelvic ultrasound transvaginal",
        age=65,
        sex="F",
        says=("referral", None, "O-RADS 3"),
    ),
    Case("4 cm simple cyst left ovary.", exam="Pelvic ultrasound transvaginal", sex="F", asks=frozenset({"menopausal status"})),
    Case(
        "Unilocular cyst of the right ovary, 4 cm, with 2 papillary projections.",
        exam="Pelvic ultrasound transvaginal",
        age=65,
        sex="F",
        says=("referral", None, "O-RADS 4"),
    ),
    Case(
        "Unilocular right ovarian cyst, 4 cm, with 4 papillary projections.",
        exam="Pelvic ultrasound transvaginal",
        age=65,
        sex="F",
        says=("referral", None, "O-RADS 5"),
    ),
    Case(
        "6 cm solid irregular mass in the left adnexa.",
        exam="Pelvic ultrasound transvaginal",
        age=65,
        sex="F",
        says=("referral", None, "O-RADS 5"),
    ),
    Case(
        "4 cm simple cyst left ovary. Ascites and peritoneal nodules.",
        exam="Pelvic ultrasound transvaginal",
        age=65,
        sex="F",
        says=("referral", None, "O-RADS 5"),
    ),
    Case(
        "6 cm simple left ovarian cyst.", exam="Pelvic ultrasound transvaginal", indication="Acute pelvic pain", age=35, sex="F"
    ),
    Case("Simple cyst left ovary.", exam="Pelvic ultrasound transvaginal", age=35, sex="F", asks=frozenset({"size"})),
    Case(
        "O-RADS 3 lesion of the left ovary 11 cm.",
        exam="Pelvic ultrasound transvaginal",
        age=35,
        sex="F",
        says=("referral", None, "O-RADS 3"),
    ),
    Case("4 cm left ovarian cyst.", exam="Pelvic ultrasound transvaginal", age=35, sex="F", asks=frozenset({"composition"})),
    Case("No adnexal mass.", exam="Pelvic ultrasound transvaginal", age=35, sex="F"),
    Case(
        "2 cm follicle, uterus normal. 4.2 cm simple cyst in the right ovary.",
        exam="Pelvic ultrasound transvaginal",
        age=65,
        sex="F",
        says=("follow-up", (12, 12), "O-RADS 2"),
    ),
    Case(
        "Left ovary: unilocular cyst 5 cm with 3 papillary projections.",
        exam="Transvaginal ultrasound",
        indication="55F",
        says=("referral", None, "O-RADS 4"),
    ),
    Case("Left ovary multilocular cyst 5 cm", exam="Transvaginal ultrasound", indication="55F"),
    Case("4 cm simple cyst of left ovary", exam="Transvaginal ultrasound", indication="28F, 8 weeks pregnant"),
)


PI_RADS = (
    Case(
        "Lesion in the right peripheral zone, 10 mm, DWI score 4, T2 score 3.",
        exam="MRI prostate with and without contrast",
        says=("biopsy", None, "4"),
    ),
    Case("Left PZ lesion, DWI 3, DCE positive.", exam="MRI prostate with and without contrast", says=("biopsy", None, "4")),
    Case("Left PZ lesion, DWI 3, DCE negative.", exam="MRI prostate with and without contrast", says=("referral", None, "3")),
    Case("Left PZ lesion, DWI 3.", exam="MRI prostate with and without contrast", asks=frozenset({"DCE"})),
    Case("Left PZ lesion, DWI 5.", exam="MRI prostate with and without contrast", says=("biopsy", None, "5")),
    Case("Left PZ lesion DWI: 2, T2: 4.", exam="MRI prostate with and without contrast", says=("none", None, "2")),
    Case("PZ lesion DWI 1.", exam="MRI prostate with and without contrast", says=("none", None, "1")),
    Case(
        "Transition zone lesion, T2 score 2, DWI score 4.",
        exam="MRI prostate with and without contrast",
        says=("referral", None, "3"),
    ),
    Case(
        "Transition zone lesion, T2 score 2, DWI score 3.",
        exam="MRI prostate with and without contrast",
        says=("none", None, "2"),
    ),
    Case("TZ lesion T2 3, DWI 5.", exam="MRI prostate with and without contrast", says=("biopsy", None, "4")),
    Case("TZ lesion T2 3, DWI 4.", exam="MRI prostate with and without contrast", says=("referral", None, "3")),
    Case("TZ lesion T2 1, DWI 5.", exam="MRI prostate with and without contrast", says=("none", None, "1")),
    Case("TZ lesion T2 4, DWI 2.", exam="MRI prostate with and without contrast", says=("biopsy", None, "4")),
    Case("TZ lesion T2 5.", exam="MRI prostate with and without contrast", says=("biopsy", None, "5")),
    Case("TZ lesion, T2 score 3.", exam="MRI prostate with and without contrast", asks=frozenset({"DWI score"})),
    Case("TZ lesion, DWI 4.", exam="MRI prostate with and without contrast", asks=frozenset({"T2 score"})),
    Case("Lesion with DWI score 4.", exam="MRI prostate with and without contrast", asks=frozenset({"zone"})),
    Case("PZ lesion 16 mm, DWI score 4.", exam="MRI prostate with and without contrast", says=("biopsy", None, "5")),
    Case(
        "PZ lesion 12 mm, markedly hypointense on ADC with focal marked restricted diffusion.",
        exam="MRI prostate with and without contrast",
        says=("biopsy", None, "4"),
    ),
    Case(
        "PZ lesion 15 mm, focal marked restricted diffusion on DWI.",
        exam="MRI prostate with and without contrast",
        says=("biopsy", None, "5"),
    ),
    Case(
        "PZ lesion 9 mm DWI 4 with extraprostatic extension.",
        exam="MRI prostate with and without contrast",
        says=("biopsy", None, "5"),
    ),
    Case(
        "PZ lesion 9 mm DWI 4. No extraprostatic extension.",
        exam="MRI prostate with and without contrast",
        says=("biopsy", None, "4"),
    ),
    Case("PI-RADS 4 lesion in the left mid gland.", exam="MRI prostate with and without contrast", says=("biopsy", None, "4")),
    Case("Lesion PZ DWI 4.", exam="MRI prostate with and without contrast", indication="s/p prostatectomy"),
    Case("PZ lesion, DWI 4.", exam="CT pelvis"),
    Case(
        "Prostate measures 5.2 x 4.1 x 4.8 cm. Lesion 1: right PZ, 8 mm, T2 score 4, DWI score 4, DCE negative.",
        exam="MRI prostate with and without contrast",
        says=("biopsy", None, "4"),
    ),
    Case(
        "Lesion 1: left PZ, DWI 3, DCE negative. Lesion 2: right TZ, T2 4, DWI 3, 11 mm.",
        exam="MRI prostate with and without contrast",
        says=("biopsy", None, "4"),
    ),
    Case("No suspicious focal lesion in the peripheral zone.", exam="MRI prostate with and without contrast"),
    Case("Lesion in the peripheral zone.", exam="MRI prostate with and without contrast", asks=frozenset({"DWI score"})),
    Case(
        "The transition zone is enlarged with BPH. In the left peripheral zone at midgland there is a lesion: DWI 4, 12 mm.",
        exam="MRI prostate",
        says=("biopsy", None, "4"),
    ),
    Case(
        "Prostate volume 45 cc. Left apex peripheral zone lesion measuring 1.1 cm: T2WI 4, DWI/ADC 4, DCE (+). PI-RADS 4.",
        exam="MRI prostate",
        says=("biopsy", None, "4"),
    ),
    Case("PI-RADS v2.1 category 5 lesion left base. Previously PI-RADS 3.", exam="MRI prostate", says=("biopsy", None, "5")),
    Case(
        "Peripheral zone, left posterolateral mid: T2: 4/5. DWI: 4/5. DCE: positive. Size 14 mm.",
        exam="MRI prostate",
        indication="PSA 7",
        says=("biopsy", None, "4"),
    ),
    Case("PZ lesion with DWI score 3 and positive dynamic contrast enhancement", exam="MRI prostate", says=("biopsy", None, "4")),
    Case(
        "Peripheral zone lesion with T2 score 4. DWI nondiagnostic due to hip prosthesis.",
        exam="MRI prostate",
        asks=frozenset({"DWI score"}),
    ),
    Case(
        "Target 1: PZ, DWI 4. PI-RADS 4. Target 2: TZ, T2 3, DWI 3. PI-RADS 3.", exam="MRI prostate", says=("biopsy", None, "4")
    ),
)


@pytest.mark.parametrize("case", ADNEXAL, ids=name)
def test_adnexal_masses_are_answered_asked_for_or_left_alone(case: Case) -> None:
    case.hold("adnexal")


@pytest.mark.parametrize("case", O_RADS_US, ids=name)
def test_o_rads_us_are_answered_asked_for_or_left_alone(case: Case) -> None:
    case.hold("o_rads_us")


@pytest.mark.parametrize("case", PI_RADS, ids=name)
def test_pi_rads_are_answered_asked_for_or_left_alone(case: Case) -> None:
    case.hold("pi_rads")
