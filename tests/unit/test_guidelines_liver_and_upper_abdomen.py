"""What the guidelines say of liver, gallbladder, pancreas and spleen: every row, every boundary from both sides, and the ways people dictate them."""

from __future__ import annotations

import pytest

from tests.unit.guideline_cases import Case, name

LI_RADS = (
    Case(
        "Segment 8 observation measuring 15 mm with nonrim arterial phase hyperenhancement and washout.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("referral", None, "LR-5"),
    ),
    Case(
        "Segment 8 observation measuring 15 mm with nonrim arterial phase hyperenhancement and an enhancing capsule, no washout.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("referral", None, "LR-4"),
    ),
    Case(
        "Segment 8 observation measuring 15 mm with APHE, washout and capsule.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("referral", None, "LR-5"),
    ),
    Case(
        "Segment 8 observation measuring 9 mm with APHE and washout.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("referral", None, "LR-4"),
    ),
    Case(
        "Segment 8 observation measuring 9 mm with APHE. No washout or capsule.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("short-follow-up", (3, 6), "LR-3"),
    ),
    Case(
        "Segment 6 observation, 19 mm, nonrim APHE, no washout, no capsule.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("short-follow-up", (3, 6), "LR-3"),
    ),
    Case(
        "Segment 6 observation, 20 mm, nonrim APHE, no washout, no capsule.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("referral", None, "LR-4"),
    ),
    Case(
        "Segment 6 observation, 20 mm, nonrim APHE, with washout.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("referral", None, "LR-5"),
    ),
    Case(
        "25 mm lesion in segment VII without arterial phase hyperenhancement, with nonperipheral washout.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("referral", None, "LR-4"),
    ),
    Case(
        "15 mm lesion in segment VII without arterial phase hyperenhancement, with nonperipheral washout.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("short-follow-up", (3, 6), "LR-3"),
    ),
    Case(
        "25 mm lesion in segment VII without arterial phase hyperenhancement, washout or capsule.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("short-follow-up", (3, 6), "LR-3"),
    ),
    Case(
        "15 mm lesion in segment VII without arterial phase hyperenhancement. Nonperipheral washout and enhancing "
        "capsule are present.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("referral", None, "LR-4"),
    ),
    Case(
        "22 mm liver lesion with rim APHE and peripheral washout.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("referral", None, "LR-M"),
    ),
    Case(
        "Tumor in the portal vein. 40 mm mass in the right hepatic lobe with arterial hyperenhancement.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("referral", None, "LR-TIV"),
    ),
    Case(
        "22 mm liver lesion. Arterial phase was not obtained.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("further-imaging", (0, 3), "LR-NC"),
    ),
    Case(
        "LR-4 observation in segment 5, 14 mm.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("referral", None, "LR-4"),
    ),
    Case(
        "LI-RADS 3 observation in segment 2.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("short-follow-up", (3, 6), "LR-3"),
    ),
    Case(
        "LR-2 observation in segment 2, previously LR-3.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("short-follow-up", (6, 6), "LR-2"),
    ),
    Case(
        "15 mm lesion with arterial phase hyperenhancement and washout in segment 8 of the liver.",
        exam="MRI liver without and with contrast",
        asks=frozenset({"risk"}),
    ),
    Case(
        "15 mm lesion with arterial phase hyperenhancement and washout in segment 8 of the liver.",
        exam="MRI liver without and with contrast",
        indication="No liver disease, healthy",
    ),
    Case(
        "15 mm lesion with arterial phase hyperenhancement and washout in segment 8 of the liver.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis",
        age=15,
    ),
    Case(
        "15 mm lesion with arterial phase hyperenhancement and washout in segment 8 of the liver.",
        exam="MRI liver without and with contrast",
        indication="Budd-Chiari syndrome, cirrhosis",
    ),
    Case(
        "Treated lesion in segment 8, 20 mm with arterial phase hyperenhancement.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC post TACE",
    ),
    Case(
        "Liver observation with arterial phase hyperenhancement and washout.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        asks=frozenset({"size"}),
    ),
    Case(
        "Observation in segment 4, 12 mm, with washout and capsule.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        asks=frozenset({"arterial phase hyperenhancement"}),
    ),
    Case(
        "Segment 8 observation, 12 mm, arterial hyperenhancement, possible washout.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("short-follow-up", (3, 6), "LR-3"),
    ),
    Case(
        "Observation in segment 4, 16 mm, APHE, previously 10 mm 5 months ago.",
        exam="MRI liver without and with contrast",
        indication="Cirrhosis, HCC surveillance",
        says=("referral", None, "LR-5"),
    ),
    Case("12 mm hemangioma-like lesion in the liver.", exam="Liver ultrasound", indication="chronic hepatitis B"),
    Case(
        "There is an 18 mm observation in segment 7 which shows nonrim arterial phase hyperenhancement, "
        "nonperipheral washout on portal venous phase. 3 cm renal cyst.",
        exam="CT liver multiphase",
        indication="chronic hepatitis B",
        says=("referral", None, "LR-5"),
    ),
    Case(
        "Cirrhotic liver morphology. Segment 5 observation measures 2.1 cm, shows arterial phase hyperenhancement "
        "and washout appearance, with enhancing capsule.",
        exam="MRI abdomen",
        says=("referral", None, "LR-5"),
    ),
    Case(
        "Observation 1: segment 4, 14 mm, APHE yes, washout yes, capsule no. Observation 2: segment 7, 8 mm, APHE "
        "yes, washout no, capsule no.",
        exam="MRI liver",
        indication="cirrhosis",
        says=("referral", None, "LR-5"),
    ),
    Case(
        "Segment 8 ablation cavity without residual enhancement. LR-TR nonviable.",
        exam="MRI liver",
        indication="HCC s/p ablation",
    ),
)


LIVER = (
    Case("8 mm hypodense lesion in the right hepatic lobe.", exam="CT abdomen with contrast", risk="low", says=("none", None)),
    Case(
        "8 mm hypodense lesion in the right hepatic lobe.",
        exam="CT abdomen with contrast",
        risk="high",
        says=("short-follow-up", (3, 6)),
    ),
    Case("8 mm hypodense lesion in the right hepatic lobe.", exam="CT abdomen with contrast", asks=frozenset({"risk"})),
    Case(
        "8 mm hypodense lesion in the right hepatic lobe.",
        exam="CT abdomen with contrast",
        indication="Colon cancer",
        says=("short-follow-up", (3, 6)),
    ),
    Case("12 mm ill-defined heterogeneous lesion in segment 6.", exam="CT abdomen with contrast", says=("further-imaging", None)),
    Case(
        "12 mm flash-filling lesion in segment 6 of the liver.", exam="CT abdomen with contrast", risk="low", says=("none", None)
    ),
    Case(
        "12 mm flash-filling lesion in segment 6 of the liver.",
        exam="CT abdomen with contrast",
        risk="high",
        says=("further-imaging", None),
    ),
    Case("12 mm flash-filling lesion in segment 6 of the liver.", exam="CT abdomen with contrast", asks=frozenset({"risk"})),
    Case("12 mm simple hepatic cyst.", exam="CT abdomen with contrast", says=("none", None)),
    Case(
        "3 cm hepatic lesion with peripheral nodular discontinuous enhancement, typical of hemangioma.",
        exam="CT abdomen with contrast",
        says=("none", None),
    ),
    Case(
        "2 cm heterogeneous ill-defined hepatic lesion.",
        exam="CT abdomen with contrast",
        risk="low",
        says=("further-imaging", None),
    ),
    Case("2 cm flash-filling hepatic lesion.", exam="CT abdomen with contrast", risk="low", says=("further-imaging", None)),
    Case("2 cm hepatic lesion.", exam="CT abdomen with contrast", risk="low", asks=frozenset({"enhancement"})),
    Case("Hypodense hepatic lesion.", exam="CT abdomen with contrast", risk="low", asks=frozenset({"size"})),
    Case(
        "1.5 cm homogeneous hepatic lesion measuring 12 HU, sharply marginated.",
        exam="CT abdomen with contrast",
        says=("none", None),
    ),
    Case("1.0 cm heterogeneous hepatic lesion.", exam="CT abdomen with contrast", says=("further-imaging", None)),
    Case("No focal hepatic lesion.", exam="CT abdomen with contrast"),
    Case(
        "Subcentimeter hypodense lesions in the liver, too small to characterize.",
        exam="CT abdomen with contrast",
        indication="No history of cancer or liver disease",
        says=("none", None),
    ),
    Case("Liver: 1.2 cm hypodense lesion with sharp margins, homogeneous, 14 HU.", exam="CT abdomen", says=("none", None)),
    Case("Liver: cirrhotic. 8 mm hypodense lesion segment 4.", exam="CT abdomen", says=("short-follow-up", (3, 6))),
    Case(
        "Liver: Two hypodense lesions: 6 mm in segment 4 and 9 mm in segment 8.",
        exam="CT abdomen",
        indication="no history of malignancy or liver disease",
        says=("none", None),
    ),
)


GALLBLADDER_POLYP = (
    Case("6 mm sessile gallbladder polyp.", exam="Ultrasound right upper quadrant", says=("none", None)),
    Case("7 mm sessile gallbladder polyp.", exam="Ultrasound right upper quadrant", says=("follow-up", (12, 12))),
    Case("9 mm gallbladder polyp with thin stalk.", exam="Ultrasound right upper quadrant", says=("none", None)),
    Case("9 mm gallbladder polyp.", exam="Ultrasound right upper quadrant", asks=frozenset({"morphology"})),
    Case("10 mm gallbladder polyp.", exam="Ultrasound right upper quadrant", says=("short-follow-up", (6, 6))),
    Case(
        "14 mm pedunculated polyp of the gallbladder with a thin stalk.",
        exam="Ultrasound right upper quadrant",
        says=("short-follow-up", (6, 6)),
    ),
    Case("15 mm gallbladder polyp.", exam="Ultrasound right upper quadrant", says=("referral", None)),
    Case("5 mm gallbladder polyp.", exam="Ultrasound right upper quadrant", says=("none", None)),
    Case("Gallbladder polyp.", exam="Ultrasound right upper quadrant", asks=frozenset({"size"})),
    Case("8 mm gallbladder polyp.", exam="Ultrasound right upper quadrant", indication="Primary sclerosing cholangitis"),
    Case(
        "Gallbladder: Multiple polyps, the largest measuring 8 mm, sessile. Common bile duct 4 mm.",
        exam="Ultrasound right upper quadrant",
        says=("follow-up", (12, 12)),
    ),
    Case("No gallbladder polyp. 12 mm gallstone.", exam="Ultrasound right upper quadrant"),
    Case(
        "9 mm sessile polyp, previously 5 mm 10 months ago, in the gallbladder.",
        exam="Ultrasound right upper quadrant",
        says=("referral", None),
    ),
    Case(
        "Gallbladder contains a 12 mm ball-on-the-wall polyp.",
        exam="Ultrasound right upper quadrant",
        says=("short-follow-up", (6, 6)),
    ),
    Case("8 mm thick-stalked gallbladder polyp, CBD 5 mm.", exam="Ultrasound right upper quadrant", says=("follow-up", (12, 12))),
    Case("A 1.2 cm polyp in the sigmoid colon.", exam="CT colonography"),
    Case("12 mm GB polyp, sessile", exam="US abdomen", says=("short-follow-up", (6, 6))),
    Case("Gallbladder polyp 7 mm, thin stalk, was 8 mm.", exam="US abdomen", says=("none", None)),
    Case("Gallbladder adenomyomatosis. No polyp.", exam="US abdomen"),
)


PANCREATIC_CYST = (
    Case("4 mm cyst in the pancreatic body.", exam="MRI abdomen with MRCP", age=50, says=("follow-up", (24, 24))),
    Case("4 mm cyst in the pancreatic body.", exam="MRI abdomen with MRCP", age=82, says=("none", None)),
    Case("12 mm cystic lesion in the pancreatic tail.", exam="MRI abdomen with MRCP", age=64, says=("follow-up", (12, 12))),
    Case("12 mm cystic lesion in the pancreatic tail.", exam="MRI abdomen with MRCP", age=65, says=("follow-up", (24, 24))),
    Case("12 mm cystic lesion in the pancreatic tail.", exam="MRI abdomen with MRCP", age=80, says=("follow-up", (24, 24))),
    Case("12 mm cystic lesion in the pancreatic tail.", exam="MRI abdomen with MRCP", asks=frozenset({"age"})),
    Case(
        "1.7 cm side-branch IPMN communicating with the main pancreatic duct.",
        exam="MRI abdomen with MRCP",
        age=60,
        says=("follow-up", (12, 12)),
    ),
    Case(
        "2.2 cm pancreatic cyst communicating with the main duct.",
        exam="MRI abdomen with MRCP",
        age=60,
        says=("short-follow-up", (6, 6)),
    ),
    Case(
        "2.0 cm pancreatic cyst. No communication with the duct is seen.",
        exam="MRI abdomen with MRCP",
        age=60,
        says=("short-follow-up", (6, 6)),
    ),
    Case("1.5 cm pancreatic cyst.", exam="MRI abdomen with MRCP", age=60, says=("short-follow-up", (6, 6))),
    Case("2.5 cm pancreatic cyst.", exam="MRI abdomen with MRCP", age=85, says=("follow-up", (24, 24))),
    Case("2.6 cm pancreatic cyst.", exam="MRI abdomen with MRCP", age=60, says=("further-imaging", None)),
    Case("1.0 cm pancreatic cyst with an enhancing mural nodule.", exam="MRI abdomen with MRCP", age=60, says=("referral", None)),
    Case(
        "1.0 cm pancreatic cyst. Main pancreatic duct is dilated to 8 mm.",
        exam="MRI abdomen with MRCP",
        age=60,
        says=("referral", None),
    ),
    Case(
        "1.0 cm pancreatic cyst. Main pancreatic duct measures 3 mm. No mural nodule.",
        exam="MRI abdomen with MRCP",
        age=60,
        says=("follow-up", (12, 12)),
    ),
    Case(
        "1.0 cm pancreatic cyst. Main pancreatic duct 6 mm.", exam="MRI abdomen with MRCP", age=60, says=("follow-up", (12, 12))
    ),
    Case("Serous cystadenoma of the pancreatic head measuring 3 cm.", exam="MRI abdomen with MRCP", age=60, says=("none", None)),
    Case("Pancreatic cyst in the uncinate process.", exam="MRI abdomen with MRCP", age=60, asks=frozenset({"size"})),
    Case("3 cm pancreatic pseudocyst.", exam="MRI abdomen with MRCP", age=60),
    Case("12 mm pancreatic cyst.", exam="MRI abdomen with MRCP", indication="Acute pancreatitis", age=60),
    Case("12 mm pancreatic cyst, previously 7 mm.", exam="MRI abdomen with MRCP", age=70, says=("follow-up", (12, 12))),
    Case(
        "Pancreas: 9 mm cyst in the tail. Spleen 12 cm. 14 mm renal cyst.",
        exam="MRI abdomen with MRCP",
        indication="67-year-old man",
        says=("follow-up", (24, 24)),
    ),
    Case("3 cm solid hypoenhancing mass in the pancreatic head.", exam="MRI abdomen with MRCP", age=60),
    Case(
        "Two cysts in the pancreas: 6 mm in the head and 18 mm in the body.",
        exam="MRCP",
        indication="58M",
        says=("short-follow-up", (6, 6)),
    ),
    Case("Pancreas: main duct dilated to 9 mm. No mass or cyst.", exam="MRCP", indication="72M"),
    Case(
        "Pancreas: 2.8 cm cystic lesion body with thickened enhancing wall.",
        exam="CT abdomen",
        indication="64-year-old",
        says=("referral", None),
    ),
    Case("12 mm pancreatic cyst. Duct 7 mm.", exam="MRCP", indication="60M", says=("referral", None)),
    Case("12 mm pancreatic cyst. Common bile duct 7 mm.", exam="MRCP", indication="60M", says=("follow-up", (12, 12))),
    Case("2.0 cm pancreatic cyst, previously 1.6 cm", exam="MRCP", indication="60M", says=("further-imaging", None)),
    Case("1.4 cm pancreatic cyst.", exam="MRCP", indication="abdominal pain and weight loss, 60M"),
)


SPLEEN = (
    Case("1.5 cm splenic cyst, 8 HU, nonenhancing.", exam="CT abdomen with contrast", says=("none", None)),
    Case(
        "1.5 cm indeterminate enhancing splenic lesion.",
        exam="CT abdomen with contrast",
        indication="No history of cancer",
        says=("short-follow-up", (6, 6)),
    ),
    Case("1.5 cm indeterminate enhancing splenic lesion.", exam="CT abdomen with contrast", asks=frozenset({"cancer history"})),
    Case(
        "8 mm splenic lesion, 40 HU.",
        exam="CT abdomen with contrast",
        indication="History of breast cancer",
        says=("short-follow-up", (6, 6)),
    ),
    Case(
        "10 mm splenic lesion, 40 HU.",
        exam="CT abdomen with contrast",
        indication="History of breast cancer",
        says=("further-imaging", None),
    ),
    Case(
        "2 cm irregular necrotic splenic lesion.",
        exam="CT abdomen with contrast",
        indication="No known malignancy",
        says=("further-imaging", None),
    ),
    Case("1.2 cm hypodense splenic lesion unchanged for 2 years.", exam="CT abdomen with contrast", says=("none", None)),
    Case("Spleen: normal. No focal lesion.", exam="CT abdomen with contrast"),
    Case("Splenic laceration with 3 cm hematoma.", exam="CT abdomen with contrast", indication="trauma"),
    Case(
        "The spleen measures 11 cm and contains a 9 mm homogeneous lesion measuring 15 HU.",
        exam="CT abdomen with contrast",
        says=("none", None),
    ),
    Case(
        "Enlarging 2 cm splenic lesion.",
        exam="CT abdomen with contrast",
        indication="No history of cancer",
        says=("further-imaging", None),
    ),
    Case(
        "1 cm hypodense splenic lesion.", exam="CT abdomen with contrast", indication="No cancer", asks=frozenset({"enhancement"})
    ),
    Case(
        "1.2 cm splenic lesion, enhancing, new since 2020.",
        exam="CT abdomen",
        indication="no cancer",
        says=("further-imaging", None),
    ),
    Case("Spleen: multiple calcified granulomas", exam="CT abdomen", says=("none", None)),
    Case("Spleen: 7 mm hypodensity, indeterminate.", exam="CT abdomen", indication="Colon ca", says=("short-follow-up", (6, 6))),
)


@pytest.mark.parametrize("case", LI_RADS, ids=name)
def test_li_rads_are_answered_asked_for_or_left_alone(case: Case) -> None:
    case.hold("li_rads")


@pytest.mark.parametrize("case", LIVER, ids=name)
def test_incidental_liver_lesions_are_answered_asked_for_or_left_alone(case: Case) -> None:
    case.hold("liver")


@pytest.mark.parametrize("case", GALLBLADDER_POLYP, ids=name)
def test_gallbladder_polyps_are_answered_asked_for_or_left_alone(case: Case) -> None:
    case.hold("gallbladder_polyp")


@pytest.mark.parametrize("case", PANCREATIC_CYST, ids=name)
def test_pancreatic_cysts_are_answered_asked_for_or_left_alone(case: Case) -> None:
    case.hold("pancreatic_cyst")


@pytest.mark.parametrize("case", SPLEEN, ids=name)
def test_splenic_lesions_are_answered_asked_for_or_left_alone(case: Case) -> None:
    case.hold("spleen")
