"""What the guidelines say of the abdominal aorta: every row, every boundary from both sides, and the ways people dictate them."""

from __future__ import annotations

import pytest

from tests.unit.guideline_cases import Case, name

AAA = (
    Case(
        "Infrarenal abdominal aortic aneurysm measuring 3.2 cm.",
        exam="CT abdomen and pelvis with contrast",
        age=70,
        sex="M",
        says=("follow-up", (36, 36)),
    ),
    Case(
        "The abdominal aorta is ectatic measuring 2.6 cm.",
        exam="CT abdomen and pelvis with contrast",
        age=70,
        sex="M",
        says=("follow-up", (120, 120)),
    ),
    Case(
        "Abdominal aorta measures 2.4 cm in diameter.",
        exam="CT abdomen and pelvis with contrast",
        age=70,
        sex="M",
        says=("none", None),
    ),
    Case("AAA 4.0 cm.", exam="CT abdomen and pelvis with contrast", age=70, sex="M", says=("follow-up", (12, 12))),
    Case("AAA 4.5 cm.", exam="CT abdomen and pelvis with contrast", age=70, sex="M", says=("follow-up", (12, 12))),
    Case(
        "AAA measuring 3.9 x 3.7 cm.", exam="CT abdomen and pelvis with contrast", age=70, sex="M", says=("follow-up", (36, 36))
    ),
    Case("AAA 5.0 cm.", exam="CT abdomen and pelvis with contrast", age=70, sex="M", says=("short-follow-up", (6, 6))),
    Case("AAA 5.4 cm.", exam="CT abdomen and pelvis with contrast", age=70, sex="F", says=("referral", None)),
    Case("AAA 5.5 cm.", exam="CT abdomen and pelvis with contrast", age=70, sex="M", says=("referral", None)),
    Case("AAA 5.2 cm.", exam="CT abdomen and pelvis with contrast", asks=frozenset({"sex"})),
    Case(
        "Fusiform infrarenal abdominal aortic aneurysm, maximal diameter 4.6 cm, previously 4.0 cm 6 months ago.",
        exam="CT abdomen and pelvis with contrast",
        age=70,
        sex="M",
        says=("referral", None),
    ),
    Case(
        "Fusiform infrarenal abdominal aortic aneurysm, maximal diameter 4.2 cm, previously 4.0 cm 12 months ago.",
        exam="CT abdomen and pelvis with contrast",
        age=70,
        sex="M",
        says=("follow-up", (12, 12)),
    ),
    Case(
        "Ruptured 6 cm AAA with retroperitoneal hematoma.",
        exam="CT abdomen and pelvis with contrast",
        age=70,
        sex="M",
        says=("urgent-communication", None),
    ),
    Case(
        "4.2 cm AAA without evidence of rupture.",
        exam="CT abdomen and pelvis with contrast",
        age=70,
        sex="M",
        says=("follow-up", (12, 12)),
    ),
    Case("Ascending thoracic aorta measures 4.2 cm.", exam="CT chest", age=70, sex="M"),
    Case("Status post EVAR. Aneurysm sac measures 5.1 cm.", exam="CT abdomen and pelvis with contrast", age=70, sex="M"),
    Case("Aortic dissection, abdominal aorta 4.2 cm.", exam="CT abdomen and pelvis with contrast", age=70, sex="M"),
    Case("No abdominal aortic aneurysm.", exam="CT abdomen and pelvis with contrast", age=70, sex="M"),
    Case("Abdominal aortic aneurysm.", exam="CT abdomen and pelvis with contrast", age=70, sex="M", asks=frozenset({"size"})),
    Case(
        "The aorta is aneurysmal. It measures up to 4.7 cm in the infrarenal segment. Right common iliac artery "
        "1.4 cm. 2 cm renal cyst.",
        exam="CT abdomen and pelvis with contrast",
        age=70,
        sex="M",
        says=("follow-up", (12, 12)),
    ),
    Case(
        "Aorta: infrarenal aneurysm 38 mm. Liver: 12 mm cyst.",
        exam="Aorta ultrasound",
        age=70,
        sex="M",
        says=("follow-up", (36, 36)),
    ),
    Case(
        "Right common iliac artery aneurysm measuring 3.2 cm. Aorta normal in caliber.",
        exam="CT abdomen and pelvis with contrast",
        age=70,
        sex="M",
    ),
    Case(
        "Abdominal aortic aneurysm measuring 5.1 cm.",
        exam="CT abdomen and pelvis with contrast",
        indication="72-year-old woman",
        says=("referral", None),
    ),
    Case("Abdominal aorta: normal in caliber, no aneurysm.", exam="CT abdomen and pelvis with contrast", age=70, sex="M"),
    Case(
        "Aneurysmal dilatation of the infrarenal aorta, 3.4 cm in AP diameter and 5 cm in length.",
        exam="CT abdomen and pelvis with contrast",
        age=70,
        sex="M",
        says=("follow-up", (36, 36)),
    ),
    Case(
        "Abdominal aortic aneurysm has increased from 4.1 cm to 4.7 cm.",
        exam="CT abdomen and pelvis with contrast",
        age=70,
        sex="M",
        asks=frozenset({"growth"}),
    ),
    Case(
        "The 4.4 cm infrarenal AAA is stable.",
        exam="CT abdomen and pelvis with contrast",
        age=70,
        sex="M",
        says=("follow-up", (12, 12)),
    ),
    Case(
        "Proximal abdominal aorta 2.3 cm, mid 2.2 cm, distal 3.6 cm.",
        exam="US abdominal aorta",
        indication="65 M smoker AAA screening",
        says=("follow-up", (36, 36)),
    ),
    Case("5.6 cm infrarenal AAA. No retroperitoneal hematoma.", exam="CT abdomen", indication="71M", says=("referral", None)),
    Case(
        "Vasculature: There is fusiform aneurysmal dilatation of the infrarenal abdominal aorta to 4.8 x 4.6 cm, "
        "previously 4.5 cm in 2020. Bilateral common iliac arteries measure 1.5 cm.",
        exam="CT abdomen",
        indication="71M",
        says=("follow-up", (12, 12)),
    ),
    Case(
        "Infrarenal AAA measures 4.4 cm, increased by 6 mm over the past 6 months",
        exam="CT abdomen",
        indication="74 yo male",
        says=("referral", None),
    ),
    Case("s/p endovascular repair of AAA with sac 5.8 cm", exam="CT abdomen", indication="74 yo male"),
    Case(
        "Suprarenal aorta 2.8 cm; infrarenal aorta 3.3 cm",
        exam="CT abdomen",
        indication="74 yo male",
        says=("follow-up", (36, 36)),
    ),
    Case("Small AAA.", exam="CT abdomen", indication="74 yo male", asks=frozenset({"size"})),
)


@pytest.mark.parametrize("case", AAA, ids=name)
def test_aortic_aneurysms_are_answered_asked_for_or_left_alone(case: Case) -> None:
    case.hold("aaa")
