"""How each mention in a sentence stands: present or absent, how sure, a plan, a question, or history.

A cue looks forward or back until something stops it (after NegEx and ConText). What is ours: lists under one negation
("no effusion, consolidation, or pneumothorax") against new statements after a comma ("no pneumothorax, small left effusion"),
exceptions ("no acute abnormality other than …"), and pseudo-negation of change ("no change in the effusion").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from engine.fact import EXCLUDED, POSSIBLE, PROBABLE, STATED, UNLIKELY
from engine.lexicon import Term, lexicon

#: What follows a comma or an "and" and shows that a new statement begins.
ASSERTIVE: Final = frozenset({"severity", "side", "number", "change", "size"})
ADJECTIVAL: Final = frozenset({"severity", "size", "change", "acuity", "number"})
#: Ends of a part, told apart even inside a name: `distal fibula`, `proximal humerus fracture`.
ENDS: Final = frozenset({"proximal", "distal", "medial", "lateral"})
#: Findings that are adjectives of the finding that follows at once.
ADJECTIVES: Final = frozenset(
    "calcified calcific cystic enhancing sclerotic lytic hypodense hyperdense hypoechoic hyperechoic echogenic hyperintense "
    "hypointense dilated thickened recurrence recurrent avid photopenic thrombosed necrotic dislocated subluxed ulcerated infected degenerative "
    "atherosclerotic inflammatory infectious malignant metastatic hemorrhagic ischemic fractured displaced obstructing "
    "obstructive obstructed emphysematous granulomatous atelectatic edematous hypermetabolic postoperative postsurgical "
    "tortuous enlarged narrowed stenotic collapsed fibrotic ruptured torn aneurysmal lucent opacified consolidated reticular "
    "abnormal asymmetric hypoattenuating hyperattenuating scarred neoplastic arthritic osteoarthritic hypervascular ectatic "
    "lacerated perforated infarcted cavitary noncalcified osteopenic cirrhotic distended hyperinflated polypoid loculated "
    "occluded embolic infective osteoporotic pathological pathologic septic fungal traumatic".split()
)
#: Adjectives that may follow behind a comma.
TRAILING: Final = frozenset(
    "displaced obstructing calcified cystic enhancing obstructed enlarged dilated loculated ruptured torn".split()
)
#: What joins two statements, where a hedge alone joins a finding and its reading.
JOINERS: Final = frozenset({"and", "with", "or", "negate-before", "except"})
#: Words in a phrase that tell its age.
AGES: Final = {
    "acute": "acute", "chronic": "chronic", "old": "chronic", "healed": "chronic", "remote": "chronic", "subacute": "subacute",
}  # fmt: skip
#: Words in a phrase that tell its extent: severity 3 and 4.
EXTENTS: Final = {"partial": "3", "complete": "4", "full": "4"}
MARKS: Final = {
    ",": "comma",
    ";": "stop",
    ":": "colon",
    "(": "open",
    ")": "close",
    "/": "slash",
    "-": "comma",
    "–": "comma",
    "—": "comma",
    "?": "ask-mark",
    **dict.fromkeys(("a", "an", "the", "there", "some"), "article"),
}


class Event:
    """Something in a sentence that matters: a term or a mark, at tokens `first` to `last`; `taken` by the finding it describes."""

    __slots__ = ("first", "kind", "last", "numbers", "side", "taken", "value", "word")

    def __init__(
        self,
        kind: str,
        value: str,
        first: int,
        last: int,
        side: str | None = None,
        numbers: tuple[float, ...] = (),
        word: str = "",
    ) -> None:
        self.kind, self.value, self.side = kind, value, side
        self.first, self.last = first, last
        self.numbers, self.word, self.taken = numbers, word, False


@dataclass(slots=True)
class Mention:
    """One concept named in a sentence, and all that is said of it there."""

    name: str
    first: int
    last: int
    at: int  #: its index among the events
    side: str | None = None
    certainty: int = STATED
    is_plan: bool = False
    is_history: bool = False
    no_new: bool = False
    word: str = ""  #: its last word
    is_alternative: bool = False  #: one of several readings: "atelectasis or infiltrate"
    shares_site: bool = False  #: its place was said of the mention beside it
    explained_by: tuple[str, ...] = ()  #: what it is taken for: "opacity, likely atelectasis"
    described_by: tuple[str, ...] = ()  #: findings said of it as adjectives: "calcified nodule"
    events: list[Event] = field(default_factory=list)


def events_of(terms: Sequence[Term], words: Sequence[str], first: int, last: int) -> list[Event]:
    """Terms and marks in reading order; a term that says several things makes several events at one place."""
    events: list[Event] = []
    covered = first
    for term in terms:
        at, end, meanings = term.first, term.last, term.meanings
        _add_marks(events, words, covered, at)
        head, kind = words[at], meanings[0].kind
        if kind == "concept" and (age := AGES.get(head) or _aged_before(words, max(first, covered), at)):
            events.append(Event("acuity", age, at, at))
        if kind == "concept" and end > at + 1 and (extent := EXTENTS.get(head)):
            events.append(Event("severity", extent, at, at))
        if head in ENDS and end > at + 1 and kind in ("concept", "place"):
            events.append(Event("position", head, at, at))
        for meaning in meanings[:1] if kind == "concept" else meanings:
            events.append(Event(meaning.kind, meaning.value, at, end, meaning.side, (), words[end - 1]))
        covered = end
    _add_marks(events, words, covered, last)
    return _without_coordination(events) if "but" in words[first:last] else events


def _aged_before(words: Sequence[str], first: int, at: int) -> str | None:
    """`prior granulomatous infection` is old; `prior study` is no finding and never comes here."""
    before = words[max(first, at - 2) : at]
    return "chronic" if "prior" in before or "previous" in before else None


def _without_coordination(events: list[Event]) -> list[Event]:
    """`small but increasing effusion`: this "but" joins two adjectives and stops nothing."""
    return [
        event for index, event in enumerate(events)
        if not (event.word == "but" and event.kind == "stop" and 0 < index < len(events) - 1
                and events[index - 1].kind in ADJECTIVAL and events[index + 1].kind in ADJECTIVAL)
    ]  # fmt: skip


def _add_marks(events: list[Event], words: Sequence[str], first: int, last: int) -> None:
    for index in range(first, last):
        word = words[index]
        if kind := MARKS.get(word):
            events.append(Event(kind, word, index, index + 1))


def read_scope(events: Sequence[Event]) -> list[Mention]:
    """The mentions in `events` with polarity and certainty set, left to right, in one pass."""
    mentions: list[Mention] = []
    state = _State()
    for index, event in enumerate(events):
        step = STEPS.get(event.kind)
        if event.kind == "concept":
            mentions.append(state.mention(event, index))
        elif step is not None:
            step(state, events, index, mentions)
    _explain(mentions, events)
    return _without_adjectives(_without_headings(mentions, events), events)


def _explain_at_the_end(mentions: Sequence[Mention], events: Sequence[Event]) -> None:
    """`Dilated appendix with fat stranding, consistent with appendicitis`: the last words read all that stands before them."""
    for index in range(len(mentions) - 1, 0, -1):
        at = mentions[index].at
        lead = next(
            (
                event
                for event in reversed(events[:at])
                if event.kind not in ("acuity", "place", "side", "severity", "article", "filler")
            ),
            None,
        )
        if lead is not None and lead.kind == "hedge-before" and lead.value in ("3", "4") and mentions[index].certainty > UNLIKELY:
            for before in mentions[:index]:
                if before.certainty > UNLIKELY and not any(event.kind == "stop" for event in events[before.at : at]):
                    before.explained_by = (mentions[index].name,)
            return


def _without_adjectives(mentions: list[Mention], events: Sequence[Event]) -> list[Mention]:
    """`calcified thyroid nodule`, `enhancing mass`: the first word describes the second and is no finding of its own."""
    kept: list[Mention] = []
    for mention, after in pairwise(mentions):
        if _describes(mention, after, events):
            after.described_by = (*mention.described_by, mention.name)
        else:
            kept.append(mention)
    if len(mentions) > 1 and _trails(mentions[-2], mentions[-1], events):
        mentions[-2].described_by = (*mentions[-2].described_by, mentions[-1].name)
        return kept
    return [*kept, *mentions[-1:]]


def _describes(mention: Mention, after: Mention, events: Sequence[Event]) -> bool:
    return (
        mention.word in ADJECTIVES
        and after.first - mention.last <= 8
        and (after.at == mention.at + 1 or _only_modifiers(events, mention.at + 1, after.at))
    )


def _trails(before: Mention, last: Mention, events: Sequence[Event]) -> bool:
    """`rib fracture, displaced`."""
    between = events[before.at + 1 : last.at]
    return last.word in TRAILING and all(
        event.kind in ("comma", "place", "side", "severity", "level", "number") for event in between
    )


def _only_modifiers(events: Sequence[Event], first: int, last: int) -> bool:
    return all(
        event.kind in ("place", "side", "severity", "filler", "acuity", "size", "position", "number", "change")
        for event in events[first:last]
    )


def _without_headings(mentions: list[Mention], events: Sequence[Event]) -> list[Mention]:
    """`Collaterals: …` names a topic; `Pneumothorax: none.` answers it, `Effusion: small, left.` states it."""
    if not mentions or mentions[0].at + 1 >= len(events) or events[mentions[0].at + 1].kind != "colon":
        return mentions
    rest = [event.kind for event in events[mentions[0].at + 2 :]]
    if len(mentions) > 1 or "normal" in rest or not rest:
        return mentions[1:]
    if rest[0] in ("negate-before", "negate-after"):
        mentions[0].certainty = EXCLUDED
    return mentions


def _explain(mentions: Sequence[Mention], events: Sequence[Event]) -> None:
    """Link what was seen to what it is taken for: only a hedge, perhaps a comma, stands between."""
    _explain_at_the_end(mentions, events)
    for index, mention in enumerate(mentions[:-1]):
        after = mentions[index + 1]
        between = {event.kind for event in events[mention.at + 1 : after.at]}
        if (
            mention.certainty > UNLIKELY
            and after.certainty > UNLIKELY
            and between & {"hedge-before", "blank"}
            and not between & JOINERS
        ):
            alternatives = [after.name]
            for one, other in zip(mentions[index + 1 :], mentions[index + 2 :], strict=False):
                if not {event.kind for event in events[one.at + 1 : other.at]} & {"or", "slash"}:
                    break
                alternatives.append(other.name)
            mention.explained_by = tuple(dict.fromkeys([*mention.explained_by, *alternatives]))
            if "hedge-before" not in between:
                after.certainty = min(after.certainty, PROBABLE)


class _State:
    """What is in force while a sentence is read."""

    def __init__(self) -> None:
        self.negated = False
        self.negated_by = ""
        self.hedge: int | None = None
        self.plan = False
        self.history = False
        self.fresh = True
        self.no_new = False
        self.alternative = False
        self.listing = False
        self.set_at = 0  #: mentions before the cue in force
        self.since = 0  #: first mention that a backward cue may reach

    def mention(self, event: Event, index: int) -> Mention:
        certainty = EXCLUDED if self.negated else self.hedge if self.hedge is not None else STATED
        alternative, self.alternative = self.alternative, False
        return Mention(event.value, event.first, event.last, index, event.side, certainty, self.plan, self.history,
                       self.no_new and self.negated, event.word, alternative)  # fmt: skip


def _negate(state: _State, events: Sequence[Event], index: int, mentions: list[Mention]) -> None:
    if state.hedge == UNLIKELY and state.negated:
        return
    state.negated, state.hedge, state.plan, state.set_at = True, None, False, len(mentions)
    state.no_new = state.no_new or (
        index + 1 < len(events) and events[index + 1].kind == "change" and events[index + 1].value == "new"
    )


def _hedge(state: _State, events: Sequence[Event], index: int, mentions: list[Mention]) -> None:
    level = int(events[index].value) if events[index].kind == "hedge-before" else POSSIBLE
    if state.negated and level > UNLIKELY:
        return  # "no consolidation to suggest pneumonia" excludes both
    state.hedge, state.set_at = level, len(mentions)
    state.negated = False
    state.listing = events[index].word in ("include", "includes")  # "differential includes edema, infection, inflammation"


def _colon(state: _State, events: Sequence[Event], index: int, mentions: list[Mention]) -> None:
    if len(mentions) > state.set_at:
        _stop(state, events, index, mentions)


def _stop(state: _State, events: Sequence[Event], index: int, mentions: list[Mention]) -> None:
    state.negated, state.hedge, state.history, state.no_new, state.listing = False, None, False, False, False
    state.since = len(mentions)
    if events[index].kind == "stop":
        state.plan = False


def _except(state: _State, events: Sequence[Event], index: int, mentions: list[Mention]) -> None:
    state.negated, state.hedge = False, None
    state.since = len(mentions)


def _comma(state: _State, events: Sequence[Event], index: int, mentions: list[Mention]) -> None:
    listed = _list_goes_on(events, index)
    if state.negated and _begins_statement(events, index) and not listed:
        state.negated = False
        state.since = len(mentions)
    if (
        state.hedge is not None
        and not listed
        and not state.listing
        and (events[index].kind != "and" or _begins_statement(events, index))
    ):
        state.hedge = None
    state.history = state.history and listed


def _begins_statement(events: Sequence[Event], index: int) -> bool:
    """Does the next thing after a comma or "and" come with its own size, side, article, …?"""
    for event in events[index + 1 : index + 3]:
        if event.kind == "concept":
            return lexicon().concepts[event.value].kind == "device"  # "no hydronephrosis, stent in position"
        if (event.kind in ASSERTIVE and not (event.kind == "severity" and event.value == "4")) or event.kind == "article":
            return True
        if event.kind not in ("acuity", "filler", "place", "and"):
            return event.kind in ("normal", "verb", "hedge-before")
    return False


def _list_goes_on(events: Sequence[Event], index: int) -> bool:
    """An "or" ahead, before anything stops the list, keeps a comma inside it."""
    for event in events[index + 1 :]:
        if event.kind == "or":
            return True
        if event.kind in ("stop", "verb", "with", "except", "negate-before", "hedge-before", "colon", "normal"):
            return False
    return False


def _with(state: _State, events: Sequence[Event], index: int, mentions: list[Mention]) -> None:
    state.negated, state.hedge, state.history = False, None, False
    state.since = len(mentions)


def _or(state: _State, events: Sequence[Event], index: int, mentions: list[Mention]) -> None:
    """`atelectasis or infiltrate`, both asserted, is a doubt about each."""
    if not state.negated and mentions and mentions[-1].certainty > POSSIBLE and not state.plan:
        follows = next((event for event in events[index + 1 :] if event.kind in ("concept", "stop", "comma", "verb")), None)
        if follows is not None and follows.kind == "concept":
            mentions[-1].certainty = POSSIBLE
            state.hedge = POSSIBLE
    if mentions and not state.negated:
        mentions[-1].is_alternative = state.alternative = True


def _negate_back(state: _State, events: Sequence[Event], index: int, mentions: list[Mention]) -> None:
    event, before, after = events[index], events[:index][-1:], events[index + 1 : index + 2]
    if event.word == "absent" and [(one.kind, one.last) for one in before] == [("comma", event.first)]:
        _negate(state, events, index, mentions)  # "hydronephrosis, absent jet"
        return
    if event.word == "none" and [one.kind for one in after] == ["concept"]:
        _negate(state, events, index, mentions)  # "three lesions, none enhancing"
        return
    if not mentions and event.word == "negative":
        state.negated, state.hedge = True, None  # "Negative acute disease."
    for mention in mentions[state.since :]:
        mention.certainty = EXCLUDED


def _hedge_back(state: _State, events: Sequence[Event], index: int, mentions: list[Mention]) -> None:
    level = int(events[index].value)
    reach = mentions[state.since :][-2:]
    if len(reach) == 2 and not any(event.kind in ("or", "and", "slash") for event in events[reach[0].at : reach[1].at]):
        reach = reach[1:]  # "adrenal nodule, metastasis not excluded": the nodule is there
    for mention in reach:
        if mention.certainty or level > UNLIKELY:
            mention.certainty = min(mention.certainty, level) if mention.certainty else level


def _plan(state: _State, events: Sequence[Event], index: int, mentions: list[Mention]) -> None:
    state.plan = True


def _advised(state: _State, events: Sequence[Event], index: int, mentions: list[Mention]) -> None:
    """`Bone density evaluation advised`: what stands before it in the clause is the plan."""
    for mention in mentions[state.since :]:
        if not any(event.kind in ("comma", "stop", "with") for event in events[mention.at + 1 : index]):
            mention.is_plan = True
    state.plan = True


def _other(state: _State, events: Sequence[Event], index: int, mentions: list[Mention]) -> None:
    """`No other fracture` denies nothing that was named."""
    state.no_new = True


def _history(state: _State, events: Sequence[Event], index: int, mentions: list[Mention]) -> None:
    state.history = True


def _normal(state: _State, events: Sequence[Event], index: int, mentions: list[Mention]) -> None:
    """`Vascular engorgement is within normal limits` excludes it, and so does `clear airspace disease`, its "of" left out;
    a hip prosthesis in anatomic alignment is there all the same."""
    if events[index].word == "clear" and index + 1 < len(events) and events[index + 1].kind == "concept":
        _negate(state, events, index, mentions)
        return
    for event in reversed(events[:index]):
        is_last = event.kind == "concept" and mentions and mentions[-1].at < index and events[mentions[-1].at] is event
        is_last = (
            is_last and events[mentions[-1].at + 1].first == event.last
        )  # "the fracture margins are sharp" speaks of margins
        if is_last and lexicon().concepts[event.value].kind != "device":
            mentions[-1].certainty = EXCLUDED
        if event.kind not in ("verb", "filler"):
            break


def _verb(state: _State, events: Sequence[Event], index: int, mentions: list[Mention]) -> None:
    """A verb after a negated list ends it: "no effusion and the heart is enlarged" has its own subject."""
    subject = any(event.kind == "place" for event in events[max(0, index - 3) : index])
    if state.negated and subject and mentions and mentions[-1].at < index:
        state.negated = False


STEPS: Final = {
    "negate-before": _negate,
    "negate-after": _negate_back,
    "hedge-before": _hedge,
    "hedge-after": _hedge_back,
    "stop": _stop,
    "colon": _colon,
    "except": _except,
    "comma": _comma,
    "and": _comma,
    "with": _with,
    "or": _or,
    "slash": _or,
    "recommend": _plan,
    "ask": _plan,
    "ask-mark": _hedge,
    "advised": _advised,
    "other": _other,
    "history": _history,
    "normal": _normal,
    "verb": _verb,
}
