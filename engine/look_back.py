"""What a sentence says of another one or of another day: `It measures 6 mm.`, `None of this was there on the previous study.`"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from engine.fact import EXCLUDED, STATED, Fact
from engine.lexicon import Lexicon
from engine.modifiers import About
from engine.scope import Event, Mention
from engine.sentences import Span, Token

#: A sentence with none of these tells of no other day.
THEN: Final = frozenset({"before", "previous", "previously", "prior", "earlier", "last"})
SEEN: Final = r"(?:there|present|seen|visible|evident|apparent|identified|shown)"
STUDY: Final = r"(?:study|examination|exam|scan|ct|mri?|films?|radiographs?|ultrasound|imaging|images)"
WAS_ABSENT: Final = re.compile(
    rf"\b(?:none|no|not)\b[^.;,]*\b(?:was|were) {SEEN}\b[^.;,]{{0,12}}\b(?:before|previously|(?:previous|prior|earlier|last) {STUDY})\b"
    rf"|\bnot {SEEN} (?:before|previously|on (?:the )?(?:previous|prior|last|earlier))\b"
)
YEAR: Final = re.compile(r"(?:19|20)\d\d")
#: Before or behind an extent of another day.
OF_THEN: Final = frozenset({"in", "previously", "formerly", "from"})
TOLD: Final = frozenset({"size", "severity", "change", "side", "place", "level"})
AGAIN: Final = frozenset({"it", "this", "these", "they", "measures", "measuring", "that", "size", "largest", "the"})


def without_then(events: Sequence[Event], tokens: Sequence[Token]) -> list[Event]:
    """`Moderate in 2018`, `previously large`, `from large to small`: an extent of another day is none of today."""
    return [event for event in events if event.kind != "severity" or not _is_of_then(event, tokens)]


def _is_of_then(event: Event, tokens: Sequence[Token]) -> bool:
    before = tokens[event.first - 1].text if event.first else ""
    after = [token.text for token in tokens[event.last : event.last + 2]]
    is_dated = after[:1] == ["in"] and YEAR.fullmatch(after[-1]) is not None
    return is_dated or before in ("previously", "formerly") or (before == "from" and after[:1] == ["to"])


def call_new(mentions: Sequence[Mention], words: str) -> None:
    """`None of the subdural was there on the previous study`, `not present before`: what was denied then is here now."""
    denied = [mention for mention in mentions if mention.certainty == EXCLUDED]
    if denied and WAS_ABSENT.search(words):
        for mention in denied:
            mention.certainty = STATED
            mention.events.append(Event("change", "new", mention.first, mention.last))


def look_back(before: Fact, events: Sequence[Event], tokens: Sequence[Token], span: Span, index: int, words: Lexicon) -> None:
    """`It measures 6 mm.` speaks of the finding `before` it, and gives it what the sentence tells."""
    told = [event for event in events if event.kind in TOLD]
    if not told or before.sentence < index - 1 or not before.is_present or before.is_history:
        return
    first = tokens[span.first].text
    if first not in AGAIN or (first == "the" and not any(event.kind == "size" for event in told)):
        return
    subject = tokens[span.first + 1].start if span.last > span.first + 1 else 0
    if first == "the" and any(event.kind in ("place", "side") and tokens[event.first].start == subject for event in told):
        return  # "The left testis measures 4.1 cm"
    about = About(words, Mention(before.concept, 0, 0, 0, events=told))
    side, place, _ = about.sites[0]
    before.side, before.place, before.levels = before.side or side, before.place or place, before.levels or about.levels
    before.sizes += about.sizes
    before.earlier_sizes += about.earlier
    before.severity, before.change = before.severity or about.severity, before.change or about.change
    before.end = span.end
