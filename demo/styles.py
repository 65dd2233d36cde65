"""How radiologists say the same facts: a renderer whose parameters are habits.

`HOUSE` is the neutral way in which the coarse draft is written. `population_style` draws a combination of habits; the combinations of
the three radiologists of the demo are kept out of it, though each of their habits occurs.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from demo.dictation import Finding, Latent, with_article
from demo.lexicon import Concept

#: What a certainty is called: words that go before the noun, or an opening of the sentence.
LIKELY = ("probable", "likely", "suspected", "consistent with")
POSSIBLE = ("possible", "questionable", "may represent", "cannot exclude")
OPENINGS: Mapping[str, str] = {
    "consistent with": "Findings are consistent with",
    "may represent": "Findings may represent",
    "cannot exclude": "Cannot exclude",
}
CHANGE_WORDS: tuple[Mapping[str, str], ...] = (
    {"new": "new", "unchanged": "unchanged", "increased": "increased", "decreased": "decreased"},
    {"new": "new", "unchanged": "stable", "increased": "worsened", "decreased": "improved"},
)
DENIALS = ("No {}.", "No evidence of {}.", "Negative for {}.", "There is no {}.")
NORMALS = ("", "Normal {}.", "Normal study.", "Unremarkable {}.", "No significant abnormality.", "Negative examination.")
ADVICE = ("Recommend {}.", "{} advised.", "Consider {}.", "Suggest {}.")
OPENERS = ("", "In summary:", "Overall:", "Summary of findings:")
CLOSERS = ("", "Correlate clinically.", "Remainder as above.", "Clinical correlation is advised.")
SHORT_SIDES: Mapping[str, str] = {"left": "L", "right": "R", "bilateral": "bilat"}
SHORT_LOBES: Mapping[str, str] = {
    "right upper lobe": "RUL",
    "right middle lobe": "RML",
    "right lower lobe": "RLL",
    "left upper lobe": "LUL",
    "left lower lobe": "LLL",
}


@dataclass(frozen=True, slots=True)
class Style:
    """One person's habits. The order of the fields is the order in which somebody would notice them."""

    form: str = "there-is"  #: there-is, bare, seen, trailing, colon
    numbering: str = ""  #: "", "1.", "1)", "-", "*"
    lines: bool = False  #: one line per statement, else one paragraph
    abbreviate: bool = False
    by_importance: bool = False
    negatives: str = "none"  #: none, key (the first), all (up to three)
    denial: int = 0
    normal: int = 0
    centimetres: bool = False
    size: str = "before"  #: before, after (measuring …), brackets
    change: str = "after"  #: before, after
    change_words: int = 0
    likely: int = 0
    possible: int = 0
    advice: str = "none"  #: none, item (after the statement), end
    advice_words: int = 0
    lower_case: bool = False
    opener: int = 0
    closer: int = 0


HOUSE = Style()

RADIOLOGISTS: Mapping[str, Style] = {
    #: Terse and numbered: "1. RUL nodule (1.2 cm), stable."
    "RAD101": Style(
        form="bare", numbering="1.", lines=True, abbreviate=True, negatives="none", normal=2, centimetres=True, size="brackets",
        change="before", change_words=1, likely=1, possible=1,
    ),
    #: Running prose, with what was ruled out and what to do next.
    "RAD102": Style(
        form="seen", negatives="all", denial=1, normal=3, size="after", change="before", likely=3, possible=2,
        advice="end", advice_words=1, opener=1, closer=1,
    ),
    #: The noun first, everything else behind commas, on dashes, without capitals.
    "RAD103": Style(
        form="trailing", numbering="-", lines=True, negatives="key", denial=2, normal=5, centimetres=True, change_words=1, likely=2,
        possible=3, advice="item", advice_words=2, lower_case=True, closer=2,
    ),
}  # fmt: skip


def population_style(rng: random.Random) -> Style:
    """A combination of habits that belongs to none of the three radiologists."""
    while True:
        numbering = rng.choice(("", "", "1.", "1)", "-", "*"))
        style = Style(
            form=rng.choice(("there-is", "bare", "bare", "seen", "trailing", "colon")),
            numbering=numbering,
            lines=rng.random() < (0.85 if numbering else 0.3),
            abbreviate=rng.random() < 0.35,
            by_importance=rng.random() < 0.2,
            negatives=rng.choice(("none", "key", "all")),
            denial=rng.randrange(len(DENIALS)),
            normal=rng.randrange(len(NORMALS)),
            centimetres=rng.random() < 0.45,
            size=rng.choice(("before", "after", "brackets")),
            change=rng.choice(("before", "after")),
            change_words=rng.randrange(len(CHANGE_WORDS)),
            likely=rng.randrange(len(LIKELY)),
            possible=rng.randrange(len(POSSIBLE)),
            advice=rng.choice(("none", "none", "item", "end")),
            advice_words=rng.randrange(len(ADVICE)),
            lower_case=rng.random() < 0.2,
            opener=rng.choice((0, 0, 0, 1, 2, 3)),
            closer=rng.choice((0, 0, 0, 1, 2, 3)),
        )
        if signature(style) not in HELD_OUT:
            return style


def signature(style: Style) -> tuple[object, ...]:
    """The habits that tell a hand at a glance; equal ones never occur in the population and among the three."""
    return style.form, bool(style.numbering), style.abbreviate, style.lower_case, style.negatives, style.centimetres


HELD_OUT = frozenset(signature(style) for style in RADIOLOGISTS.values())


def house_impression(latent: Latent) -> str:
    """The coarse draft: plain full sentences in the order of dictation, which is what a model this small can keep faithfully."""
    return impression_of(latent, HOUSE)


def signed_impression(latent: Latent, radiologist: str) -> str:
    """What this radiologist signs for this truth. A pure function of both: habits leave nothing to chance."""
    return impression_of(latent, RADIOLOGISTS[radiologist])


def impression_of(latent: Latent, style: Style) -> str:
    """Every important fact of `latent`, exactly, in the manner of `style`."""
    findings = latent.by_importance if style.by_importance else latent.important
    statements = [_statement(latent, finding, style) for finding in findings]
    if not statements:
        statements.append(_normal(latent, style))
    statements += _denials(latent, style)
    if style.advice == "end":
        statements += _advice(latent, findings, style)
    if style.closer:
        statements.append(CLOSERS[style.closer])
    return _lay_out(statements, style)


def _statement(latent: Latent, finding: Finding, style: Style) -> str:
    sentence = _sentence_of(latent.concept_of(finding), finding, style)
    advice = _advice(latent, (finding,), style) if style.advice == "item" else []
    return " ".join([sentence, *advice])


def _sentence_of(concept: Concept, finding: Finding, style: Style) -> str:
    hedge = {"certain": "", "likely": LIKELY[style.likely], "possible": POSSIBLE[style.possible]}[finding.certainty]
    opening, adjective = OPENINGS.get(hedge, ""), "" if hedge in OPENINGS else hedge
    change = CHANGE_WORDS[style.change_words][finding.change] if finding.change else ""
    before, after = (change, "") if style.change == "before" else ("", change)
    if style.form in ("trailing", "colon"):
        phrase = " ".join(filter(None, (before, adjective, _trailing(concept, finding, style))))
    else:
        phrase = " ".join(filter(None, (before, adjective, _noun_phrase(concept, finding, style))))
    tail = f", {after}" if after else ""
    verb = "are" if concept.plural else "is"
    if opening:
        text = f"{opening} {phrase}{tail}."
    elif style.form == "there-is":
        text = f"There {verb} {with_article(phrase, concept)}{tail}."
    elif style.form == "seen":
        text = f"{with_article(phrase, concept)} {verb} seen{tail}."
    else:
        text = f"{phrase}{tail}."
    return text[0].upper() + text[1:]


def _noun_phrase(concept: Concept, finding: Finding, style: Style) -> str:
    """Severity, size, side, place, noun: "small right pleural effusion", "8 mm RUL nodule"."""
    size = size_in_words(finding.size_mm, style) if finding.size_mm else ""
    noun = concept.short if style.abbreviate else concept.noun
    words = [finding.severity or "", size if style.size == "before" else "", _where(concept, finding, style), noun]
    if size and style.size == "after":
        words.append(f"measuring {size}")
    if size and style.size == "brackets":
        words.append(f"({size})")
    return " ".join(word for word in words if word)


def _trailing(concept: Concept, finding: Finding, style: Style) -> str:
    """The noun first ("pleural effusion, right, small") or the place first ("right upper lobe: pulmonary nodule, 8 mm")."""
    noun = concept.short if style.abbreviate else concept.noun
    where = _where(concept, finding, style)
    size = size_in_words(finding.size_mm, style) if finding.size_mm else ""
    if style.form == "colon" and where:
        return ", ".join(word for word in (f"{where}: {noun}", finding.severity, size) if word)
    return ", ".join(word for word in (noun, where, finding.severity, size) if word)


def _where(concept: Concept, finding: Finding, style: Style) -> str:
    place = concept.places[finding.place] if finding.place else None
    full = " ".join(filter(None, (finding.side, place.before if place else None)))
    if not style.abbreviate:
        return full
    if full in SHORT_LOBES:
        return SHORT_LOBES[full]
    return " ".join(filter(None, (SHORT_SIDES.get(finding.side or ""), place.short if place else None)))


def size_in_words(millimetres: int, style: Style) -> str:
    return f"{millimetres / 10:.1f} cm" if style.centimetres else f"{millimetres} mm"


def _normal(latent: Latent, style: Style) -> str:
    return NORMALS[style.normal].format(latent.exam.name) if style.normal else latent.exam.normal


def _denials(latent: Latent, style: Style) -> list[str]:
    count = {"none": 0, "key": 1, "all": 3}[style.negatives]
    concepts = [latent.exam.concepts[name] for name in latent.denied[:count]]
    names = [concept.short if style.abbreviate else concept.noun for concept in concepts]
    if not names:
        return []
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
    return [DENIALS[style.denial].format(listed)]


def _advice(latent: Latent, findings: tuple[Finding, ...], style: Style) -> list[str]:
    """What to do next for the first of these findings that has an answer."""
    for finding in findings:
        if advice := latent.concept_of(finding).advice:
            text = ADVICE[style.advice_words].format(advice)
            return [text[0].upper() + text[1:]]
    return []


def _lay_out(statements: list[str], style: Style) -> str:
    if style.lower_case:
        statements = [_lowered(statement) for statement in statements]
    marks = {"": "", "1.": "{}. ", "1)": "{}) ", "-": "- ", "*": "* "}[style.numbering]
    marked = [marks.format(number) + statement for number, statement in enumerate(statements, 1)]
    if style.opener:
        marked.insert(0, OPENERS[style.opener])
    return ("\n" if style.lines else " ").join(marked)


def _lowered(statement: str) -> str:
    """Small letters, but abbreviations and spine levels stay as they are."""
    return " ".join(word if _keeps_its_capitals(word) else word.lower() for word in statement.split(" "))


def _keeps_its_capitals(word: str) -> bool:
    """RUL, L4-L5, the L of a side, type A."""
    is_one_letter = len(word.strip(".,:")) == 1 and word[0] in "LRAB"
    return is_one_letter or sum(letter.isupper() for letter in word) > 1 or any(letter.isdigit() for letter in word)
