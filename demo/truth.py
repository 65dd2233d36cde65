"""Compares an impression with the truth behind its report, without any of the engine's own fact reading.

It is the inverse of our own phrase bank: every word of an impression must be accounted for by a name, an attribute or a phrase that
some style can say. What is left over is as wrong as a wrong side: it was invented.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from demo.dictation import Finding, Latent
from demo.lexicon import Concept, ExamKind, exam_kinds
from demo.styles import ADVICE, CLOSERS, NORMALS, OPENERS, SHORT_LOBES

SIDE_WORDS = {"left": "left", "right": "right", "bilateral": "bilateral", "l": "left", "r": "right", "bilat": "bilateral"}
SEVERITY_WORDS = ("small", "moderate", "large", "mild", "severe", "partial", "complete")
CHANGE_WORDS = {
    "new": "new", "unchanged": "unchanged", "stable": "unchanged", "increased": "increased", "worsened": "increased",
    "decreased": "decreased", "improved": "decreased",
}  # fmt: skip
HEDGES = {
    "findings are consistent with": "likely", "probable": "likely", "likely": "likely", "suspected": "likely",
    "findings may represent": "possible", "cannot exclude": "possible", "possible": "possible", "questionable": "possible",
}  # fmt: skip
#: Words that hold a statement together and say nothing.
GLUE = frozenset("a an there is are seen measuring".split())
#: A denial, and what it denies.
DENIAL = re.compile(r"^(?:there is no|no evidence of|negative for|no) (.+)$")
SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?) (mm|cm)\b")


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing an impression says: a fact, or words that mean nothing in our phrase bank (`concept` is None)."""

    concept: str | None
    present: bool = True
    side: str | None = None
    place: str | None = None
    size_mm: int | None = None
    severity: str | None = None
    change: str | None = None
    certainty: str = "certain"
    words: str = ""


#: What a statement is called that calls the whole examination normal, and one that gives advice.
NORMAL, UNKNOWN, ADVISED = "(normal)", "(unknown)", "(advice)"


def facts_changed(latent: Latent, text: str) -> list[str]:
    """What `text` does not say that it must, and what it says that is not so; empty when it is faithful."""
    said = read_statements(latent.exam, text)
    needed = Counter(_fact(finding) for finding in latent.important)
    stated = Counter(_bare(statement) for statement in said if _is_positive(statement))
    extra = stated - needed - Counter(_fact(finding) for finding in latent.findings)
    changed = [f"missing: {_describe(fact)}" for fact in (needed - stated).elements()]
    changed += [f"not so: {_describe(fact)}" for fact in extra.elements()]
    changed += [f"said twice: {_describe(fact)}" for fact, times in stated.items() if times > max(1, needed[fact])]
    changed += [problem for statement in said if (problem := _problem(latent, statement))]
    if not latent.important and not any(statement.concept == NORMAL or not statement.present for statement in said):
        changed.append("missing: that the examination is normal")
    return changed


def fact_f1(latent: Latent, text: str) -> float:
    """F1 over whole facts: one with a wrong side or size is both a missing and a false one. Denials count when they are false."""
    said = read_statements(latent.exam, text)
    needed = Counter(_fact(finding) for finding in latent.important)
    stated = Counter(_bare(statement) for statement in said if _is_positive(statement))
    if not needed:
        needed[Statement(NORMAL)] = 1
        stated[Statement(NORMAL)] = int(any(statement.concept == NORMAL or not statement.present for statement in said))
    right = (needed & stated).total()
    allowed = Counter(_fact(finding) for finding in latent.findings) - needed
    wrong = (stated - needed - allowed).total() + sum(_problem(latent, statement) is not None for statement in said)
    return 2 * right / (needed.total() + right + wrong)


def _fact(finding: Finding) -> Statement:
    return Statement(
        finding.concept, True, finding.side, finding.place, finding.size_mm, finding.severity, finding.change, finding.certainty
    )


def _bare(statement: Statement) -> Statement:
    return Statement(
        statement.concept,
        True,
        statement.side,
        statement.place,
        statement.size_mm,
        statement.severity,
        statement.change,
        statement.certainty,
    )


def _is_positive(statement: Statement) -> bool:
    return statement.present and statement.concept not in (NORMAL, UNKNOWN, ADVISED)


def _describe(fact: Statement) -> str:
    return " ".join(
        str(part)
        for part in (fact.concept, fact.side, fact.place, fact.size_mm, fact.severity, fact.change, fact.certainty)
        if part
    )


def _problem(latent: Latent, statement: Statement) -> str | None:
    """What is wrong with a statement that is not a positive fact."""
    if statement.concept == UNKNOWN:
        return f"not in the phrase bank: {statement.words}"
    if statement.concept == ADVISED:
        fits = any(statement.words in _advised_for(latent.concept_of(finding).noun) for finding in latent.findings)
        return None if fits else f"advice without a reason: {statement.words}"
    if statement.concept == NORMAL:
        return "called normal" if latent.important else None
    if not statement.present and statement.concept not in latent.denied:
        return f"denied: {statement.concept}"
    return None


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_statements(exam: ExamKind, text: str) -> list[Statement]:
    """Every statement of an impression about this kind of examination, in order."""
    return [statement for sentence in _sentences(text) for statement in _read(exam, sentence)]


def _sentences(text: str) -> Iterator[str]:
    """Lower-cased sentences without list marks and openers."""
    body = text.strip()
    for opener in OPENERS[1:]:
        if body.lower().startswith(opener.lower()):
            body = body[len(opener) :].strip()
    for line in body.splitlines():
        unmarked = re.sub(r"(?:(?<=^)|(?<=[.] ))(?:\d[.)]|[-*]) (?=[A-Za-z0-9])", "", line.strip())
        for sentence in re.split(r"(?<=[.])\s+", unmarked):
            if words := sentence.strip().rstrip(".").strip():
                yield words


def _read(exam: ExamKind, sentence: str) -> Iterator[Statement]:
    words = sentence.lower()
    if words in _normal_phrases(exam.id):
        yield Statement(NORMAL)
    elif words in _CLOSINGS:
        return
    elif (advice := _advice_in(words)) is not None:
        yield Statement(ADVISED, words=advice)
    elif denial := DENIAL.match(words):
        yield from _denied(exam, denial[1])
    else:
        yield _positive(exam, sentence)


_CLOSINGS = frozenset(closer.lower().rstrip(".") for closer in CLOSERS if closer)


@cache
def _normal_phrases(kind: str) -> frozenset[str]:
    exam = exam_kinds()[kind]
    phrases = (exam.normal, *(normal.format(exam.name) for normal in NORMALS if normal))
    return frozenset(phrase.lower().rstrip(".") for phrase in phrases)


def _advice_in(words: str) -> str | None:
    for frame in ADVICE:
        before, after = frame.lower().rstrip(".").split("{}")
        if words.startswith(before) and words.endswith(after) and (before or after):
            return words[len(before) : len(words) - len(after)]
    return None


@cache
def _advised_for(noun: str) -> frozenset[str]:
    """What a finding of this name calls for, whichever kind of examination shows it."""
    concepts = [concept for exam in exam_kinds().values() for concept in exam.concepts.values() if concept.noun == noun]
    return frozenset(concept.advice.lower() for concept in concepts if concept.advice)


def _denied(exam: ExamKind, listed: str) -> Iterator[Statement]:
    by_name = {name.lower(): concept.id for concept in exam.concepts.values() for name in (concept.noun, concept.short)}
    for name in re.split(r", | or ", listed):
        if name in by_name:
            yield Statement(by_name[name], present=False)
        else:
            yield Statement(UNKNOWN, words=name)


def _positive(exam: ExamKind, sentence: str) -> Statement:
    """One finding with its attributes; every word has to be used up."""
    rest = f" {sentence.lower()} "
    rest = re.sub(r"[(),:]", " ", rest)
    rest = re.sub(r"\s+", " ", rest)
    size, rest = _take_size(rest)
    concept, rest = _take_concept(exam, rest)
    if concept is None:
        return Statement(UNKNOWN, words=sentence)
    certainty, rest = _take(rest, HEDGES)
    side, place, rest = _take_where(concept, rest)
    severity, rest = _take(rest, {word: word for word in SEVERITY_WORDS})
    change, rest = _take(rest, CHANGE_WORDS)
    left_over = [word for word in rest.split() if word not in GLUE]
    if left_over:
        return Statement(UNKNOWN, words=sentence)
    return Statement(concept.id, True, side, place, size, severity, change, certainty or "certain")


def _take(rest: str, words: dict[str, str]) -> tuple[str | None, str]:
    """The meaning of the longest of these words that occurs, and the text without it."""
    for word in sorted(words, key=len, reverse=True):
        if f" {word} " in rest:
            return words[word], rest.replace(f" {word} ", " ", 1)
    return None, rest


def _take_size(rest: str) -> tuple[int | None, str]:
    found = SIZE.search(rest)
    if not found:
        return None, rest
    millimetres = round(float(found[1]) * (10 if found[2] == "cm" else 1))
    return millimetres, rest[: found.start()].rstrip() + " " + rest[found.end() :].lstrip()


def _take_concept(exam: ExamKind, rest: str) -> tuple[Concept | None, str]:
    for name, concept in _names(exam.id):
        if f" {name} " in rest:
            return concept, rest.replace(f" {name} ", " ", 1)
    return None, rest


@cache
def _names(kind: str) -> tuple[tuple[str, Concept], ...]:
    """The names of all concepts, longest first."""
    concepts = exam_kinds()[kind].concepts.values()
    named = {(name.lower(), concept.id): concept for concept in concepts for name in (concept.noun, concept.short)}
    return tuple((name, concept) for (name, _), concept in sorted(named.items(), key=lambda item: -len(item[0][0])))


def _take_where(concept: Concept, rest: str) -> tuple[str | None, str | None, str]:
    for full, short in SHORT_LOBES.items():
        if f" {short.lower()} " in rest:
            side, place = full.split(" ", 1)
            return side, place, rest.replace(f" {short.lower()} ", " ", 1)
    place_words = {word.lower(): place.before for place in concept.places.values() for word in (place.before, place.short)}
    place_found, rest = _take(rest, place_words)
    side_found, rest = _take(rest, SIDE_WORDS)
    return side_found, place_found, rest
