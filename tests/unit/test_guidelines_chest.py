"""What the guidelines say of pulmonary nodules: every row, every boundary from both sides, and the ways people dictate them."""

from __future__ import annotations

import pytest

from tests.unit.guideline_cases import Case, name

FLEISCHNER = (
    Case("5 mm solid nodule in the right lower lobe.", exam="CT chest without contrast", age=60, risk="low", says=("none", None)),
    Case(
        "5 mm solid nodule in the right lower lobe.",
        exam="CT chest without contrast",
        age=60,
        risk="high",
        says=("follow-up", (12, 12)),
    ),
    Case("5 mm solid nodule in the right lower lobe.", exam="CT chest without contrast", age=60, asks=frozenset({"risk"})),
    Case(
        "5.9 mm solid nodule in the right lower lobe.",
        exam="CT chest without contrast",
        age=60,
        risk="low",
        says=("follow-up", (6, 12)),
    ),
    Case(
        "5.4 mm solid nodule in the right lower lobe.", exam="CT chest without contrast", age=60, risk="low", says=("none", None)
    ),
    Case(
        "8.4 mm solid nodule in the left lower lobe.",
        exam="CT chest without contrast",
        age=60,
        risk="low",
        says=("follow-up", (6, 12)),
    ),
    Case(
        "8.6 mm solid nodule in the left lower lobe.",
        exam="CT chest without contrast",
        age=60,
        risk="low",
        says=("short-follow-up", (3, 3)),
    ),
    Case(
        "6 x 4 mm solid nodule in the left lower lobe.", exam="CT chest without contrast", age=60, risk="low", says=("none", None)
    ),
    Case(
        "Solid nodule, 7 x 5 mm, in the lingula.",
        exam="CT chest without contrast",
        age=60,
        risk="low",
        says=("follow-up", (6, 12)),
    ),
    Case("9 mm solid nodule, left lower lobe.", exam="CT chest without contrast", age=60, says=("short-follow-up", (3, 3))),
    Case(
        "Multiple solid nodules, largest 5 mm in the right lower lobe.",
        exam="CT chest without contrast",
        age=60,
        risk="low",
        says=("none", None),
    ),
    Case(
        "Several solid pulmonary nodules, the largest measuring 7 mm in the right middle lobe.",
        exam="CT chest without contrast",
        age=60,
        says=("short-follow-up", (3, 6)),
    ),
    Case(
        "Multiple solid nodules measuring up to 12 mm in both lungs.",
        exam="CT chest without contrast",
        age=60,
        says=("short-follow-up", (3, 6)),
    ),
    Case(
        "There is a 5 mm ground-glass nodule in the right upper lobe.",
        exam="CT chest without contrast",
        age=60,
        says=("none", None),
    ),
    Case(
        "There is a 6 mm ground glass nodule in the right upper lobe.",
        exam="CT chest without contrast",
        age=60,
        says=("follow-up", (6, 12)),
    ),
    Case("Pure GGN RUL 14 mm.", exam="CT chest without contrast", age=60, says=("follow-up", (6, 12))),
    Case(
        "Part-solid nodule in the lingula measuring 12 mm with a 4 mm solid component.",
        exam="CT chest without contrast",
        age=60,
        says=("short-follow-up", (3, 6)),
    ),
    Case("Part-solid nodule in the lingula measuring 5 mm.", exam="CT chest without contrast", age=60, says=("none", None)),
    Case(
        "Multiple ground-glass nodules, all less than 6 mm.",
        exam="CT chest without contrast",
        age=60,
        says=("short-follow-up", (3, 6)),
    ),
    Case(
        "Multiple subsolid nodules, largest 9 mm part-solid in the RUL.",
        exam="CT chest without contrast",
        age=60,
        says=("short-follow-up", (3, 6)),
    ),
    Case("7 mm nodule in the right lower lobe.", exam="CT chest without contrast", age=60, asks=frozenset({"composition"})),
    Case("4 mm nodule in the right lower lobe.", exam="CT chest without contrast", age=60, risk="low", says=("none", None)),
    Case(
        "Calcified granuloma in the right upper lobe measuring 9 mm.",
        exam="CT chest without contrast",
        age=60,
        says=("none", None),
    ),
    Case("8 mm densely calcified nodule in the RLL.", exam="CT chest without contrast", age=60, says=("none", None)),
    Case(
        "7 mm smooth triangular perifissural nodule along the minor fissure.",
        exam="CT chest without contrast",
        age=60,
        says=("none", None),
    ),
    Case("7 mm solid spiculated perifissural nodule.", exam="CT chest without contrast", age=60, says=("follow-up", (6, 12))),
    Case("6 mm solid nodule in the right lower lobe.", exam="CT abdomen and pelvis", age=60, says=("follow-up", (3, 12))),
    Case(
        "4 mm nodule in the right lower lobe at the lung base.",
        exam="CT abdomen and pelvis with contrast",
        age=60,
        says=("none", None),
    ),
    Case("12 mm nodule in the left lower lobe.", exam="CT abdomen", age=60, says=("further-imaging", None)),
    Case("7 mm solid nodule in the RLL.", exam="CT chest without contrast", age=34),
    Case("7 mm solid nodule in the RLL.", exam="CT chest without contrast", age=35, says=("follow-up", (6, 12))),
    Case("7 mm solid nodule in the RLL.", exam="CT chest without contrast", indication="History of breast cancer", age=60),
    Case("7 mm solid nodule in the RLL.", exam="CT chest low dose", indication="Lung cancer screening", age=60),
    Case(
        "7 mm solid nodule in the RLL.", exam="CT chest without contrast", indication="renal transplant recipient, fever", age=60
    ),
    Case("7 mm solid nodule in the RLL.", exam="Chest radiograph", age=60),
    Case(
        "Solid nodule in the right upper lobe, 7 mm, unchanged for 3 years.",
        exam="CT chest without contrast",
        age=60,
        says=("none", None),
    ),
    Case(
        "Previously 5 mm, the solid nodule in the left upper lobe now measures 9 mm.",
        exam="CT chest without contrast",
        age=60,
        says=("short-follow-up", (3, 3)),
    ),
    Case("Solid 7 mm nodule in the RLL, previously 4 mm.", exam="CT chest without contrast", age=60),
    Case(
        "There is a 7 mm solid nodule in the RUL (series 4, image 62). A 2.3 cm cyst is seen in the liver. 9 mm "
        "precarinal lymph node.",
        exam="CT chest without contrast",
        age=60,
        says=("follow-up", (6, 12)),
    ),
    Case("No pulmonary nodules. 12 mm left adrenal nodule.", exam="CT chest without contrast", age=60),
    Case("There is a solid nodule in the right upper lobe.", exam="CT chest without contrast", age=60, asks=frozenset({"size"})),
    Case("The previously seen 7 mm solid nodule in the right lower lobe has resolved.", exam="CT chest without contrast", age=60),
    Case(
        "Solid noncalcified nodule in the LUL, volume 180 mm3.",
        exam="CT chest without contrast",
        age=60,
        says=("follow-up", (6, 12)),
    ),
    Case(
        "Solid noncalcified nodule in the LUL, volume 90 mm³.",
        exam="CT chest without contrast",
        age=60,
        risk="low",
        says=("none", None),
    ),
    Case(
        "Solid nodule LLL volume 300 mm3.", exam="CT chest without contrast", age=60, risk="low", says=("short-follow-up", (3, 3))
    ),
    Case(
        "Two solid nodules: 4 mm in the RUL and 7 mm in the LLL.",
        exam="CT chest without contrast",
        age=60,
        risk="low",
        says=("short-follow-up", (3, 6)),
    ),
    Case(
        "4 mm solid nodule in the RUL and a 7 mm solid nodule in the LLL.",
        exam="CT chest without contrast",
        age=60,
        risk="low",
        says=("short-follow-up", (3, 6)),
    ),
    Case(
        "5 mm calcified granuloma in the RUL. 7 mm solid nodule in the LLL.",
        exam="CT chest without contrast",
        age=60,
        risk="low",
        says=("follow-up", (6, 12)),
    ),
    Case(
        "A solid nodule of 6 to 8 mm is seen in the right lower lobe.",
        exam="CT chest without contrast",
        age=60,
        risk="low",
        says=("follow-up", (6, 12)),
    ),
    Case(
        "Lungs: 7-mm solid nodule, right middle lobe, image 88. Thyroid: 1.6 cm nodule.",
        exam="CT chest without contrast",
        indication="62-year-old male smoker",
        says=("follow-up", (6, 12)),
    ),
    Case(
        "Lungs: 4-mm solid nodule, right middle lobe.",
        exam="CT chest without contrast",
        indication="62-year-old male smoker",
        says=("follow-up", (12, 12)),
    ),
    Case(
        "Lungs: 4-mm solid nodule, right middle lobe.",
        exam="CT chest without contrast",
        indication="62-year-old man, never smoker",
        says=("none", None),
    ),
    Case("Tiny solid nodule in the right apex.", exam="CT chest without contrast", age=60, asks=frozenset({"size"})),
    Case("Lungs are clear.", exam="CT chest without contrast", age=60),
    Case(
        "7 mm solid nodule in the RLL. No prior for comparison. Slice thickness 1.25 mm.",
        exam="CT chest without contrast",
        age=60,
        says=("follow-up", (6, 12)),
    ),
    Case("Subcentimeter solid nodule in RLL.", exam="CT chest without contrast", age=60, risk="low", asks=frozenset({"size"})),
    Case(
        "Solid 10 mm nodule in RLL. 3 mm calculus in the left kidney.",
        exam="CT chest without contrast",
        age=60,
        risk="low",
        says=("short-follow-up", (3, 3)),
    ),
    Case(
        "The right upper lobe contains a 6 mm solid nodule 2 cm from the pleura.",
        exam="CT chest without contrast",
        age=60,
        risk="low",
        says=("follow-up", (6, 12)),
    ),
    Case(
        "Solid nodule in the left lower lobe with long axis of 9 mm and short axis of 6 mm.",
        exam="CT chest without contrast",
        age=60,
        risk="low",
        says=("follow-up", (6, 12)),
    ),
    Case("7 mm fat-containing nodule, hamartoma.", exam="CT chest without contrast", age=60, risk="low", says=("none", None)),
    Case(
        "Ground-glass nodule of 8 mm in the left upper lobe without a solid component.",
        exam="CT chest without contrast",
        age=60,
        risk="low",
        says=("follow-up", (6, 12)),
    ),
    Case("No 6 mm nodule is seen.", exam="CT chest without contrast", age=60, risk="low"),
    Case(
        "Micronodules in the upper lobes, all below 4 mm, solid.",
        exam="CT chest without contrast",
        age=60,
        risk="low",
        says=("none", None),
    ),
    Case(
        "Within the right upper lobe there is a well-circumscribed solid pulmonary nodule which measures 0.7 cm "
        "in maximal dimension (series 5 image 112).",
        exam="CT chest",
        indication="62M former smoker",
        says=("follow-up", (6, 12)),
    ),
    Case(
        "Lungs and airways: A solid noncalcified nodule is present in the posterior segment of the right upper "
        "lobe measuring 7 x 6 mm on image 4-62. Mediastinum: 9 mm short axis paratracheal lymph node. Upper "
        "abdomen: 2.1 cm left adrenal nodule.",
        exam="CT chest",
        indication="54F chest pain",
        says=("follow-up", (6, 12)),
    ),
    Case("Nodule in right middle lobe, solid, approximately 8 mm.", exam="CT chest", age=60, says=("follow-up", (6, 12))),
    Case(
        "There are scattered bilateral pulmonary nodules, for reference a 4 mm solid nodule in the left lower "
        "lobe and 6 mm solid nodule right apex.",
        exam="CT chest",
        age=60,
        risk="low",
        says=("short-follow-up", (3, 6)),
    ),
    Case(
        "Pulmonary nodule, solid, RLL: 6 mm (AP) x 8 mm (transverse) x 5 mm (CC).",
        exam="CT chest",
        age=60,
        says=("follow-up", (6, 12)),
    ),
    Case(
        "The largest nodule is in the right lower lobe and measures 9 mm; others measure up to 4 mm. All are solid.",
        exam="CT chest",
        age=60,
        says=("short-follow-up", (3, 6)),
    ),
    Case(
        "Groundglass nodule measuring 1.4 cm left lower lobe. No solid component identified.",
        exam="CT chest",
        age=60,
        says=("follow-up", (6, 12)),
    ),
    Case("Semisolid nodule 9 mm, LLL.", exam="CT chest", age=60, says=("short-follow-up", (3, 6))),
    Case(
        "A 6 mm nodule abuts the minor fissure; it is triangular, smooth and homogeneous, typical of an "
        "intrapulmonary lymph node.",
        exam="CT chest",
        age=60,
        says=("none", None),
    ),
    Case(
        "No pulmonary nodule larger than 6 mm. 4 mm solid nodule RLL.", exam="CT chest", age=60, risk="low", says=("none", None)
    ),
    Case(
        "Previously described 8 mm solid RUL nodule is no longer seen. New 5 mm solid nodule in LLL.",
        exam="CT chest",
        age=60,
        risk="low",
        says=("none", None),
    ),
    Case(
        "A solid nodule of 10 mm in RUL has been resected. Now 5 mm solid nodule LLL.",
        exam="CT chest",
        age=60,
        risk="low",
        says=("none", None),
    ),
    Case("Post right upper lobectomy for lung cancer. 7 mm solid nodule LLL.", exam="CT chest", age=60),
    Case("7 mm solid nodule LLL. Known metastatic colon cancer.", exam="CT chest", age=60),
    Case(
        "9 mm solid nodule LUL.",
        exam="CT chest",
        indication="Cough. Father had lung cancer.",
        age=60,
        says=("short-follow-up", (3, 3)),
    ),
    Case("9 mm solid nodule LUL.", exam="CT chest", indication="breast CA", age=60),
    Case("Nodule RUL 8 mm, solid with central calcification.", exam="CT chest", age=60, says=("none", None)),
    Case("Nodule RUL 8 mm, solid, eccentrically calcified.", exam="CT chest", age=60, says=("follow-up", (6, 12))),
    Case("There is an 11 mm cavitary nodule in the RUL.", exam="CT chest", age=60, asks=frozenset({"composition"})),
    Case(
        "There is a 7 mm nodule in the left lobe of the thyroid. Lungs: 4 mm solid nodule LLL.",
        exam="CT chest",
        age=60,
        risk="low",
        says=("none", None),
    ),
    Case(
        "Subpleural 6 mm solid nodule in the LLL. Ribs: 1.2 cm sclerotic lesion in the 5th rib.",
        exam="CT chest",
        age=60,
        says=("follow-up", (6, 12)),
    ),
    Case("Breast: 9 mm nodule left breast. Lungs clear.", exam="CT chest", age=60),
    Case(
        "There are several solid nodules in both lungs, none larger than 5 mm.",
        exam="CT chest",
        age=60,
        risk="high",
        says=("follow-up", (12, 12)),
    ),
    Case("Numerous sub-6 mm solid pulmonary nodules.", exam="CT chest", age=60, risk="low", says=("none", None)),
    Case(
        "A 1.1 cm subsolid nodule with a 3 mm solid component in the left upper lobe.",
        exam="CT chest",
        age=60,
        says=("short-follow-up", (3, 6)),
    ),
    Case("Subsolid nodule of 9 mm RUL.", exam="CT chest", age=60, asks=frozenset({"composition"})),
    Case(
        "There is a solid nodule within the right upper lobe, 7 mm (image 7, series 3), and a second within the "
        "left lower lobe, 5 mm.",
        exam="CT chest",
        indication="58M",
        says=("short-follow-up", (3, 6)),
    ),
    Case(
        "Nodule in the superior segment of the left lower lobe is solid with a mean diameter of 8 mm (9 x 7 mm).",
        exam="CT chest",
        indication="58M",
        says=("follow-up", (6, 12)),
    ),
    Case(
        "RUL nodule, 8 mm, hamartoma with popcorn calcification and fat.", exam="CT chest", indication="58M", says=("none", None)
    ),
    Case("Spiculated 5 mm nodule in the left upper lobe.", exam="CT chest", indication="70M", says=("follow-up", (12, 12))),
    Case(
        "Two ground glass nodules: 5 mm in RUL, 8 mm in LUL.", exam="CT chest", indication="58M", says=("short-follow-up", (3, 6))
    ),
    Case("GGN 5 mm LUL and solid nodule 7 mm RLL.", exam="CT chest", indication="58M", says=("short-follow-up", (3, 6))),
    Case("Tree-in-bud nodules in the right lower lobe.", exam="CT chest", indication="58M cough"),
    Case("Masslike consolidation right lower lobe 4 cm.", exam="CT chest", indication="58M fever"),
    Case("4 mm solid nodule LLL.", exam="CT chest", indication="Hodgkin disease", age=60),
    Case(
        "Right lower lobe nodule 7 mm, solid.",
        exam="CT chest",
        indication="HIV negative, no immunosuppression, no known malignancy, age 44",
        says=("follow-up", (6, 12)),
    ),
)


LUNG_RADS = (
    Case(
        "5.9 mm solid nodule in the RUL.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("follow-up", (12, 12), "2"),
    ),
    Case(
        "Solid nodule in the right upper lobe 6.0 mm.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("short-follow-up", (6, 6), "3"),
    ),
    Case(
        "Solid nodule RUL 7.9 mm.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("short-follow-up", (6, 6), "3"),
    ),
    Case(
        "Solid nodule RUL 8 mm.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("short-follow-up", (3, 3), "4A"),
    ),
    Case(
        "Solid nodule RUL 14.9 mm.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("short-follow-up", (3, 3), "4A"),
    ),
    Case(
        "Solid nodule RUL 15 mm.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("biopsy", None, "4B"),
    ),
    Case(
        "Solid nodule RUL 6 x 5 mm.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("follow-up", (12, 12), "2"),
    ),
    Case(
        "New 3.9 mm solid nodule in the LLL.",
        exam="Annual lung cancer screening LDCT",
        indication="Lung cancer screening",
        says=("follow-up", (12, 12), "2"),
    ),
    Case(
        "New 4 mm solid nodule in the LLL.",
        exam="Annual lung cancer screening LDCT",
        indication="Lung cancer screening",
        says=("short-follow-up", (6, 6), "3"),
    ),
    Case(
        "New 6 mm solid nodule in the LLL.",
        exam="Annual lung cancer screening LDCT",
        indication="Lung cancer screening",
        says=("short-follow-up", (3, 3), "4A"),
    ),
    Case(
        "New 8 mm solid nodule in the LLL.",
        exam="Annual lung cancer screening LDCT",
        indication="Lung cancer screening",
        says=("biopsy", None, "4B"),
    ),
    Case(
        "Growing solid nodule in the LLL, now 7 mm, previously 5 mm.",
        exam="Annual lung cancer screening LDCT",
        indication="Lung cancer screening",
        says=("short-follow-up", (3, 3), "4A"),
    ),
    Case(
        "Solid nodule in the LLL, now 9 mm, previously 6 mm.",
        exam="Annual lung cancer screening LDCT",
        indication="Lung cancer screening",
        says=("biopsy", None, "4B"),
    ),
    Case(
        "Solid nodule in the LLL, 5 mm, unchanged.",
        exam="Annual lung cancer screening LDCT",
        indication="Lung cancer screening",
        says=("follow-up", (12, 12), "2"),
    ),
    Case(
        "Solid nodule in the LLL, 7 mm.",
        exam="Annual lung cancer screening LDCT",
        indication="Lung cancer screening",
        asks=frozenset({"growth"}),
    ),
    Case(
        "7 mm nodule in the LLL.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        asks=frozenset({"composition"}),
    ),
    Case(
        "Part-solid nodule LUL 5 mm total.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("follow-up", (12, 12), "2"),
    ),
    Case(
        "Part-solid nodule LUL 10 mm with 5 mm solid component.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("short-follow-up", (6, 6), "3"),
    ),
    Case(
        "Part-solid nodule LUL 10 mm with 6 mm solid component.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("short-follow-up", (3, 3), "4A"),
    ),
    Case(
        "Part-solid nodule LUL 12 mm with 8 mm solid component.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("biopsy", None, "4B"),
    ),
    Case(
        "Part-solid nodule LUL 12 mm.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        asks=frozenset({"solid component size"}),
    ),
    Case(
        "New part-solid nodule LUL 5 mm.",
        exam="Annual lung cancer screening LDCT",
        indication="Lung cancer screening",
        says=("short-follow-up", (6, 6), "3"),
    ),
    Case(
        "New part-solid nodule LUL 10 mm with 3 mm solid component.",
        exam="Annual lung cancer screening LDCT",
        indication="Lung cancer screening",
        says=("short-follow-up", (3, 3), "4A"),
    ),
    Case(
        "New part-solid nodule LUL 10 mm with 4 mm solid component.",
        exam="Annual lung cancer screening LDCT",
        indication="Lung cancer screening",
        says=("biopsy", None, "4B"),
    ),
    Case(
        "Nonsolid (ground-glass) nodule 29 mm RUL.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("follow-up", (12, 12), "2"),
    ),
    Case(
        "Ground-glass nodule 30 mm RUL.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("short-follow-up", (6, 6), "3"),
    ),
    Case(
        "Ground-glass nodule 32 mm RUL, unchanged.",
        exam="Annual lung cancer screening LDCT",
        indication="Lung cancer screening",
        says=("follow-up", (12, 12), "2"),
    ),
    Case(
        "No pulmonary nodules.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("follow-up", (12, 12), "1"),
    ),
    Case(
        "Calcified granuloma in the RUL 7 mm.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("follow-up", (12, 12), "1"),
    ),
    Case(
        "Endobronchial nodule in the right lower lobe segmental bronchus, 6 mm.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("short-follow-up", (3, 3), "4A"),
    ),
    Case(
        "Subsegmental endobronchial opacity in the right lower lobe 5 mm.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("follow-up", (12, 12), "2"),
    ),
    Case(
        "Smooth triangular juxtapleural solid nodule 9 mm RML.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("follow-up", (12, 12), "2"),
    ),
    Case(
        "Smooth triangular juxtapleural solid nodule 10 mm RML.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("short-follow-up", (3, 3), "4A"),
    ),
    Case(
        "Thick-walled cyst in the right upper lobe 15 mm.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("short-follow-up", (3, 3), "4A"),
    ),
    Case(
        "Multilocular cyst in the LUL measuring 20 mm.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("short-follow-up", (3, 3), "4A"),
    ),
    Case(
        "Spiculated solid nodule in the RUL 9 mm.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("biopsy", None, "4X"),
    ),
    Case(
        "Consolidation in the right lower lobe, suspected infection.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("short-follow-up", (1, 3), "0"),
    ),
    Case(
        "Prior CT is being located for comparison. 9 mm solid nodule in RUL.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("further-imaging", None, "0"),
    ),
    Case(
        "Solid nodule 7 mm in the RLL, stable at 6 months.",
        exam="LDCT 6-month follow-up of screening",
        indication="Lung cancer screening",
        says=("follow-up", (12, 12), "2"),
    ),
    Case(
        "Solid nodule 10 mm in the RLL, stable at 3 months.",
        exam="LDCT 3-month follow-up of screening",
        indication="Lung cancer screening",
        says=("short-follow-up", (6, 6), "3"),
    ),
    Case("8 mm solid nodule in the RUL.", exam="CT chest with contrast", indication="Chest pain"),
    Case("8 mm solid nodule in the RUL.", exam="LDCT", indication="Known lung cancer, screening"),
    Case(
        "Solid nodule volume 120 mm3 in RUL.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("short-follow-up", (6, 6), "3"),
    ),
    Case("Lung-RADS category 4A.", exam="LDCT", indication="Lung cancer screening", says=("short-follow-up", (3, 3), "4A")),
    Case(
        "5 mm solid nodule RUL. 5.2 cm abdominal aortic aneurysm.",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("follow-up", (12, 12), "2S"),
    ),
    Case(
        "3 mm solid nodule RUL and 9 mm solid nodule LLL (series 3, image 120).",
        exam="CT chest low dose screening, baseline",
        indication="Lung cancer screening",
        says=("short-follow-up", (3, 3), "4A"),
    ),
    Case(
        "Slowly growing solid nodule in the RUL over several screens, 7 mm.",
        exam="Annual lung cancer screening LDCT",
        indication="Lung cancer screening",
        says=("biopsy", None, "4B"),
    ),
    Case(
        "Airway nodule in the left main bronchus 8 mm, persistent at 3 months.",
        exam="LDCT",
        indication="Lung cancer screening",
        says=("referral", None, "4B"),
    ),
    Case(
        "Solid nodule in the RUL, 6.5 mm, was 6.0 mm last year.",
        exam="Annual lung cancer screening LDCT",
        indication="Lung cancer screening",
        says=("follow-up", (12, 12), "2"),
    ),
    Case(
        "A solid nodule measuring 8.0 mm is new since the prior screening CT.",
        exam="LDCT",
        indication="annual screen",
        says=("biopsy", None, "4B"),
    ),
    Case(
        "Solid nodule RLL grew from 5.0 mm to 7.0 mm over 12 months.",
        exam="LDCT",
        indication="annual lung cancer screening",
        says=("short-follow-up", (3, 3), "4A"),
    ),
    Case(
        "No nodules. 4.5 cm ascending aortic aneurysm.",
        exam="LDCT",
        indication="Baseline lung screening",
        says=("follow-up", (12, 12), "1S"),
    ),
    Case(
        "7 mm solid nodule with enlarged mediastinal lymph nodes.",
        exam="Low-dose CT lung cancer screening, baseline",
        says=("biopsy", None, "4X"),
    ),
    Case("Thin-walled unilocular cyst RUL 12 mm.", exam="Low-dose CT lung cancer screening, baseline"),
    Case(
        "Part-solid nodule in LLL: total 7 mm, solid component 3 mm.",
        exam="Low-dose CT lung cancer screening, baseline",
        says=("short-follow-up", (6, 6), "3"),
    ),
    Case(
        "Apices are not included in the field of view.",
        exam="Low-dose CT lung cancer screening, baseline",
        says=("further-imaging", None, "0"),
    ),
    Case(
        "Prior exam Lung-RADS 3. Today: solid nodule 6 mm RUL, unchanged over 6 months.",
        exam="LDCT lung screening",
        says=("follow-up", (12, 12), "2"),
    ),
    Case(
        "3 mm solid nodule. Known 3 cm renal mass, unchanged.",
        exam="Low-dose CT lung cancer screening, baseline",
        says=("follow-up", (12, 12), "2"),
    ),
    Case("12 mm solid nodule.", exam="CT chest low dose", indication="Lung cancer screening", asks=frozenset({"growth"})),
)


@pytest.mark.parametrize("case", FLEISCHNER, ids=name)
def test_fleischner_are_answered_asked_for_or_left_alone(case: Case) -> None:
    case.hold("fleischner")


@pytest.mark.parametrize("case", LUNG_RADS, ids=name)
def test_lung_rads_are_answered_asked_for_or_left_alone(case: Case) -> None:
    case.hold("lung_rads")
