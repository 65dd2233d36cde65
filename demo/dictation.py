"""Synthetic dictations: what is truly there (`Latent`), and how somebody dictates it.

Everything is drawn from a seeded generator and from our own phrases, so that each report carries its own truth: the demo, the tests
and the benches compare texts with that truth and never with our fact checker.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from demo.lexicon import MINOR, Concept, ExamKind, exam_kinds
from engine.prompts import Dictation

Certainty = Literal["certain", "likely", "possible"]
Change = Literal["new", "unchanged", "increased", "decreased"]
CHANGES: tuple[Change, ...] = ("new", "unchanged", "increased", "decreased")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is truly there. `place` is a key of its concept's places; sizes are millimetres."""

    concept: str
    side: str | None = None
    place: str | None = None
    size_mm: int | None = None
    severity: str | None = None
    change: Change | None = None
    certainty: Certainty = "certain"
    prior_mm: int | None = None


@dataclass(frozen=True, slots=True)
class Latent:
    """The truth behind one report: findings in the order of dictation, and what was looked for and is not there."""

    kind: str
    findings: tuple[Finding, ...]
    denied: tuple[str, ...]
    has_prior: bool
    age: int
    sex: Literal["F", "M"]

    @property
    def exam(self) -> ExamKind:
        return exam_kinds()[self.kind]

    @property
    def important(self) -> tuple[Finding, ...]:
        """The findings an impression must state, in the order of dictation."""
        return tuple(finding for finding in self.findings if self.concept_of(finding).rank < MINOR)

    @property
    def by_importance(self) -> tuple[Finding, ...]:
        return tuple(sorted(self.important, key=lambda finding: self.concept_of(finding).rank))

    def concept_of(self, finding: Finding) -> Concept:
        return self.exam.concepts[finding.concept]


@dataclass(frozen=True, slots=True)
class Dictated:
    """One dictated report without its impression."""

    exam: str
    indication: str = field(repr=False)
    comparison: str = field(repr=False)
    technique: str = field(repr=False)
    findings: str = field(repr=False)

    @property
    def dictation(self) -> Dictation:
        """As much of it as a prompt may know."""
        return Dictation(exam=self.exam, findings=self.findings, indication=self.indication, comparison=self.comparison)


def dictated_report(seed: int | str, kind: str | None = None) -> tuple[Latent, Dictated]:
    """The report of this seed: the same truth and the same words every time."""
    rng = random.Random(f"report {seed}")
    latent = imagine(rng, kind)
    return latent, dictate(latent, rng)


def imagine(rng: random.Random, kind: str | None = None) -> Latent:
    """Draw the truth of one examination."""
    exam = exam_kinds()[kind or rng.choice(sorted(exam_kinds()))]
    has_prior = rng.random() < 0.55
    important = [concept for concept in exam.concepts.values() if concept.rank < MINOR]
    minor = [concept for concept in exam.concepts.values() if concept.rank == MINOR]
    count = rng.choices((0, 1, 2, 3, 4), weights=(18, 38, 30, 11, 3))[0]
    found = [_finding(concept, rng, has_prior) for concept in rng.sample(important, count)]
    for finding in list(found):
        if exam.concepts[finding.concept].many and rng.random() < 0.12:
            twin = _finding(exam.concepts[finding.concept], rng, has_prior)
            if (twin.side, twin.place) != (finding.side, finding.place):
                found.append(twin)
    if found and minor and rng.random() < 0.25:
        found.append(_finding(rng.choice(minor), rng, has_prior=False))
    regions = list(exam.regions)
    found.sort(key=lambda finding: regions.index(_region(exam, finding)))
    deniable = [name for name in exam.denials if not _clashes(exam, name, found)]
    denied = tuple(name for place, name in enumerate(deniable) if rng.random() < (0.85 if place == 0 else 0.5))
    return Latent(exam.id, tuple(found), denied, has_prior, rng.randint(19, 93), rng.choice(("F", "M")))


def _finding(concept: Concept, rng: random.Random, has_prior: bool) -> Finding:
    side = rng.choice(concept.sides) if concept.sides else None
    places = [place for place in concept.places if place != "middle lobe" or side == "right"]
    size = rng.randint(*concept.size) if concept.size and (rng.random() < 0.85 or not concept.severities) else None
    change = rng.choice(CHANGES) if has_prior and concept.rank < MINOR and rng.random() < 0.25 else None
    certainty: Certainty = "certain"
    if change is None and size is None and 1 <= concept.rank < MINOR:
        certainty = rng.choices(("certain", "likely", "possible"), weights=(80, 10, 10))[0]
    return Finding(
        concept.id,
        side,
        rng.choice(places) if places else None,
        size,
        rng.choice(concept.severities) if concept.severities and rng.random() < 0.75 else None,
        change,
        certainty,
        _prior_size(size, change, rng),
    )


def _prior_size(size: int | None, change: Change | None, rng: random.Random) -> int | None:
    if size is None or change not in ("increased", "decreased") or rng.random() < 0.6:
        return None
    step = rng.randint(1, max(1, size // 3))
    return max(1, size - step) if change == "increased" else size + step


def _region(exam: ExamKind, finding: Finding) -> str:
    """A side that is itself a region ("Right lobe") takes the finding to it."""
    region = exam.concepts[finding.concept].region
    if finding.side and region.startswith(("Right ", "Left ")):
        return f"{finding.side.capitalize()} {region.split(' ', 1)[1]}"
    return region


def _clashes(exam: ExamKind, denied: str, found: Sequence[Finding]) -> bool:
    """Nobody denies "pulmonary embolism" beside a "saddle pulmonary embolism"."""
    names = (exam.concepts[denied].noun, *exam.concepts[denied].also)
    present = [name for finding in found for name in (exam.concepts[finding.concept].noun, *exam.concepts[finding.concept].also)]
    return any(name in other or other in name for name in names for other in present)


# ── in words ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def dictate(latent: Latent, rng: random.Random) -> Dictated:
    """Say the truth as one of many people might: with or without headings, region by region, denials along the way."""
    exam = latent.exam
    return Dictated(
        exam=rng.choice(exam.texts),
        indication=_indication(latent, rng),
        comparison=_comparison(latent, rng),
        technique=rng.choice(exam.techniques),
        findings=_findings_section(latent, rng),
    )


def _indication(latent: Latent, rng: random.Random) -> str:
    symptom = rng.choice(latent.exam.symptoms)
    suspect = latent.exam.concepts[rng.choice(latent.exam.denials)].noun
    sex = {"F": "female", "M": "male"}[latent.sex]
    if rng.random() < 0.05:
        return ""
    said = rng.choice(
        (
            f"{symptom}.",
            f"{latent.age}-year-old {sex} with {symptom}.",
            f"{latent.age} year old with {symptom}.",
            f"{symptom}, evaluate for {suspect}.",
            f"{symptom}. Rule out {suspect}.",
            f"Reason for exam: {symptom}.",
        )
    )
    return _sentence(said)


def _comparison(latent: Latent, rng: random.Random) -> str:
    if not latent.has_prior:
        return rng.choice(("None.", "None available.", "No prior studies available.", ""))
    date = rng.choice(
        (
            f"{rng.randint(1, 12)}/{rng.randint(1, 28)}/20{rng.randint(18, 25)}",
            f"{rng.choice(('January', 'March', 'May', 'August', 'November'))} {rng.randint(1, 28)}, 20{rng.randint(18, 25)}",
        )
    )
    return rng.choice(
        (f"{date}.", f"Prior examination of {date}.", f"{latent.exam.name[0].upper()}{latent.exam.name[1:]} from {date}.")
    )


def _findings_section(latent: Latent, rng: random.Random) -> str:
    exam = latent.exam
    denials = {region: [name for name in latent.denied if exam.concepts[name].region == region] for region in exam.regions}
    headed = rng.random() < 0.35
    brief = rng.random() < 0.35
    lines: list[str] = []
    for region, normals in exam.regions.items():
        found = [finding for finding in latent.findings if _region(exam, finding) == region]
        said = [sentence for finding in found for sentence in _say(latent, finding, rng)]
        if not found and not (brief and denials[region]) and rng.random() < 0.9:
            said.append(rng.choice(normals))
        if denials[region]:
            said.append(_deny([exam.concepts[name].noun for name in denials[region]], rng))
        if said:
            lines.append(f"{region}: {' '.join(said)}" if headed else " ".join(said))
    return "\n".join(lines) if headed or rng.random() < 0.4 else " ".join(lines)


def _deny(names: list[str], rng: random.Random) -> str:
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
    return rng.choice(
        ("No {}.", "No evidence of {}.", "There is no {}.", "No {} is seen.", "Negative for {}.", "No {} identified.")
    ).format(listed)


def _say(latent: Latent, finding: Finding, rng: random.Random) -> list[str]:
    """One finding in one or two sentences."""
    concept = latent.concept_of(finding)
    noun = rng.choice(concept.also) if concept.also and rng.random() < 0.2 else concept.noun
    sentences = [_main_sentence(concept, finding, noun, rng)]
    if concept.more and finding.certainty == "certain" and rng.random() < 0.4:
        sentences.append(rng.choice(concept.more))
    return sentences


def _main_sentence(concept: Concept, finding: Finding, noun: str, rng: random.Random) -> str:
    if finding.certainty != "certain":
        phrase = _phrase(concept, finding, noun, rng)
        return _sentence(rng.choice(_UNSURE[finding.certainty]).format(phrase, with_article(phrase, concept)))
    if concept.say and finding.severity and finding.change is None and rng.random() < 0.3:
        return _sentence(rng.choice(concept.say).format(side=finding.side, severity=finding.severity))
    lead, tail = _change_words(finding, rng)
    phrase = f"{lead}{_phrase(concept, finding, noun, rng)}"
    verb = "are" if concept.plural else "is"
    frames = (
        "There {verb} {a}{tail}.",
        "{a} {verb} seen{tail}.",
        "{p}{tail}.",
        "{a} {verb} present{tail}.",
        "{a} {verb} noted{tail}.",
        "{a} {verb} identified{tail}.",
        "The study shows {a}{tail}.",
        "{p} {verb} demonstrated{tail}.",
        "{a} {verb} visualized{tail}.",
    )
    return _sentence(rng.choice(frames).format(verb=verb, a=with_article(phrase, concept), p=phrase, tail=tail))


_UNSURE = {
    "likely": (
        "Probable {0}.",
        "Likely {0}.",
        "There is likely {1}.",
        "Appearance is most consistent with {1}.",
        "{0}, probable.",
    ),
    "possible": (
        "Possible {0}.",
        "Questionable {0}.",
        "There may be {1}.",
        "Cannot exclude {1}.",
        "{0} is possible.",
        "{0} cannot be excluded.",
    ),
}
_LEADS = {
    "new": ("new",),
    "unchanged": ("unchanged", "stable"),
    "increased": ("increased", "enlarging", "worsening"),
    "decreased": ("decreased", "improving", "improved"),
}
_TAILS = {
    "new": ("new since the prior", "new from the prior study", "not present previously"),
    "unchanged": ("unchanged", "stable", "not significantly changed", "similar to prior", "unchanged from prior"),
    "increased": ("increased", "larger than before", "increased from prior", "progressed since the prior"),
    "decreased": ("decreased", "smaller than before", "decreased from prior", "improved since the prior"),
}


def _change_words(finding: Finding, rng: random.Random) -> tuple[str, str]:
    """The change before the noun phrase or after it, and sometimes the size it had before."""
    if finding.change is None:
        return "", ""
    previously = f", previously {say_size(finding.prior_mm, rng)}" if finding.prior_mm else ""
    if rng.random() < 0.4:
        return f"{rng.choice(_LEADS[finding.change])} ", previously
    return "", f", {rng.choice(_TAILS[finding.change])}{previously}"


def _phrase(concept: Concept, finding: Finding, noun: str, rng: random.Random) -> str:
    """The noun with its attributes, the place before or after it, the size before or after it."""
    place = concept.places[finding.place] if finding.place else None
    size = say_size(finding.size_mm, rng) if finding.size_mm else ""
    place_after = place is not None and rng.random() < 0.3
    size_after = bool(size) and rng.random() < 0.4
    words = [finding.severity or "", "" if size_after else size]
    if place_after and place is not None:
        own_side, place_side = ("", finding.side) if place.sided else (finding.side, "")
        words += [own_side or "", noun, place.joint, place_side or "", place.after]
    else:
        words += [finding.side or "", place.before if place else "", noun]
    if size_after:
        words.append(rng.choice(("measuring {}", "of {}", "measuring up to {}")).format(size))
    return " ".join(word for word in words if word)


def say_size(millimetres: int, rng: random.Random) -> str:
    """Millimetres as they are dictated: 8 mm, 0.8 cm, 1.2 cm."""
    in_cm = rng.random() < (0.3 if millimetres >= 10 else 0.15)
    return f"{millimetres / 10:.1f} cm" if in_cm else f"{millimetres} mm"


#: Abbreviations read out letter by letter that begin with a vowel sound.
VOWEL_LETTERS = frozenset("L R RUL RML RLL LUL LLL SDH SBO HNP L1 L2 L3 L4 L5 L1-L2 L2-L3 L3-L4 L4-L5 L5-S1".split())


def with_article(phrase: str, concept: Concept) -> str:
    """The phrase with "a" or "an" where its noun takes one."""
    if not concept.article or concept.plural or " bilateral " in f" {phrase} ":
        return phrase
    first = phrase.split(" ", 1)[0]
    number_with_a_vowel = first[0] == "8" or first.split(".")[0] in ("11", "18")
    takes_an = number_with_a_vowel or first[0].lower() in "aeiou" or first in VOWEL_LETTERS
    return f"{'an' if takes_an else 'a'} {phrase}"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
