"""Who says that there is no doubt must have been told so."""

from __future__ import annotations

import pytest

from engine.checks import check
from engine.emphasis import overstatements


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("Faint uptake in the right fifth rib, likely nonspecific.", "Definite right fifth rib metastasis."),
        ("No filling defect to segmental level.", "Pulmonary embolism is completely excluded at all levels."),
        ("Osteophyte with mild foraminal narrowing.", "Osteophyte definitely compressing the nerve root."),
        ("Lytic lesion of the ilium.", "Lytic lesion, diagnostic of metastatic carcinoma."),
        ("No embolus to segmental level.", "Pulmonary embolism is ruled out with certainty."),
    ],
)
def test_an_emphasis_that_nobody_dictated_is_a_difference_in_certainty(findings: str, impression: str) -> None:
    (flag,) = overstatements(findings, impression, "")
    assert flag.flag_class == "certainty"
    assert "certainty" in {one.flag_class for one in check(findings, impression).flags}


@pytest.mark.parametrize(
    ("findings", "impression", "known"),
    [
        ("Fat pads are elevated.", "No definite fracture.", ""),
        ("Honeycombing.", "Definite UIP pattern.", ""),
        ("Pyloric muscle 5 mm thick.", "Findings diagnostic of pyloric stenosis.", ""),
        ("Contrast spills on both sides.", "Patency of both tubes confirmed.", ""),
        ("Mass in the pancreas.", "Mass; definitive diagnosis requires biopsy.", ""),
        ("There is definitely a fracture line.", "Definite fracture.", ""),
        ("Stable mass.", "Unequivocal growth since then.", "Unequivocal growth was reported."),
    ],
)
def test_a_doubt_an_advice_a_category_and_an_emphasis_of_the_findings_pass(findings: str, impression: str, known: str) -> None:
    assert list(overstatements(findings, impression, known)) == []
