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
COLUMNS = (
    ("Night", ' class="word"'),
    ("Radiologist", ' class="word"'),
    ("Signed reports<br>learned from", ""),
    ("Bare<br>draft", ""),
    ("Colleague’s<br>adapter", ""),
    ("Own adapter<br>until now", ""),
    ("Own adapter<br>of this night", ""),
    ("Facts<br>changed", ""),
    ("Verdict", ' class="word"'),
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
        table=table(summary),
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
        examples="\n".join(map(article, examples)),
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
    """Per radiologist the distances of the last night that measured them."""
    latest: dict[str, dict[str, float | None]] = {}
    for night in summary["nights"]:
        for row in night["radiologists"]:
            if (distances := row.get("edit_distance") or {}).get("draft") is not None:
                latest[row["radiologist"]] = {who: distances.get(who) for who in ("draft", "other", "own")}
    return sorted(latest.items())


def headline(rows: Sequence[tuple[str, Mapping[str, float | None]]]) -> str:
    pairs = [(distances["own"], distances["draft"]) for _, distances in rows if distances.get("own") is not None]
    if not pairs:
        return "No night has measured an adapter yet: there were too few signed reports to learn from and to judge with."
    own, draft = sum(own or 0 for own, _ in pairs) / len(pairs), sum(draft or 0 for _, draft in pairs) / len(pairs)
    halved = sum((own or 0) <= (draft or 0) / 2 for own, draft in pairs)
    return (
        f"After the last night, what the adapters wrote needed an edit distance of <strong>{own:.2f}</strong> to sign; "
        f"the bare draft needed {draft:.2f}. For <strong>{halved} of {len(pairs)}</strong> radiologists it at least halved."
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


def table(summary: Mapping[str, Any]) -> str:
    head = "".join(f'<th scope="col"{kind}>{title}</th>' for title, kind in COLUMNS)
    body = "".join(table_row(night, row) for night in summary["nights"] for row in night["radiologists"])
    caption = "Mean edit distance to sign on later reports, per radiologist and night; lower is better."
    return (
        '<div class="scroll" role="region" aria-label="What each night learned" tabindex="0">'
        f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def table_row(night: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    distances = row.get("edit_distance") or {}
    facts = row.get("facts_changed")
    verdict = VERDICTS.get(row["verdict"], row["verdict"])
    return (
        f'<tr><td class="word">{escape(str(night["night"]))}</td><th scope="row">{escape(row["radiologist"])}</th>'
        f"<td>{row['preferences']}</td><td>{figure_of(distances.get('draft'))}</td><td>{figure_of(distances.get('other'))}</td>"
        f'<td>{figure_of(distances.get("incumbent"))}</td><td class="own">{figure_of(distances.get("own"))}</td>'
        f"<td>{'–' if facts is None else facts}</td>"
        f'<td class="reason"><strong>{escape(verdict)}</strong><br>{escape(row.get("reason") or "")}</td></tr>'
    )


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
