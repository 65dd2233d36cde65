"""What the guidelines say of thyroid nodules and breast categories: every row, every boundary from both sides, and the ways people dictate them."""

from __future__ import annotations

import pytest

from tests.unit.guideline_cases import Case, name

TI_RADS = (
    Case(
        "14 mm solid hypoechoic nodule in the right mid pole, wider than tall, smooth margins, no echogenic foci.",
        exam="Thyroid ultrasound",
        says=("follow-up", (12, 12), "TR4"),
    ),
    Case(
        "15 mm solid hypoechoic nodule in the right mid pole, wider than tall, smooth margins, no echogenic foci.",
        exam="Thyroid ultrasound",
        says=("biopsy", None, "TR4"),
    ),
    Case(
        "9 mm solid hypoechoic nodule in the right mid pole, wider than tall, smooth margins, no echogenic foci.",
        exam="Thyroid ultrasound",
        says=("none", None, "TR4"),
    ),
    Case(
        "Solid isoechoic nodule, 24 mm, wider-than-tall, smooth, no echogenic foci.",
        exam="Thyroid ultrasound",
        says=("follow-up", (12, 12), "TR3"),
    ),
    Case(
        "Solid isoechoic nodule, 25 mm, wider-than-tall, smooth, no echogenic foci.",
        exam="Thyroid ultrasound",
        says=("biopsy", None, "TR3"),
    ),
    Case(
        "Solid isoechoic nodule, 14 mm, wider-than-tall, smooth, no echogenic foci.",
        exam="Thyroid ultrasound",
        says=("none", None, "TR3"),
    ),
    Case("Spongiform nodule 30 mm.", exam="Thyroid ultrasound", says=("none", None, "TR1")),
    Case("4 cm simple cyst in the right lobe.", exam="Thyroid ultrasound", says=("none", None, "TR1")),
    Case(
        "Solid, very hypoechoic, taller-than-wide nodule measuring 5 mm with irregular margins and punctate "
        "echogenic foci in the left lobe.",
        exam="Thyroid ultrasound",
        says=("follow-up", (12, 12), "TR5"),
    ),
    Case(
        "Solid, very hypoechoic, taller-than-wide nodule measuring 4 mm with irregular margins and punctate echogenic foci.",
        exam="Thyroid ultrasound",
        says=("none", None, "TR5"),
    ),
    Case(
        "Solid, hypoechoic, taller-than-wide nodule measuring 1.0 cm with irregular margins and punctate echogenic foci.",
        exam="Thyroid ultrasound",
        says=("biopsy", None, "TR5"),
    ),
    Case("Solid hypoechoic nodule 16 mm.", exam="Thyroid ultrasound", says=("biopsy", None)),
    Case(
        "Solid hypoechoic nodule 12 mm, wider than tall.", exam="Thyroid ultrasound", asks=frozenset({"echogenic foci", "margin"})
    ),
    Case(
        "Mixed cystic and solid isoechoic nodule 20 mm, wider than tall, smooth margin, no calcifications.",
        exam="Thyroid ultrasound",
        says=("none", None, "TR2"),
    ),
    Case(
        "Nodule 1: Location: right upper. Size: 1.6 x 1.2 x 1.1 cm. Composition: solid. Echogenicity: hypoechoic. "
        "Shape: wider than tall. Margin: smooth. Echogenic foci: none.",
        exam="Thyroid ultrasound",
        says=("biopsy", None, "TR4"),
    ),
    Case(
        "The right lobe measures 5.2 x 1.8 x 1.6 cm. The isthmus is 4 mm. 9 mm solid isoechoic nodule in the left "
        "lobe, wider than tall, smooth, no echogenic foci.",
        exam="Thyroid ultrasound",
        says=("none", None, "TR3"),
    ),
    Case("TI-RADS 4 nodule in the left lobe measuring 1.2 cm.", exam="Thyroid ultrasound", says=("follow-up", (12, 12), "TR4")),
    Case("TR5 nodule, right lobe, 1.1 cm.", exam="Thyroid ultrasound", says=("biopsy", None, "TR5")),
    Case(
        "Solid hypoechoic nodule, smooth, wider than tall, no echogenic foci in the right lobe.",
        exam="Thyroid ultrasound",
        asks=frozenset({"size"}),
    ),
    Case("1.8 cm solid hypoechoic nodule, benign on prior FNA.", exam="Thyroid ultrasound"),
    Case(
        "20 mm solid hypoechoic nodule in the right mid pole, wider than tall, smooth margins, no echogenic foci.",
        exam="Thyroid ultrasound",
        indication="Papillary thyroid cancer",
    ),
    Case(
        "20 mm solid hypoechoic nodule in the right mid pole, wider than tall, smooth margins, no echogenic foci.",
        exam="CT neck with contrast",
    ),
    Case(
        "Mixed isoechoic 16 mm nodule, wider than tall, smooth margin, macrocalcification.",
        exam="Thyroid ultrasound",
        says=("follow-up", (12, 12), "TR3"),
    ),
    Case(
        "16 mm solid hyperechoic nodule, wider than tall, ill-defined margin, peripheral rim calcification.",
        exam="Thyroid ultrasound",
        says=("biopsy", None, "TR4"),
    ),
    Case("Heterogeneous gland. No discrete nodule.", exam="Thyroid ultrasound"),
    Case(
        "Solid nodule 14 mm whose echogenicity cannot be determined, wider than tall, smooth margin, no punctate echogenic foci.",
        exam="Thyroid ultrasound",
        says=("none", None, "TR3"),
    ),
    Case(
        "Nodule 1: 1.6 cm spongiform. Nodule 2: 1.1 cm solid, very hypoechoic, taller than wide, smooth, no echogenic foci.",
        exam="Thyroid ultrasound",
        says=("biopsy", None, "TR5"),
    ),
    Case(
        "RIGHT LOBE: 4.8 x 1.6 x 1.5 cm. In the mid right lobe there is a 1.3 x 0.9 x 0.8 cm nodule which is "
        "solid or almost completely solid, hypoechoic, wider than tall with smooth margins and no echogenic foci.",
        exam="US thyroid",
        says=("follow-up", (12, 12), "TR4"),
    ),
    Case(
        "Mid left: 8 x 6 x 5 mm markedly hypoechoic solid nodule, taller than wide, with lobulated margins and "
        "punctate echogenic foci (microcalcifications).",
        exam="US thyroid",
        says=("follow-up", (12, 12), "TR5"),
    ),
    Case(
        "Right lobe nodule, previously 1.2 cm, now measures 1.6 cm; solid, hypoechoic, wider than tall, smooth, "
        "no echogenic foci.",
        exam="US thyroid",
        says=("biopsy", None, "TR4"),
    ),
    Case(
        "Thyroid: nodule right lobe, 1.8 cm. Left lobe: 4 mm colloid cyst.",
        exam="US thyroid",
        asks=frozenset({"composition", "echogenic foci", "echogenicity", "margin", "shape"}),
    ),
    Case("No suspicious nodule. 3 mm cyst in left lobe.", exam="US thyroid", says=("none", None)),
    Case(
        "Thyroid nodule 12 mm with coarse calcification, solid, isoechoic, smooth margin, wider than tall.",
        exam="US thyroid",
        says=("follow-up", (12, 12), "TR4"),
    ),
    Case(
        "2.0 cm solid nodule isoechoic, not taller than wide, margins smooth, without echogenic foci",
        exam="US thyroid",
        says=("follow-up", (12, 12), "TR3"),
    ),
    Case(
        "Solid hypoechoic 1.2 cm nodule, AP dimension greater than transverse, smooth margins, no calcifications",
        exam="US thyroid",
        says=("biopsy", None, "TR5"),
    ),
    Case(
        "Nodule #1: right mid, 2.6 x 1.8 x 1.5 cm, solid, isoechoic, wider-than-tall, smooth, no echogenic foci. "
        "Nodule #2: left lower, 0.9 cm, solid, hypoechoic, taller-than-wide, irregular margin, punctate echogenic "
        "foci.",
        exam="US thyroid",
        says=("biopsy", None, "TR3"),
    ),
    Case("1.2 cm solid markedly hypoechoic nodule", exam="US thyroid", asks=frozenset({"echogenic foci", "margin", "shape"})),
)


THYROID_INCIDENTAL = (
    Case(
        "1.2 cm hypodense nodule in the right thyroid lobe.", exam="CT neck with contrast", age=34, says=("further-imaging", None)
    ),
    Case("1.2 cm hypodense nodule in the right thyroid lobe.", exam="CT neck with contrast", age=35, says=("none", None)),
    Case(
        "1.5 cm hypodense nodule in the right thyroid lobe.", exam="CT neck with contrast", age=35, says=("further-imaging", None)
    ),
    Case("1.4 cm hypodense nodule in the right thyroid lobe.", exam="CT neck with contrast", age=60, says=("none", None)),
    Case("9 mm thyroid nodule.", exam="CT neck with contrast", age=20, says=("none", None)),
    Case("1.2 cm thyroid nodule.", exam="CT neck with contrast", asks=frozenset({"age"})),
    Case("1.6 cm thyroid nodule.", exam="CT neck with contrast", says=("further-imaging", None)),
    Case("9 mm thyroid nodule.", exam="CT neck with contrast", says=("none", None)),
    Case("Thyroid nodule on the left.", exam="CT neck with contrast", age=60, asks=frozenset({"size"})),
    Case(
        "8 mm thyroid nodule with suspicious left cervical lymph nodes.",
        exam="CT neck with contrast",
        age=60,
        says=("further-imaging", None),
    ),
    Case(
        "8 mm nodule in the left thyroid lobe with focal FDG uptake, SUVmax 6.",
        exam="PET/CT skull base to mid thigh",
        age=60,
        says=("biopsy", None),
    ),
    Case(
        "2 cm thyroid nodule.",
        exam="CT neck with contrast",
        indication="Hospice patient with limited life expectancy",
        age=80,
        says=("none", None),
    ),
    Case("2 cm thyroid nodule.", exam="CT neck with contrast", indication="Known papillary thyroid cancer", age=50),
    Case("2 cm thyroid nodule.", exam="Thyroid ultrasound", age=50),
    Case("2 cm thyroid nodule.", age=50, asks=frozenset({"modality"})),
    Case("Diffuse FDG uptake in the thyroid gland.", exam="PET/CT", age=50),
    Case(
        "Lungs: 7 mm solid nodule. Thyroid: 16 mm nodule in the left lobe.",
        exam="CT chest",
        age=50,
        says=("further-imaging", None),
    ),
    Case(
        "Thyroid: 12 mm nodule. Several normal cervical nodes.",
        exam="CT neck with contrast",
        indication="28-year-old woman with neck pain",
        says=("further-imaging", None),
    ),
    Case("Thyroid gland is normal. 12 mm lymph node.", exam="CT neck with contrast", age=50),
    Case("No thyroid nodule.", exam="CT neck with contrast", age=50),
    Case("Incidental note of a subcentimeter thyroid nodule", exam="CT chest", indication="50F", says=("none", None)),
    Case(
        "Heterogeneous thyroid with multiple nodules, largest 1.4 cm.",
        exam="CT cervical spine",
        indication="29F",
        says=("further-imaging", None),
    ),
    Case(
        "1.1 cm thyroid nodule with local invasion of the trachea.",
        exam="CT neck",
        indication="40M",
        says=("further-imaging", None),
    ),
    Case("Thyroid nodule 1.8 cm", exam="CT neck", indication="MEN 2A"),
)


BI_RADS = (
    Case("BI-RADS 1: negative.", exam="Screening mammogram", says=("none", None, "1")),
    Case("BI-RADS category 2.", exam="Screening mammogram", says=("none", None, "2")),
    Case("Assessment: BI-RADS 3 - probably benign.", exam="Screening mammogram", says=("short-follow-up", (6, 6), "3")),
    Case("BIRADS 4A", exam="Screening mammogram", says=("biopsy", None, "4A")),
    Case("BI-RADS 4b suspicious", exam="Screening mammogram", says=("biopsy", None, "4B")),
    Case("BI-RADS category IV", exam="Screening mammogram", says=("biopsy", None, "4")),
    Case("BI-RADS V", exam="Screening mammogram", says=("biopsy", None, "5")),
    Case("BI-RADS 6", exam="Screening mammogram", says=("referral", None, "6")),
    Case("BI-RADS 0, incomplete.", exam="Screening mammogram", says=("further-imaging", None, "0")),
    Case("BI-RADS density category C. No suspicious mass.", exam="Screening mammogram", asks=frozenset({"category"})),
    Case("Breast density: BI-RADS C. Assessment category: 2", exam="Screening mammogram", says=("none", None, "2")),
    Case("Previously BI-RADS 3. BI-RADS 2 today.", exam="Screening mammogram", says=("none", None, "2")),
    Case("Right breast: BI-RADS 2. Left breast: BI-RADS 4C.", exam="Screening mammogram", says=("biopsy", None, "4C")),
    Case("BI-RADS right 1, left 4A.", exam="Screening mammogram", says=("biopsy", None, "4A")),
    Case("Final assessment category 3.", exam="Screening mammogram", says=("short-follow-up", (6, 6), "3")),
    Case("Irregular mass in the left breast at 2 o'clock.", exam="Diagnostic mammogram", asks=frozenset({"category"})),
    Case("BI-RADS category III", exam="Breast ultrasound", says=("short-follow-up", (6, 6), "3")),
    Case("Downgraded from BI-RADS 3 to BI-RADS 2.", exam="Screening mammogram", says=("none", None, "2")),
    Case(
        "The prior mammogram was BI-RADS 4. Current assessment: BI-RADS 2.", exam="Screening mammogram", says=("none", None, "2")
    ),
    Case("ACR BI-RADS II", exam="Screening mammogram", says=("none", None, "2")),
    Case("Lungs clear.", exam="CT chest"),
    Case("Density: ACR BI-RADS b. There is a mass.", exam="Screening mammogram", asks=frozenset({"category"})),
    Case("RIGHT: BI-RADS 1. LEFT: BI-RADS 0.", exam="Screening mammogram", says=("further-imaging", None, "0")),
    Case(
        "Assessment: Incomplete, BI-RADS category 0. The breasts are heterogeneously dense (BI-RADS c).",
        exam="Screening mammogram",
        says=("further-imaging", None, "0"),
    ),
    Case("BI-RADS Category 6 known malignancy left; right breast BI-RADS 2.", exam="Breast MRI", says=("referral", None, "6")),
    Case("Comparison mammogram BI-RADS 3. Today the mass is stable.", exam="Mammogram", asks=frozenset({"category"})),
    Case("Right: Category 4A. Left: Category 2. BI-RADS 4A.", exam="Screening mammogram", says=("biopsy", None, "4A")),
    Case("BIRADS-5", exam="Screening mammogram", says=("biopsy", None, "5")),
    Case("Mass right breast 12 o'clock 8 mm.", exam="Screening mammogram", asks=frozenset({"category"})),
)


@pytest.mark.parametrize("case", TI_RADS, ids=name)
def test_ti_rads_are_answered_asked_for_or_left_alone(case: Case) -> None:
    case.hold("ti_rads")


@pytest.mark.parametrize("case", THYROID_INCIDENTAL, ids=name)
def test_incidental_thyroid_nodules_are_answered_asked_for_or_left_alone(case: Case) -> None:
    case.hold("thyroid_incidental")


@pytest.mark.parametrize("case", BI_RADS, ids=name)
def test_bi_rads_are_answered_asked_for_or_left_alone(case: Case) -> None:
    case.hold("bi_rads")
