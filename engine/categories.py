"""What a dictated category asks for, held against what the impression advises: a BI-RADS 5 is not seen again in a year, a BI-RADS 2 not cut out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from engine.facts import Reading
from engine.guidelines import Answer, recommend
from engine.impression import Flag, FlagClass
from engine.urgency import Wait, is_pressing, shortened

#: The guidelines that answer to a category, by how its name is said.
CATEGORIES = {
    "lung_rads": r"lung-?\s?rads", "bi_rads": r"bi-?\s?rads", "ti_rads": r"ti-?\s?rads|\btr-?\s?[1-5]\b", "li_rads": r"li-?\s?rads|\blr-\s?[1-5]",
    "pi_rads": r"pi-?\s?rads", "o_rads_us": r"o-?\s?rads",
}  # fmt: skip
#: The answers that leave no patient to routine, and those that leave all alone.
DEMANDS = frozenset({"further-imaging", "biopsy", "referral", "urgent-communication"})
HARMLESS = frozenset({"none", "follow-up", "short-follow-up"})
#: The name of a category: a text without one has no number of it.
NAMED = re.compile(r"r[-\s]{0,2}[0-6]|rads")
#: The number of a category, and those that ask for something: the guidelines, which read the texts again, are asked only then.
DIGIT = re.compile(r"(?:rads\b[^.;\n]{0,30}?|\b[tl]r-?\s?)([0-6])", re.IGNORECASE)
DEMANDING = frozenset("0345")
SAMPLING = re.compile(r"\b(?:fna|biops\w+|aspiration|sampling|referr\w+)\b", re.IGNORECASE)
REFUSED = re.compile(r"\bno (?:\w+ ){0,2}(?:fna|biops\w+|aspiration|sampling|referr\w+)", re.IGNORECASE)
#: What nobody does to a benign category; `biopsy-proven`, `post excision` and `or biopsy if preferred` are something else.
INVASIVE = re.compile(
    r"\b(?:biopsy(?!-| (?:proven|site|clip|marker|scar|change|tract))|fnac?|excision|resection|pet(?:[-/ ]?ct)?|(?:mast|lob|thyroid|prostat|oophor)ectomy)\b",
    re.IGNORECASE,
)
#: Every step has one of these in it.
PARTS = ("biops", "fna", "excis", "resect", "pet", "ectomy")
NOT_ADVISED = re.compile(
    r"\b(?:no|without|avoid|previous|prior|post|after|following|status|if|unless|or|not|since|known|old|than)\b[^.;]*$"
    r"|\b(?:may be|can be|could be) considered|\bif\b|\bclip|\bscar|\bcomparison",
    re.IGNORECASE,
)


#: Categories that somebody has to act on, and words that leave nothing to act on.
SUSPICIOUS = re.compile(
    r"\b(?:bi-?\s?rads:?\s?[45][abc]?|pi-?\s?rads:?\s?[45]|li-?\s?rads:?\s?[45]|lr-?[45]|lung-?\s?rads:?\s?4[abx]?|tr[45])\b",
    re.IGNORECASE,
)
INNOCENT = re.compile(
    r"\bno (?:\w+ ){0,3}(?:malignancy|recurrence|cancer)\b|\b(?:benign|normal|negative) (?:\w+ )?(?:findings?|mammogra\w+|study|examination)",
    re.IGNORECASE,
)


def against_the_category(seen: Reading, stated: Reading, waits: Sequence[Wait], exam: str) -> Iterator[Flag]:
    """A major flag where a category asks for more than to wait, or for less than to cut or sample."""
    lowered = stated.text.lower()
    found = INVASIVE.finditer(stated.text) if any(part in lowered for part in PARTS) else ()
    steps = [step for step in found if not _is_not_advised(stated, step)]
    if not (waits or steps):
        return
    text = f"{seen.text}\n{stated.text}"
    digits = set(DIGIT.findall(text)) if NAMED.search(text.lower()) else set()
    among = [name for name, said in CATEGORIES.items() if digits and re.search(said, text, re.IGNORECASE)]
    for wait in waits if among and digits & DEMANDING else ():
        own = REFUSED.sub("", stated.text[wait.item[0] : wait.item[1]])
        told = own if wait.item != (0, len(stated.text)) else f"{seen.text}\n{own}"
        asked = next((answer for answer in _answers(told, exam, among) if answer.action in DEMANDS), None)
        if asked is not None and not SAMPLING.search(own):
            said = f"The impression says “{shortened(stated.text[wait.start : wait.end])}”; {asked.guideline} asks for more"
            yield _flag(said, asked, wait.start, wait.end)
            return
    answers = _answers(text, exam, among) if steps and among and digits.isdisjoint("456") else []
    if answers and all(answer.action in HARMLESS for answer in answers):
        start, end = steps[0].span()
        yield _flag(f"The impression says “{steps[0].group()}”; {answers[0].guideline} asks for less", answers[0], start, end)


def against_itself(stated: Reading) -> Iterator[Flag]:
    """`No evidence of malignancy. BI-RADS 4.`: a category of suspicion beside nothing suspicious."""
    found = SUSPICIOUS.search(stated.text) if NAMED.search(stated.text.lower()) else None
    if found is None or not INNOCENT.search(stated.text) or any(fact.is_present and is_pressing(fact) for fact in stated.facts):
        return
    message = f"The impression says “{found.group()}”; it names nothing suspicious."
    yield Flag(FlagClass.SEVERITY, "major", message, found.span(), None)


def _answers(text: str, exam: str, among: Sequence[str]) -> list[Answer]:
    return [answer for answer in recommend(text, exam=exam, among=among) if not answer.missing and answer.action is not None]


def _is_not_advised(stated: Reading, step: re.Match[str]) -> bool:
    span = next(span for span in stated.sentences if span.start <= step.start() < span.end)
    return bool(
        NOT_ADVISED.search(stated.text[span.start : step.start()]) or NOT_ADVISED.search(stated.text[step.end() : span.end])
    )


def _flag(said: str, answer: Answer, start: int, end: int) -> Flag:
    return Flag(FlagClass.RECOMMENDATION, "major", f"{said}: “{answer.recommendation}”", (start, end), None)
