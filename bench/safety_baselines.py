"""The checkers that everybody writes first: a keyword list with a negation regex, the same list under ConText, and one that flags all.

They speak the same rows and answers as ours. ConText (Harkema, J Biomed Inform 2009) is run with our own short list of cues, or with
any list in the medspaCy form; `bench/safety_medspacy.py` runs medspaCy itself where it is installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.safety_injector import NEGATIVE

Row = dict[str, Any]

KEYWORDS = re.compile(
    r"pneumothorax|effusion|consolidation|pneumonia|edema|cardiomegaly|fracture|nodule|mass|atelectasis|embol\w+|hemorrhage|hematoma|infarct\w*|"
    r"appendicitis|obstruction|hydronephrosis|calcul\w+|stenosis|herniation|protrusion|tear|lymphadenopathy|aneurysm|thrombosis|abscess|opacit\w+",
    re.IGNORECASE,
)
SENTENCE = re.compile(r"(?<=[.;\n])\s+")
#: Cue -> category and direction, after the lists that Harkema published.
CUES = (
    *((cue, "NEGATED_EXISTENCE", "FORWARD") for cue in (
        "no", "not", "without", "denies", "absence of", "free of", "negative for", "no evidence of", "no sign of", "never", "rule out", "clear of",
    )),
    *((cue, "NEGATED_EXISTENCE", "BACKWARD") for cue in ("not seen", "is ruled out", "unlikely", "is absent", "not identified", "has resolved")),
    *((cue, "POSSIBLE_EXISTENCE", "FORWARD") for cue in ("possible", "may represent", "could be", "cannot exclude", "suspected", "questionable")),
    *((cue, "POSSIBLE_EXISTENCE", "BACKWARD") for cue in ("cannot be excluded", "is suspected", "is possible")),
    *((cue, "HISTORICAL", "FORWARD") for cue in ("history of", "status post", "prior")),
    *((cue, "TERMINATE", "TERMINATE") for cue in ("but", "however", "although", "except", "other than", "there is", "which", "with")),
)  # fmt: skip


@dataclass(frozen=True)
class ConText:
    """Cues that look forward or back inside a sentence until a terminating one stands between."""

    cues: tuple[tuple[re.Pattern[str], str, str], ...]

    @classmethod
    def of(cls, cues: Iterable[tuple[str, str, str]]) -> ConText:
        ordered = sorted({cue for cue in cues if cue[0].strip()}, key=lambda cue: -len(cue[0]))
        return cls(tuple((re.compile(rf"\b{re.escape(cue.lower())}\b"), kind, way) for cue, kind, way in ordered))

    @classmethod
    def of_rules(cls, rules: Row) -> ConText:
        """Rules in the form of medspaCy's own file, their token patterns read as the literal beside them; "normal" denies, as CheXpert has it."""
        normal = [
            (word, "NEGATED_EXISTENCE", "BIDIRECTIONAL") for word in ("normal", "unremarkable", "within normal limits", "clear")
        ]
        return cls.of([*normal, *((rule["literal"], rule["category"], rule["direction"]) for rule in rules["context_rules"])])

    def modifiers(self, sentence: str, start: int, end: int) -> set[str]:
        """The categories that reach the mention at `start` to `end` of a lower-cased sentence."""
        taken: list[tuple[int, int]] = []
        found: list[tuple[int, int, str, str]] = []
        for pattern, kind, way in self.cues:
            for match in pattern.finditer(sentence):
                if not any(match.start() < last and first < match.end() for first, last in taken):
                    taken.append(match.span())
                    found.append((*match.span(), kind, way))
        walls = [(first, last) for first, last, _, way in found if way == "TERMINATE"]
        reached = set()
        for first, last, kind, way in found:
            if way in ("FORWARD", "BIDIRECTIONAL") and last <= start and not any(last <= wall < start for wall, _ in walls):
                reached.add(kind)
            if way in ("BACKWARD", "BIDIRECTIONAL") and first >= end and not any(end <= wall < first for wall, _ in walls):
                reached.add(kind)
        return reached

    def affirms(self, text: str, phrases: Sequence[str]) -> bool:
        """Is any of the phrases said without a negation, a doubt or a history?"""
        for sentence in SENTENCE.split(text.lower()):
            for phrase in phrases:
                at = sentence.find(phrase)
                if at >= 0 and not self.modifiers(sentence, at, at + len(phrase)):
                    return True
        return False


OURS = ConText.of(CUES)


def flag_all(rows: Sequence[Row]) -> list[Row]:
    return [{"verdict": "review", "flags": [{"class": "omission", "severity": "major"}]} for _ in rows]


def keywords(rows: Sequence[Row]) -> list[Row]:
    """Words said or denied, sentence by sentence."""
    return [_differ(*(_by_regex(row[name]) for name in ("impression", "findings"))) for row in rows]


def context(rows: Sequence[Row]) -> list[Row]:
    """The same words, with ConText deciding which are denied, doubted or history."""
    return [_differ(*(_by_context(row[name]) for name in ("impression", "findings"))) for row in rows]


def _differ(said: dict[str, str], seen: dict[str, str]) -> Row:
    classes = [
        "negation" if word in seen else "false-finding" for word, how in said.items() if how == "present" != seen.get(word)
    ]
    classes += ["negation" for word, how in said.items() if how == "absent" and seen.get(word) == "present"]
    classes += ["certainty" for word, how in said.items() if how == "possible" and seen.get(word) == "present"]
    classes += ["omission" for word, how in seen.items() if how == "present" and word not in said]
    return {"verdict": "review" if classes else "clean", "flags": [{"class": name, "severity": "major"} for name in classes]}


def _by_regex(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for piece in SENTENCE.split(text):
        for match in KEYWORDS.finditer(piece):
            _tell(found, match.group(0), "absent" if NEGATIVE.search(piece) else "present")
    return found


def _by_context(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for piece in SENTENCE.split(text.lower()):
        for match in KEYWORDS.finditer(piece):
            reached = OURS.modifiers(piece, match.start(), match.end())
            how = "absent" if "NEGATED_EXISTENCE" in reached else "possible" if reached else "present"
            _tell(found, match.group(0), how)
    return found


def _tell(found: dict[str, str], word: str, how: str) -> None:
    """A word said twice counts as present if it is so once."""
    stem = word.lower()[:7]
    if found.get(stem) != "present":
        found[stem] = how
