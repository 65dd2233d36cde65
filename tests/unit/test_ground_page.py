"""The demo's page says what is stored, in HTML that needs nobody else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from demo.curves import running_mean
from demo.page import headline, marked, write_page

SUMMARY: dict[str, Any] = {
    "seconds": 431.2,
    "broker": "kafka",
    "engine": "vllm",
    "database": "sqlite",
    "base_model": "impresario-demo",
    "reports": 1183,
    "drafts": 1183,
    "signed": 1180,
    "preferences": 1180,
    "dead_letters": 3,
    "nights": [
        {
            "night": "2026-03-02",
            "seconds": 70,
            "radiologists": [
                {
                    "radiologist": "rivera",
                    "preferences": 25,
                    "verdict": "promoted",
                    "reason": "better on 8 later reports",
                    "edit_distance": {"draft": 0.7, "own": 0.28, "other": 0.66, "incumbent": None},
                    "facts_changed": 0,
                },
                {
                    "radiologist": "okafor",
                    "preferences": 5,
                    "verdict": "too_few",
                    "reason": "5 signed, 20 are needed",
                    "edit_distance": {"draft": None, "own": None, "other": None, "incumbent": None},
                    "facts_changed": None,
                },
            ],
        }
    ],
    "days": [
        {
            "radiologist": "rivera",
            "day": 2,
            "reports": 30,
            "signed_as_shown": 21,
            "edit_distance": {"draft": 0.71, "own": 0.19, "other": 0.6},
            "facts_changed": 0,
            "fell_back": 3,
        },
        {
            "radiologist": "okafor",
            "day": 2,
            "reports": 30,
            "signed_as_shown": 0,
            "edit_distance": {"draft": 0.5, "own": None, "other": None},
            "facts_changed": 0,
            "fell_back": 0,
        },
    ],
    "learning_curve": [{"radiologist": "rivera", "signed": number, "edit_distance": 0.5} for number in range(1, 13)],
}
EXAMPLE = {
    "radiologist": "rivera",
    "exam": "CT chest",
    "findings": "A nodule < 6 mm. <script>alert(1)</script>",
    "draft": "Small nodule, right lung.",
    "own_words": "Small nodule.",
    "signed": "Small nodule.",
}


@pytest.fixture
def page(tmp_path: Path) -> str:
    write_page(SUMMARY, [EXAMPLE], tmp_path / "report.html")
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_page_asks_nothing_of_the_network(page: str) -> None:
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", page))

    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(script|link|img|iframe)\b|@import|url\(", page)


def test_words_of_a_report_are_escaped(page: str) -> None:
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_every_figure_of_a_night_stands_in_its_row(page: str) -> None:
    nights = page[page.index("What each night decided</h2>") :]
    row = nights[nights.index('<th scope="row">rivera') : nights.index('<th scope="row">okafor')]

    assert re.findall(r"<td[^>]*>([\d.–]+)</td>", row) == ["25", "0.70", "0.66", "–", "0.28", "0"]


def test_every_figure_of_a_day_stands_in_its_row(page: str) -> None:
    days = page[page.index("What each day showed</h2>") : page.index("What each night decided</h2>")]

    assert cells(days, "rivera") == ["30", "21", "0.71", "0.60", "0.19", "0", "10%"]
    assert cells(days, "okafor") == ["30", "0", "0.50", "–", "–", "–", "–"]


def cells(table: str, radiologist: str) -> list[str]:
    row = table[table.index(f'<th scope="row">{radiologist}') :]
    return re.findall(r"<td[^>]*>([^<]*)</td>", row[: row.index("</tr>")])


def test_the_headline_speaks_of_the_last_day_with_an_adapter(page: str) -> None:
    assert "<strong>0.19</strong>" in page
    assert "needed 0.71" in page


def test_without_own_words_the_page_says_so_instead_of_examples(tmp_path: Path) -> None:
    write_page(SUMMARY, [], tmp_path / "report.html")

    assert "no adapter was promoted" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_draft_signed_as_shown_says_so_and_marks_nothing(page: str) -> None:
    own = page[page.index("In their own words</h3>") : page.index("Signed</h3>")]

    assert "signed as shown" in own
    assert "<mark" not in own


def test_words_that_had_to_go_are_one_mark() -> None:
    assert marked("Small nodule, right lung.", "Small nodule.", "gone") == 'Small nodule<mark class="gone">, right lung</mark>.'


def test_the_headline_counts_who_needs_half_the_edits() -> None:
    rows = [("rivera", {"draft": 0.6, "own": 0.3, "other": 0.6}), ("okafor", {"draft": 0.6, "own": 0.31, "other": 0.6})]

    assert "<strong>1 of 2</strong>" in headline(rows)


def test_without_a_measured_adapter_the_headline_claims_nothing() -> None:
    assert "too few" in headline([])


def test_the_line_is_the_mean_of_the_last_ten() -> None:
    points = [(number, 1.0) for number in range(1, 11)] + [(11, 0.0)]

    assert running_mean(points)[-1] == (11, 0.9)


@pytest.mark.parametrize("name", ["learning-curves.svg", "edit-distance.svg"])
def test_the_pictures_stand_alone_and_say_in_words_what_they_show(name: str, tmp_path: Path) -> None:
    write_page(SUMMARY, [EXAMPLE], tmp_path / "report.html")

    picture = ElementTree.parse(tmp_path / name).getroot()

    description = picture.findtext("{http://www.w3.org/2000/svg}desc") or ""
    assert picture.get("role") == "img"
    assert "rivera" in description
