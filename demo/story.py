"""What happened, told from what is stored: the day table, the learning curves, the examples and summary.json.

Every figure is computed from the database and, for facts, from the truth the hospital kept; nothing is written in.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from sqlalchemy import Engine, func, select
from sqlmodel import col

from demo.hospital import Case
from demo.truth import facts_changed
from engine.adapters import Shelf
from engine.impression import Kind
from engine.prompts import Dictation, personalising
from feedback.database import reading
from feedback.edits import edit_distance
from feedback.inbox import count_by_outcome
from feedback.tables import Draft, Night, NightResult, PreferenceRow, Signature
from ingest.report import REPORT_NAMESPACE
from trainer.fit import Writer


@dataclass(frozen=True, slots=True)
class Signed:
    """One report from dictation to signature."""

    case: Case
    kind: Kind
    adapter: str | None
    dictation: Dictation
    coarse: str = field(repr=False)
    shown: str = field(repr=False)
    signed: str = field(repr=False)

    @property
    def distance(self) -> float:
        return edit_distance(self.shown, self.signed)


@dataclass(frozen=True, slots=True)
class DayRow:
    """One radiologist's day; distances are means over the day's reports, None where nobody had an adapter yet."""

    radiologist: str
    day: int
    reports: int
    as_shown: int
    draft: float
    other: float | None
    own: float | None
    facts_changed: int
    fell_back: int


def signed_reports(database: Engine, cases: Mapping[str, Case]) -> list[Signed]:
    """Every drafted and signed report, in the order of signing."""
    drafted_and_signed = (
        select(Draft, Signature)
        .join(PreferenceRow, col(PreferenceRow.draft_id) == Draft.id)
        .join(Signature, col(Signature.id) == PreferenceRow.signature_id)
        .order_by(col(PreferenceRow.signed_at), col(PreferenceRow.id))
    )
    by_id = {report_id(accession): case for accession, case in cases.items()}
    with reading(database) as session:
        return [
            Signed(
                by_id[draft.report_id],
                Kind(draft.kind),
                draft.adapter,
                Dictation(draft.exam, draft.findings, draft.indication, draft.comparison),
                draft.coarse,
                draft.text,
                signature.impression,
            )
            for draft, signature in session.execute(drafted_and_signed)
            if draft.report_id in by_id
        ]


def day_rows(stories: Sequence[Signed], shelf: Shelf, writer: Writer) -> list[DayRow]:
    """The day table; a colleague's adapter is the one that wrote for the next radiologist on the same day."""
    rows = []
    for day in sorted({story.case.day for story in stories}):
        today = [story for story in stories if story.case.day == day]
        wrote = {story.case.radiologist: story.adapter for story in today if story.adapter}
        for radiologist in sorted({story.case.radiologist for story in today}):
            mine = [story for story in today if story.case.radiologist == radiologist]
            colleague = next((name for name in _after(radiologist, sorted(wrote)) if name != radiologist), None)
            other = _written_by(colleague, wrote, shelf, writer, mine) if colleague else None
            rows.append(
                DayRow(
                    radiologist,
                    day,
                    reports=len(mine),
                    as_shown=sum(story.distance == 0 for story in mine),
                    draft=fmean(edit_distance(story.coarse, story.signed) for story in mine),
                    other=other,
                    own=fmean(story.distance for story in mine) if radiologist in wrote else None,
                    facts_changed=sum(
                        bool(facts_changed(story.case.examination.latent, story.shown))
                        for story in mine
                        if story.kind is Kind.OWN_WORDS
                    ),
                    fell_back=sum(story.kind is not Kind.OWN_WORDS for story in mine) if radiologist in wrote else 0,
                )
            )
    return rows


def report_id(accession: str) -> str:
    """The id Impresario gives a report that one accession number names."""
    return str(uuid.uuid5(REPORT_NAMESPACE, accession))


def _after(name: str, names: Sequence[str]) -> list[str]:
    """`names` in order, starting behind `name` and coming round."""
    return [other for other in names if other > name] + [other for other in names if other <= name]


def _written_by(
    colleague: str, wrote: Mapping[str, str | None], shelf: Shelf, writer: Writer, stories: Sequence[Signed]
) -> float:
    adapter = shelf.find(wrote[colleague] or "", colleague)
    texts = writer([personalising(story.dictation, story.coarse) for story in stories], adapter.folder)
    return fmean(edit_distance(text, story.signed) for text, story in zip(texts, stories, strict=True))


def table(rows: Sequence[DayRow]) -> Table:
    """The day table for a terminal."""
    title = "Edit distance to sign (0 = signed as shown, 1 = nothing kept)"
    shown = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0)  # fits 80 columns
    for heading in (
        "Radiologist",
        "Day",
        "Reports",
        "Signed\nas shown",
        "Bare\ndraft",
        "Colleague's\nadapter",
        "Own\nadapter",
        "Facts\nchanged",
        "Fell\nback",
    ):
        shown.add_column(heading, justify="left" if heading == "Radiologist" else "right")
    for row in rows:
        shown.add_row(
            row.radiologist,
            str(row.day),
            str(row.reports),
            str(row.as_shown),
            f"{row.draft:.2f}",
            "–" if row.other is None else f"{row.other:.2f}",
            "–" if row.own is None else f"[bold]{row.own:.2f}[/bold]",
            "–" if row.own is None else str(row.facts_changed),
            "–" if row.own is None else f"{row.fell_back / row.reports:.0%}",
        )
    return shown


def examples(stories: Sequence[Signed], count: int = 3) -> list[dict[str, str]]:
    """Reports shown in own words on the last day, one per radiologist, the most typical of each: of median edit distance."""
    last = max((story.case.day for story in stories), default=0)
    chosen = []
    for radiologist in sorted({story.case.radiologist for story in stories}):
        mine = [
            s
            for s in stories
            if s.case.radiologist == radiologist
            and s.case.day == last
            and s.kind is Kind.OWN_WORDS
            and s.case.examination.latent.important
        ]
        if mine:
            chosen.append(sorted(mine, key=lambda story: story.distance)[len(mine) // 2])
    return [
        {
            "radiologist": story.case.radiologist,
            "exam": story.dictation.exam,
            "findings": story.dictation.findings,
            "draft": story.coarse,
            "own_words": story.shown,
            "signed": story.signed,
        }
        for story in chosen[:count]
    ]


def summary(database: Engine, stories: Sequence[Signed], rows: Sequence[DayRow], known: Mapping[str, Any]) -> dict[str, Any]:
    """summary.json as the contract has it, and the day table."""
    own_words_tried = [
        story for story in stories if story.adapter or (story.kind is not Kind.OWN_WORDS and _had_adapter(story, stories))
    ]
    with reading(database) as session:
        outcomes = count_by_outcome(session)
        counted = {
            "reports": len({story.case.examination.accession for story in stories}),
            "drafts": session.scalar(select(func.count()).select_from(Draft)),
            "signed": session.scalar(select(func.count()).select_from(Signature)),
            "preferences": session.scalar(select(func.count()).select_from(PreferenceRow)),
            "dead_letters": outcomes.get("unreadable", 0),
        }
        nights = [
            _night(night, session.scalars(_results(night)).all())
            for night in session.scalars(select(Night).order_by(col(Night.date)))
        ]
    return {
        **known,
        **counted,
        "nights": nights,
        "learning_curve": _learning_curve(stories),
        "kinds": dict(Counter(str(story.kind) for story in stories)),
        "fallback_rate": fmean(story.kind is not Kind.OWN_WORDS for story in own_words_tried) if own_words_tried else None,
        "days": [
            {
                "radiologist": row.radiologist,
                "day": row.day,
                "reports": row.reports,
                "signed_as_shown": row.as_shown,
                "edit_distance": {"draft": row.draft, "other": row.other, "own": row.own},
                "facts_changed": row.facts_changed,
                "fell_back": row.fell_back,
            }
            for row in rows
        ],
    }


def _had_adapter(story: Signed, stories: Sequence[Signed]) -> bool:
    return any(s.adapter for s in stories if s.case.radiologist == story.case.radiologist and s.case.day == story.case.day)


def _results(night: Night) -> Any:
    return select(NightResult).where(col(NightResult.date) == night.date).order_by(col(NightResult.radiologist))


def _night(night: Night, results: Sequence[NightResult]) -> dict[str, Any]:
    finished = night.finished_at or night.started_at
    return {
        "night": night.date,
        "seconds": round((finished - night.started_at).total_seconds(), 1),
        "radiologists": [
            {
                "radiologist": result.radiologist,
                "preferences": result.preferences,
                "verdict": result.verdict,
                "reason": result.reason,
                "edit_distance": {who: result.edit_distance.get(who) for who in ("draft", "own", "other", "incumbent")},
                "facts_changed": result.facts_changed,
            }
            for result in results
        ],
    }


def _learning_curve(stories: Sequence[Signed]) -> list[dict[str, Any]]:
    count: Counter[str] = Counter()
    points = []
    for story in stories:
        count[story.case.radiologist] += 1
        points.append(
            {
                "radiologist": story.case.radiologist,
                "signed": count[story.case.radiologist],
                "edit_distance": round(story.distance, 4),
            }
        )
    return points
