"""What the guidelines say of adrenal and renal masses: every row, every boundary from both sides, and the ways people dictate them."""

from __future__ import annotations

import pytest

from tests.unit.guideline_cases import Case, name

ADRENAL = (
    Case("9 mm left adrenal nodule.", exam="CT abdomen with contrast", says=("none", None)),
    Case(
        "1.0 cm left adrenal nodule.",
        exam="CT abdomen with contrast",
        indication="No history of cancer",
        says=("follow-up", (12, 12)),
    ),
    Case(
        "1.9 cm left adrenal nodule.",
        exam="CT abdomen with contrast",
        indication="No history of cancer",
        says=("follow-up", (12, 12)),
    ),
    Case(
        "2.0 cm left adrenal nodule.",
        exam="CT abdomen with contrast",
        indication="No history of cancer",
        says=("further-imaging", None),
    ),
    Case(
        "1.5 cm left adrenal nodule.",
        exam="CT abdomen with contrast",
        indication="History of lung cancer",
        says=("further-imaging", None),
    ),
    Case("1.5 cm left adrenal nodule.", exam="CT abdomen with contrast", asks=frozenset({"cancer history"})),
    Case("3 cm left adrenal mass.", exam="CT abdomen with contrast", says=("further-imaging", None)),
    Case("4.0 cm right adrenal mass.", exam="CT abdomen with contrast", says=("further-imaging", None)),
    Case(
        "4.1 cm right adrenal mass.", exam="CT abdomen with contrast", indication="No known malignancy", says=("referral", None)
    ),
    Case("4.5 cm right adrenal mass.", exam="CT abdomen with contrast", indication="Melanoma", says=("further-imaging", None)),
    Case("4.5 cm right adrenal mass.", exam="CT abdomen with contrast", asks=frozenset({"cancer history"})),
    Case("1.8 cm left adrenal nodule measuring 8 HU on unenhanced CT.", exam="CT abdomen without contrast", says=("none", None)),
    Case("1.8 cm left adrenal nodule measuring 10 HU.", exam="CT abdomen without contrast", says=("none", None)),
    Case(
        "1.8 cm left adrenal nodule measuring 11 HU.",
        exam="CT abdomen without contrast",
        indication="No history of cancer",
        says=("follow-up", (12, 12)),
    ),
    Case(
        "2.5 cm adrenal mass. Unenhanced attenuation 25 HU, portal venous 100 HU, 15-minute delayed 45 HU.",
        exam="CT adrenal protocol",
        says=("none", None),
    ),
    Case("2.5 cm adrenal mass with absolute washout of 65%.", exam="CT abdomen with contrast", says=("none", None)),
    Case("2.5 cm adrenal mass with relative washout of 40%.", exam="CT abdomen with contrast", says=("none", None)),
    Case("2.5 cm adrenal mass with absolute washout of 45%.", exam="CT abdomen with contrast", indication="No cancer history"),
    Case(
        "5 cm adrenal mass with macroscopic fat, consistent with myelolipoma.",
        exam="CT abdomen with contrast",
        says=("none", None),
    ),
    Case("2.2 cm adrenal nodule with signal loss on opposed-phase images.", exam="MRI abdomen", says=("none", None)),
    Case(
        "2.2 cm adrenal nodule without signal loss on opposed-phase images.",
        exam="MRI abdomen",
        indication="No history of cancer",
        says=("further-imaging", None),
    ),
    Case("2.5 cm left adrenal nodule, unchanged for 14 months.", exam="CT abdomen with contrast", says=("none", None)),
    Case(
        "2.5 cm left adrenal nodule, unchanged since the prior study.",
        exam="CT abdomen with contrast",
        indication="No history of cancer",
        asks=frozenset({"growth"}),
    ),
    Case(
        "2.5 cm left adrenal nodule, previously 1.8 cm.",
        exam="CT abdomen with contrast",
        indication="No history of cancer",
        says=("further-imaging", None),
    ),
    Case("New 1.5 cm adrenal nodule.", exam="CT abdomen with contrast", indication="Lung cancer", says=("biopsy", None)),
    Case("2 cm adrenal mass.", exam="CT abdomen with contrast", indication="Suspected pheochromocytoma"),
    Case("2 cm adrenal mass.", exam="CT abdomen with contrast", age=9),
    Case(
        "Adrenal nodule on the left.",
        exam="CT abdomen with contrast",
        indication="No history of cancer",
        asks=frozenset({"size"}),
    ),
    Case("Adrenal glands are normal. 1.5 cm hepatic cyst.", exam="CT abdomen with contrast"),
    Case("No adrenal nodule.", exam="CT abdomen with contrast"),
    Case(
        "Adrenals: 14 mm nodule in the lateral limb of the left adrenal gland (series 2, image 45). Kidneys: 3.1 cm cyst.",
        exam="CT abdomen with contrast",
        indication="Hematuria. No history of malignancy.",
        says=("follow-up", (12, 12)),
    ),
    Case(
        "There is a 2.4 cm right adrenal nodule, density 28 HU unenhanced, 95 HU enhanced at 60 seconds, and 60 "
        "HU on the 15 minute delayed scan.",
        exam="CT adrenal protocol",
        indication="No history of malignancy",
    ),
    Case(
        "Adrenal nodule measures between 1.5 and 1.8 cm.", exam="CT abdomen", indication="no cancer", says=("follow-up", (12, 12))
    ),
    Case(
        "Indeterminate left adrenal nodule, 17 mm, new since 2021.",
        exam="CT abdomen",
        indication="breast CA",
        says=("biopsy", None),
    ),
    Case("Bilateral adrenal thickening without discrete nodule.", exam="CT abdomen"),
    Case("1.5 cm adrenal nodule, unchanged from 6 months ago.", exam="CT abdomen", indication="no history of cancer"),
    Case("Left adrenal nodule 2.5 cm.", exam="CT abdomen", indication="Cushing syndrome"),
    Case(
        "1.2 cm right adrenal nodule, HU 22 on unenhanced CT",
        exam="CT abdomen without contrast",
        indication="no malignancy",
        says=("follow-up", (12, 12)),
    ),
)


RENAL_MASS = (
    Case("2 cm homogeneous left renal lesion measuring 15 HU.", exam="CT abdomen without contrast", says=("none", None)),
    Case("2 cm homogeneous left renal lesion measuring 20 HU.", exam="CT abdomen without contrast", says=("none", None)),
    Case(
        "2 cm homogeneous left renal lesion measuring 21 HU.", exam="CT abdomen without contrast", says=("further-imaging", None)
    ),
    Case(
        "2 cm homogeneous left renal lesion measuring 69 HU.", exam="CT abdomen without contrast", says=("further-imaging", None)
    ),
    Case("2 cm homogeneous left renal lesion measuring 70 HU.", exam="CT abdomen without contrast", says=("none", None)),
    Case("2 cm homogeneous left renal lesion measuring 80 HU.", exam="CT abdomen with contrast", says=("further-imaging", None)),
    Case("2 cm homogeneous left renal lesion measuring 80 HU.", exam="CT abdomen", asks=frozenset({"contrast"})),
    Case("3 cm heterogeneous right renal mass.", exam="CT abdomen without contrast", says=("further-imaging", None)),
    Case(
        "Subcentimeter left renal hypodensity, too small to characterize.", exam="CT abdomen with contrast", says=("none", None)
    ),
    Case("3.9 cm angiomyolipoma of the right kidney with macroscopic fat.", exam="CT abdomen with contrast", says=("none", None)),
    Case("4.0 cm angiomyolipoma of the right kidney.", exam="CT abdomen with contrast", says=("referral", None)),
    Case("Right renal angiomyolipoma.", exam="CT abdomen with contrast", asks=frozenset({"size"})),
    Case("3 cm solid enhancing mass in the left kidney.", exam="CT abdomen with contrast", says=("referral", None)),
    Case(
        "2 cm left renal lesion, 30 HU unenhanced and 55 HU in the nephrographic phase.",
        exam="CT renal protocol without and with contrast",
        says=("referral", None),
    ),
    Case(
        "2 cm left renal lesion, 30 HU unenhanced and 45 HU in the nephrographic phase.",
        exam="CT renal protocol without and with contrast",
        says=("further-imaging", None),
    ),
    Case(
        "2 cm homogeneous left renal lesion, 30 HU unenhanced and 38 HU in the nephrographic phase.",
        exam="CT renal protocol without and with contrast",
        says=("none", None),
    ),
    Case("2 cm left renal lesion.", exam="CT abdomen without contrast", asks=frozenset({"attenuation"})),
    Case("3 cm solid enhancing mass in the left kidney.", exam="CT abdomen with contrast", indication="Von Hippel-Lindau"),
    Case("2 cm renal lesion measuring 40 HU.", exam="CT abdomen with contrast", indication="Lung cancer"),
    Case("Simple cyst in the right kidney measuring 3 cm.", exam="CT abdomen with contrast", says=("none", None)),
    Case("5 mm nonobstructing stone in the left kidney.", exam="CT KUB"),
    Case("No renal mass.", exam="CT abdomen with contrast"),
    Case(
        "25 HU homogeneous lesion of the right kidney on portal venous phase, 18 mm.",
        exam="CT abdomen with contrast",
        says=("further-imaging", None),
    ),
    Case(
        "Renal mass in lower pole of left kidney, 3.4 cm, enhances from 35 HU to 92 HU.",
        exam="CT renal mass protocol",
        says=("referral", None),
    ),
    Case(
        "Kidneys: There is a 1.9 cm lesion in the interpolar left kidney which measures 32 HU on noncontrast and "
        "34 HU on post contrast images, homogeneous.",
        exam="CT urogram without and with contrast",
        says=("none", None),
    ),
    Case("Kidneys: bilateral renal cysts, the largest 4 cm in the left kidney, simple.", exam="CT abdomen", says=("none", None)),
    Case("1.5 cm left renal lesion with enhancement of 15 HU.", exam="CT abdomen with contrast", says=("further-imaging", None)),
    Case("1.5 cm left renal lesion enhancing by 25 HU.", exam="CT abdomen with contrast", says=("referral", None)),
    Case("2 cm left renal lesion measuring 30 HU", exam="CT abdomen", indication="s/p right nephrectomy for RCC"),
)


BOSNIAK = (
    Case(
        "3 cm cystic mass in the left kidney with thin smooth wall and two thin septa.",
        exam="CT abdomen with contrast",
        says=("none", None, "II"),
    ),
    Case(
        "3 cm cystic left renal mass with five thin enhancing septa.",
        exam="CT abdomen with contrast",
        says=("short-follow-up", (6, 6), "IIF"),
    ),
    Case(
        "3 cm cystic left renal mass with a smooth 3 mm enhancing wall.",
        exam="CT abdomen with contrast",
        says=("short-follow-up", (6, 6), "IIF"),
    ),
    Case(
        "3 cm cystic left renal mass with a 4 mm thick enhancing wall.",
        exam="CT abdomen with contrast",
        says=("referral", None, "III"),
    ),
    Case(
        "3 cm cystic left renal mass with irregular enhancing septa.",
        exam="CT abdomen with contrast",
        says=("referral", None, "III"),
    ),
    Case(
        "3 cm cystic left renal mass with a 5 mm enhancing mural nodule.",
        exam="CT abdomen with contrast",
        says=("referral", None, "IV"),
    ),
    Case(
        "3 cm cystic left renal mass with a 2 mm enhancing protrusion with acute margins.",
        exam="CT abdomen with contrast",
        says=("referral", None, "IV"),
    ),
    Case(
        "3 cm cystic left renal mass with a 3 mm enhancing protrusion with obtuse margins.",
        exam="CT abdomen with contrast",
        says=("referral", None, "III"),
    ),
    Case(
        "Bosniak IIF cyst in the right kidney, 2.5 cm.", exam="CT abdomen with contrast", says=("short-follow-up", (6, 6), "IIF")
    ),
    Case(
        "Simple cyst in the right kidney, thin smooth wall, 5 HU, 3 cm, no septa.",
        exam="CT abdomen with contrast",
        says=("none", None, "I"),
    ),
    Case(
        "Cyst in the left kidney with thin wall, measuring 4.2 cm. No septa or calcification.",
        exam="CT abdomen with contrast",
        says=("none", None, "I"),
    ),
    Case(
        "Cystic mass in the left kidney, 4 cm, with a smooth 12 mm wall that enhances.",
        exam="CT abdomen with contrast",
        says=("referral", None, "III"),
    ),
    Case("Bosniak 2 cyst in the right kidney.", exam="CT abdomen with contrast", says=("none", None, "II")),
    Case("Bosniak 2F cyst in the right kidney.", exam="CT abdomen with contrast", says=("short-follow-up", (6, 6), "IIF")),
    Case("Bosniak category III cystic mass, left kidney.", exam="CT abdomen with contrast", says=("referral", None, "III")),
    Case("Complex renal cyst with septations on the left.", exam="Renal ultrasound", asks=frozenset({"contrast"})),
    Case(
        "3 cm complex cyst with septations in the left kidney.", exam="CT abdomen without contrast", asks=frozenset({"contrast"})
    ),
    Case(
        "Cyst in the right kidney with thin wall calcification, no septa, no enhancement.",
        exam="CT abdomen with contrast",
        says=("none", None, "II"),
    ),
    Case(
        "4 cm right renal cyst with thin smooth wall, 8 HU, no septa or calcification.",
        exam="CT abdomen with contrast",
        says=("none", None, "I"),
    ),
    Case("Homogeneous 75 HU right renal cyst with a thin wall.", exam="CT abdomen without contrast", says=("none", None, "II")),
    Case("Bosniak II and Bosniak III cysts in the left kidney.", exam="CT abdomen with contrast", says=("referral", None, "III")),
    Case(
        "Left kidney: 2.6 cm cystic mass with 3 thin (1 mm) septa with minimal enhancement. Wall is thin and smooth.",
        exam="MRI kidney w/wo",
        says=("none", None, "II"),
    ),
    Case(
        "Left kidney: 4 cm complex cystic lesion with an enhancing mural nodule.",
        exam="CT abdomen with contrast",
        asks=frozenset({"margin"}),
    ),
    Case(
        "Left renal cyst with thin septation, no measurable enhancement.",
        exam="CT abdomen w/wo contrast",
        says=("none", None, "II"),
    ),
    Case(
        "3.2 cm cystic renal lesion, left, wall thickness 3 mm, smooth.",
        exam="CT abdomen w/wo contrast",
        says=("short-follow-up", (6, 6), "IIF"),
    ),
    Case(
        "3.2 cm cystic renal lesion, left, wall thickness 2 mm, smooth, no septa, 5 HU.",
        exam="CT abdomen w/wo contrast",
        says=("none", None, "I"),
    ),
    Case(
        "Right kidney: cystic mass with enhancing soft tissue nodule 6 mm with obtuse margins.",
        exam="CT abdomen w/wo contrast",
        says=("referral", None, "IV"),
    ),
    Case(
        "Right kidney multiseptated cystic lesion with nodular septal thickening 5 mm enhancing",
        exam="CT abdomen w/wo contrast",
        says=("referral", None, "III"),
    ),
    Case("Mostly solid mass with >25% enhancing tissue, cystic areas, right kidney", exam="CT abdomen w/wo contrast"),
    Case(
        "Bosniak IIF cyst on left, previously Bosniak II.",
        exam="CT abdomen w/wo contrast",
        says=("short-follow-up", (6, 6), "IIF"),
    ),
)


@pytest.mark.parametrize("case", ADRENAL, ids=name)
def test_adrenal_masses_are_answered_asked_for_or_left_alone(case: Case) -> None:
    case.hold("adrenal")


@pytest.mark.parametrize("case", RENAL_MASS, ids=name)
def test_renal_masses_are_answered_asked_for_or_left_alone(case: Case) -> None:
    case.hold("renal_mass")


@pytest.mark.parametrize("case", BOSNIAK, ids=name)
def test_bosniak_are_answered_asked_for_or_left_alone(case: Case) -> None:
    case.hold("bosniak")
