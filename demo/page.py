"""The page a person looks at after the demo: one HTML file that needs no network, and its pictures as SVG files beside it.

Everything on it is computed from the summary and the stored examples; words of reports are escaped, never trusted.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from demo.curves import Curve, comparison, learning_curves
from feedback.edits import edit_distance

PAGE = Path(__file__).parent / "page.html"
WORD = re.compile(r"\w+(?:[.'’-]\w+)*|[^\w\s]|\s+")

#: What became of a candidate, as a person says it.
VERDICTS = {
    "promoted": "promoted: writes from tomorrow",
    "kept": "kept out",
    "too_few": "too few signed reports yet",
    "failed": "training failed",
}
#: Title and whether the column holds words.
DAY_COLUMNS = (
    ("Day", True),
    ("Radiologist", True),
    ("Reports", False),
    ("Signed<br>as shown", False),
    ("Bare<br>draft", False),
    ("Colleague’s<br>adapter", False),
    ("Own<br>adapter", False),
    ("Facts<br>changed", False),
    ("Fell<br>back", False),
)
NIGHT_COLUMNS = (
    ("Night", True),
    ("Radiologist", True),
    ("Signed reports<br>learned from", False),
    ("Bare<br>draft", False),
    ("Colleague’s<br>adapter", False),
    ("Own adapter<br>until now", False),
    ("Own adapter<br>of this night", False),
    ("Facts<br>changed", False),
    ("Verdict", True),
)
PARTS = {"vllm": "vLLM", "kafka": "Apache Kafka", "memory": "in memory", "sqlite": "SQLite", "postgresql": "PostgreSQL"}


def write_page(summary: Mapping[str, Any], examples: Sequence[Mapping[str, str]], path: Path) -> None:
    """Write the page to `path`, `learning-curves.svg` and `edit-distance.svg` beside it.

    `summary` is summary.json (docs/interface.md). An example has `radiologist`, `exam`, `findings`, `draft`, `own_words` and
    `signed`.
    """
    curves, rows = curves_of(summary), last_distances(summary)
    pictures = {"learning-curves.svg": learning_curves(curves), "edit-distance.svg": comparison(rows)}
    path.parent.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        path.with_name(name).write_text(picture, encoding="utf-8")
    page = Template(PAGE.read_text(encoding="utf-8")).substitute(
        headline=headline(rows),
        tiles=tiles(summary),
        days=day_table(summary),
        nights=night_table(summary),
        curves=figure(
            pictures["learning-curves.svg"],
            "Each dot is one report, each line the mean of the ten before; a dotted line marks the night that trained. "
            "The lower the line, the less there is to mend.",
        ),
        comparison=figure(
            pictures["edit-distance.svg"],
            "The same later reports, written three ways. If a colleague's adapter did as well as one's own, "
            "nothing personal would have been learned.",
        ),
        examples="\n".join(map(article, examples)) or "<p>No report was shown in own words: no adapter was promoted.</p>",
        footer=footer(summary),
    )
    path.write_text(page, encoding="utf-8")


def curves_of(summary: Mapping[str, Any]) -> list[Curve]:
    points: dict[str, list[tuple[int, float]]] = {}
    for point in summary["learning_curve"]:
        points.setdefault(point["radiologist"], []).append((point["signed"], point["edit_distance"]))
    nights: dict[str, list[int]] = {}
    for night in summary["nights"]:
        for row in night["radiologists"]:
            nights.setdefault(row["radiologist"], []).append(row["preferences"])
    return [Curve(radiologist, sorted(of_one), nights.get(radiologist, [])) for radiologist, of_one in sorted(points.items())]


def last_distances(summary: Mapping[str, Any]) -> list[tuple[str, dict[str, float | None]]]:
    """Per radiologist the distances of the last day that had an adapter, else of the last night that measured one."""
    measured = [row for night in summary["nights"] for row in night["radiologists"]] + list(summary.get("days", []))
    latest: dict[str, dict[str, float | None]] = {}
    for row in measured:
        distances = row.get("edit_distance") or {}
        if distances.get("own") is not None:
            latest[row["radiologist"]] = {who: distances.get(who) for who in ("draft", "other", "own")}
    return sorted(latest.items())


def headline(rows: Sequence[tuple[str, Mapping[str, float | None]]]) -> str:
    pairs = [(distances["own"], distances["draft"]) for _, distances in rows if distances.get("own") is not None]
    if not pairs:
        return "No night has measured an adapter yet: there were too few signed reports to learn from and to judge with."
    own, draft = sum(own or 0 for own, _ in pairs) / len(pairs), sum(draft or 0 for _, draft in pairs) / len(pairs)
    halved = sum((own or 0) <= (draft or 0) / 2 for own, draft in pairs)
    return (
        f"On later reports, what was written with the radiologist's own adapter needed an edit distance of <strong>{own:.2f}</strong> to sign; "
        f"the bare draft needed {draft:.2f}. For <strong>{halved} of {len(pairs)}</strong> radiologists that is at most half."
    )


def tiles(summary: Mapping[str, Any]) -> str:
    counted = {
        "reports": "reports dictated",
        "drafts": "drafts shown",
        "signed": "signed",
        "preferences": "preferences learned from",
        "dead_letters": "dead letters",
    }
    numbers = [f"<div><dt>{words}</dt><dd>{summary[name]:,}</dd></div>" for name, words in counted.items()]
    used = {"broker": "broker", "engine": "model server", "database": "database"}
    words = [f'<div><dt>{words}</dt><dd class="word">{said(summary[name])}</dd></div>' for name, words in used.items()]
    return "".join(numbers + words)


def day_table(summary: Mapping[str, Any]) -> str:
    rows = []
    for row in sorted(summary.get("days", []), key=lambda row: (row["day"], row["radiologist"])):
        distances, had_adapter = row["edit_distance"], row["edit_distance"].get("own") is not None
        cells = [
            str(row["reports"]),
            str(row["signed_as_shown"]),
            figure_of(distances.get("draft")),
            figure_of(distances.get("other")),
            figure_of(distances.get("own")),
            str(row["facts_changed"]) if had_adapter else "–",
            f"{row['fell_back'] / row['reports']:.0%}" if had_adapter and row["reports"] else "–",
        ]
        rows.append(table_row(str(row["day"]), row["radiologist"], cells, own=4))
    return table(
        "Mean edit distance to sign, per radiologist and day; lower is better.", "What each day showed", DAY_COLUMNS, rows
    )


def night_table(summary: Mapping[str, Any]) -> str:
    rows = []
    for night in summary["nights"]:
        for row in night["radiologists"]:
            distances, facts = row.get("edit_distance") or {}, row.get("facts_changed")
            cells = [str(row["preferences"]), *(figure_of(distances.get(who)) for who in ("draft", "other", "incumbent", "own"))]
            cells.append("–" if facts is None else str(facts))
            verdict = escape(VERDICTS.get(row["verdict"], row["verdict"]))
            why = f'<td class="reason"><strong>{verdict}</strong><br>{escape(row.get("reason") or "")}</td>'
            rows.append(table_row(str(night["night"]), row["radiologist"], cells, own=4, last=why))
    caption = "Mean edit distance on the reports that judged, signed later than those learned from."
    return table(caption, "What each night decided", NIGHT_COLUMNS, rows)


def table(caption: str, label: str, columns: Sequence[tuple[str, bool]], rows: Sequence[str]) -> str:
    word = ' class="word"'
    head = "".join(f'<th scope="col"{word if is_word else ""}>{title}</th>' for title, is_word in columns)
    return (
        f'<div class="scroll" role="region" aria-label="{label}" tabindex="0"><table><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def table_row(when: str, radiologist: str, cells: Sequence[str], *, own: int, last: str = "") -> str:
    """One row; `own` is the number of the cell with the radiologist's own adapter."""
    numbers = "".join(f'<td class="own">{cell}</td>' if place == own else f"<td>{cell}</td>" for place, cell in enumerate(cells))
    return f'<tr><td class="word">{escape(when)}</td><th scope="row">{escape(radiologist)}</th>{numbers}{last}</tr>'


def article(example: Mapping[str, str]) -> str:
    draft, own, signed = example["draft"], example["own_words"], example["signed"]
    columns = [
        ("Findings", "as dictated", escape(example["findings"]), ""),
        ("Bare draft", measure(draft, signed), marked(draft, signed, "gone"), ""),
        ("In their own words", measure(own, signed), marked(own, signed, "gone"), ""),
        ("Signed", "by the radiologist", marked(signed, own, "new"), "signed"),
    ]
    sections = "".join(
        f'<section class="{kind}"><h3>{title}</h3><p class="measure">{note}</p><p class="text">{text}</p></section>'
        for title, note, text, kind in columns
    )
    heading = f"{escape(example['exam'])} <span class='soft'>· read by {escape(example['radiologist'])}</span>"
    return f'<article><header><h3>{heading}</h3></header><div class="columns">{sections}</div></article>'


def measure(shown: str, signed: str) -> str:
    distance = edit_distance(shown, signed)
    return "signed as shown" if distance == 0 else f"edit distance {distance:.2f}"


def marked(text: str, other: str, kind: str) -> str:
    """`text` as HTML, its words that are not in `other` marked; a run of such words is one mark."""
    words, others = WORD.findall(text), WORD.findall(other)
    here = [index for index, word in enumerate(words) if not word.isspace()]
    there = [word.lower() for word in others if not word.isspace()]
    matcher = difflib.SequenceMatcher(None, [words[index].lower() for index in here], there, autojunk=False)
    kept = {here[block.a + step] for block in matcher.get_matching_blocks() for step in range(block.size)}
    changed = [not word.isspace() and index not in kept for index, word in enumerate(words)]
    for index in range(1, len(words) - 1):
        if words[index] == " " and changed[index - 1] and changed[index + 1]:
            changed[index] = True
    pieces: list[str] = []
    for index, word in enumerate(words):
        opens = changed[index] and (index == 0 or not changed[index - 1])
        closes = changed[index] and (index == len(words) - 1 or not changed[index + 1])
        pieces.append(f'<mark class="{kind}">' * opens + escape(word) + "</mark>" * closes)
    return "".join(pieces)


def figure(picture: str, caption: str) -> str:
    return f'<figure><div class="plot">{picture}</div><figcaption>{caption}</figcaption></figure>'


def footer(summary: Mapping[str, Any]) -> str:
    minutes, seconds = divmod(round(summary["seconds"]), 60)
    taken = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    base = escape(Path(str(summary["base_model"])).name)
    fallback = summary.get("fallback_rate")
    fell_back = (
        "" if fallback is None else f" {fallback:.0%} of own-words drafts failed the check against the findings and fell back."
    )
    return (
        f"Written on {datetime.now(UTC):%d %B %Y, %H:%M} UTC after {taken}. Base model: {base}.{fell_back} "
        "The figures stand in summary.json beside this page."
    )


def said(word: str) -> str:
    return escape(PARTS.get(word, word))


def figure_of(distance: float | None) -> str:
    return "–" if distance is None else f"{distance:.2f}"
