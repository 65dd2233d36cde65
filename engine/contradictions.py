"""What an impression says against itself, against the examination's name, or against the patient's sex.

No findings are needed for these: "no pneumothorax" beside a pneumothorax, one lesion left here and right there, a right knee in a report
on the left one, a prostate in a woman. The sex is taken as given, or from the words of the indication.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence

from engine.fact import CONSISTENT
from engine.facts import Fact, Reading, read
from engine.impression import Flag, FlagClass
from engine.kinship import denies, place_of, places_meet
from engine.lexicon import lexicon
from engine.messages import quoted

OTHER = {"left": "right", "right": "left"}
#: Organs that one sex has.
ORGANS = {
    "male": ("prostate", "seminal_vesicles", "scrotum", "testis", "epididymis", "spermatic_cord", "penis"),
    "female": ("uterus", "ovary", "fallopian_tube", "vagina"),
}
SEX = re.compile(r"\b(?:(fe)?male|(wo)?m[ae]n|(girl)|boy|(lady)|gentleman|(pregnant)|(gravid)a?|f|m)\b", re.IGNORECASE)
#: The sentence speaks of the other side on purpose.
COMPARES = re.compile(r"\b(?:compar\w+|contralateral|opposite|other side|asymmetr\w+|both)\b", re.IGNORECASE)
#: Parts of the body that come in pairs and are examined one at a time.
PAIRED = ("upper_extremity", "lower_extremity", "breast", "shoulder", "hip", "knee", "kidney", "eye", "ear")
AGAIN = frozenset({"the", "this", "that", "it"})


def contradictions(seen: Reading, stated: Reading, *, exam: str, sex: str, indication: str) -> list[Flag]:
    """Flags that hold whatever the findings say."""
    present = [fact for fact in stated.facts if fact.is_present and not fact.is_history and fact.concept != "abnormality"]
    sure = [fact for fact in present if fact.certainty >= CONSISTENT]
    found = [*_both_ways(stated, present), *_both_sides(seen, stated, sure)]
    return [*found, *_other_limb(stated, exam), *_other_sex(stated, sex or sex_in(indication))]


def sex_in(text: str) -> str:
    """`male`, `female`, or nothing when the words name neither or both; letters only count as a whole word beside an age."""
    found = {
        "female" if any(match.groups()) or match.group(0).lower() == "f" else "male"
        for match in SEX.finditer(text)
        if len(match.group(0)) > 1 or re.search(r"\d\s*(?:y\w*)?[\s-]*$", text[: match.start()])
    }
    return found.pop() if len(found) == 1 else ""


def _both_ways(stated: Reading, present: Sequence[Fact]) -> Iterator[Flag]:
    """`No pneumothorax.` and `small left pneumothorax` cannot both be meant."""
    named = _by_concept(present)
    for absent in stated.facts:
        if not absent.is_absent or absent.is_normal or absent.change is not None or absent.is_history:
            continue
        for fact in named.get(absent.concept, ()):
            if fact.sentence != absent.sentence and _certainly(absent, fact):
                message = f"The impression contradicts itself: {quoted(absent)} and {quoted(fact)}."
                yield _flag(FlagClass.NEGATION, message, absent)


def _by_concept(facts: Sequence[Fact]) -> dict[str, deque[Fact]]:
    named: dict[str, deque[Fact]] = {}
    for fact in facts:
        named.setdefault(fact.concept, deque()).append(fact)
    return named


def _certainly(absent: Fact, fact: Fact) -> bool:
    is_general = absent.side is None and absent.place is None
    same_site = is_general or (absent.side == fact.side and absent.place == fact.place)
    return same_site and fact.certainty > 2 and fact.change not in ("resolved", "smaller") and denies(absent, fact)


def _both_sides(seen: Reading, stated: Reading, present: Sequence[Fact]) -> Iterator[Flag]:
    """One lesion, told by its size or by "the", is left in one sentence and right in another."""
    later = _by_concept(present)
    for one in present:
        later[one.concept].popleft()
        across = OTHER.get(one.side or "")
        for two in later[one.concept] if across else ():
            if one.sentence == two.sentence or two.side != across:
                continue
            if _is_one(stated, one, two) and not {one.side, two.side} <= _sides_of(seen, one.concept):
                message = f"Side differs within the impression: {quoted(one)}, and then {quoted(two)}."
                yield _flag(FlagClass.LATERALITY, message, two)


def _is_one(stated: Reading, one: Fact, two: Fact) -> bool:
    if any(one.sizes) and any(two.sizes):
        return one.sizes[0][:1] == two.sizes[0][:1]
    first = stated.sentences[two.sentence].first
    opening = [token.text for token in stated.tokens[first : first + 3] if token.text[0].isalpha()]
    return bool(opening) and opening[0] in AGAIN


def _sides_of(seen: Reading, concept: str) -> set[str]:
    told = {fact.side for fact in seen.facts if fact.is_present and fact.concept == concept and fact.side}
    return {"left", "right"} if "bilateral" in told else told


def _other_limb(stated: Reading, exam: str) -> Iterator[Flag]:
    """`XR KNEE LEFT` reports on no right knee, unless it compares."""
    if not exam:
        return
    name = read(exam.replace("_", " ").lower(), section="exam")
    told = [meaning for terms in name.terms for term in terms for meaning in term.meanings]
    sides = {meaning.value for meaning in told if meaning.kind == "side"} | {meaning.side for meaning in told if meaning.side}
    places = [meaning.value for meaning in told if meaning.kind == "place"]
    around = lexicon().around
    if len(sides) != 1 or not places or not all(any(part in around[place] for part in PAIRED) for place in places):
        return
    side = next(iter(sides))
    for fact in stated.facts:
        words = stated.text[stated.sentences[fact.sentence].start : stated.sentences[fact.sentence].end]
        here = any(places_meet(place_of(fact), place) for place in places)
        if side in OTHER and fact.side == OTHER[side] and here and not fact.is_history and not COMPARES.search(words):
            message = f"The examination is of the {side} side ({exam.strip()}); the impression says {quoted(fact)}."
            yield _flag(FlagClass.LATERALITY, message, fact)


def _other_sex(stated: Reading, sex: str) -> Iterator[Flag]:
    absent = ORGANS["male" if sex.lower().startswith("f") else "female"] if sex[:1].lower() in ("f", "m") else ()
    around = lexicon().around
    for fact in stated.facts:
        place = place_of(fact)
        if place is not None and any(organ in around[place] for organ in absent):
            message = f"The impression says {quoted(fact)}; the patient is {'female' if sex[0].lower() == 'f' else 'male'}."
            yield _flag(FlagClass.FALSE_FINDING, message, fact)


def _flag(flag_class: FlagClass, message: str, fact: Fact) -> Flag:
    return Flag(flag_class, "major", message, (fact.start, fact.end), None)
