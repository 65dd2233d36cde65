"""Which modifier belongs to which mention: side, place, size, severity, number, change and level, over coordination.

Between two mentions the last joint (comma, "and", "with", a hedge) parts what describes the first from what describes the second;
without a joint, what follows "in", "of" or "measuring" describes the first. What stands before the first mention is its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from engine.scope import Event, Mention

MODIFIERS: Final = frozenset({"side", "place", "size", "severity", "number", "change", "acuity", "level", "position"})
JOINTS: Final = frozenset(
    {"comma", "and", "or", "with", "stop", "hedge-before", "slash", "negate-before", "recommend", "except", "open", "ask-mark"}
)
LEADING: Final = frozenset({"stop", "comma", "filler", "article"})
NAMING: Final = frozenset({"place", "side", "article", "filler"})
#: `stable cardiomegaly and vascular prominence`: what may stand between two findings that one word calls stable.
SHARING: Final = frozenset({"and", "place", "position", "side"})
STRONG: Final = frozenset({"with", "stop", "except", "negate-before", "recommend"})


def attach(events: Sequence[Event], mentions: Sequence[Mention]) -> None:
    """Give every free modifier in `events` to the mention it describes."""
    if not mentions:
        return
    first = mentions[0]
    start = _start_of_first(events, first.at)
    _give(events, start, first.at, first)
    for before, after in pairwise(mentions):
        cut = _cut(events, before.at + 1, after.at)
        _give(events, before.at + 1, cut, before)
        _give(events, cut, after.at, after)
    last = mentions[-1]
    _give(events, last.at + 1, _end_of_last(events, last.at + 1), last)
    _share(mentions, events)


def _give(events: Sequence[Event], first: int, last: int, mention: Mention) -> None:
    beside = False
    for index, event in enumerate(events[first:last], first + 1):
        if event.kind == "beside":
            beside = True
        elif event.kind in JOINTS or event.kind == "place-link":
            beside = False
        if (beside and event.kind in ("place", "side", "level")) or (
            event.kind == "place" and _is_spared(event, events[index : index + 1])
        ):
            continue
        if event.kind in MODIFIERS and not event.taken:
            event.taken = True
            mention.events.append(event)


def _is_spared(place: Event, after: Sequence[Event]) -> bool:
    """`Otic capsule-sparing fracture`."""
    return [(event.word, event.first) for event in after] == [("sparing", place.last)]


def _start_of_first(events: Sequence[Event], at: int) -> int:
    """`In the right lung, there is a nodule` keeps its place; `The heart is stable with mild edema` has another subject."""
    kinds = [event.kind for event in events[:at]]
    opening = next((kind for kind in kinds if kind not in LEADING), "")
    if opening in ("place-link", "level") or "colon" in kinds:
        return 0
    for index in range(at - 1, -1, -1):
        if kinds[index] == "with" and NAMING.issuperset(kinds[:index]):
            return 0  # "left popliteal vein with acute thrombus"
        if kinds[index] in STRONG or kinds[index] == "normal":
            return index + 1
    return 0


def _cut(events: Sequence[Event], first: int, last: int) -> int:
    """Where the words of one mention end and the words of the next begin."""
    withs = [index for index in range(first, last) if events[index].kind == "with"]
    if withs and not any(event.kind in ("place-link", "hedge-before", "stop") for event in events[withs[-1] : last]):
        return withs[-1]
    for index in range(last - 1, first - 1, -1):
        if events[index].kind == "slash" and any(event.kind == "hedge-before" for event in events[first:index]):
            continue  # "which may reflect tracking/impingement"
        if events[index].kind in JOINTS and not _pairs_sides(events, index, first, last):
            return (
                _start_of_run(events, first, index) if events[index].word in ("possible", "probable", "questionable") else index
            )
    for index in range(first, last):
        if events[index].kind == "place-link":
            return _start_of_run(events, index + 1, last)
    return first


def _start_of_run(events: Sequence[Event], first: int, last: int) -> int:
    """`crowding of basilar atelectasis`: what stands word to word before a finding is its own."""
    while last > first and events[last - 1].kind in ("place", "side") and events[last - 1].last == events[last].first:
        last -= 1
    return last


def _pairs_sides(events: Sequence[Event], index: int, first: int, last: int) -> bool:
    """The "and" of `left and right` or `upper and lower lobe` joins modifiers, not mentions: look further back for the cut."""
    if events[index].kind not in ("and", "or", "comma") or not first < index < last - 1:
        return False
    before, after = events[index - 1], events[index + 1]
    kinds = [event.kind for event in events[first:index] if event.kind != "hedge-after"]
    if (
        "hedge-before" in kinds
        and NAMING.issuperset(kinds[kinds.index("hedge-before") + 1 :])
        and after.kind in ("place", "level")
    ):
        return events[index].kind == "and"  # "hilar metastases and probable adrenal and T9 metastases"
    if before.kind == after.kind == "side" and before.value != after.value:
        return not any(event.kind == "place-link" for event in events[first:index])
    if before.kind == "side" and after.kind == "severity" and events[index + 2].kind == "side" and index + 2 < last:
        return events[index - 2].kind == "severity" and events[index + 2].value != before.value
    if before.kind == after.kind == "place":
        return events[index].kind == "and" and not any(event.kind == "place-link" for event in events[first:index])
    return before.kind == "position" and after.kind in ("position", "place")


def _end_of_last(events: Sequence[Event], first: int) -> int:
    for index in range(first, len(events)):
        if events[index].kind in ("recommend", "except", "elsewhere") or _is_of_another(events, index):
            return index
        if events[index].kind in ("negate-before",) and index > first:
            return index
        if events[index].value == ";" and any(after.first > events[index].last for after in events[index + 1 : index + 2]):
            return index  # "right infarct; grade I left": of what, has no name here
        if events[index].kind == "hedge-before" and [event.kind for event in events[index + 1 : index + 2]] == ["place"]:
            return index  # "edema, which may reflect patellofemoral …": of what else, has no name here
    return len(events)


def _share(mentions: Sequence[Mention], events: Sequence[Event]) -> None:
    """`left lower lobe atelectasis and effusion`: nothing is shared on purpose, unknown is safer than wrong;
    but two mentions that only a hedge or "or" parts (`opacity, likely pneumonia`) lie at one place."""
    for before, after in pairwise(mentions):
        if _shares_tail(before, after, events):
            before.events += [event for event in after.events if event.kind in ("side", "place", "level")]
            before.shares_site = True
        between = {event.kind for event in events[before.at + 1 : after.at]}
        if "and" in between and between <= SHARING and not any(event.kind == "change" for event in after.events):
            after.events += [
                event for event in before.events if event.value in ("unchanged", "smaller") and event.last <= before.first
            ]
        if not between & {"hedge-before", "or", "slash", "blank"} or between & {"stop", "and", "with"}:
            continue
        for one, other in ((before, after), (after, before)):
            if not any(event.kind in ("side", "place", "level") for event in one.events):
                one.events += [event for event in other.events if event.kind in ("side", "place", "level")]
                one.shares_site = True


def _is_of_another(events: Sequence[Event], joint: int) -> bool:
    """`cardiomegaly and increased vascularity`, `mass with a yolk sac`: the tail is about something that has no name here."""
    if events[joint].kind not in ("with", "and", "comma"):
        return False
    tail = [event.kind for event in events[joint + 1 : joint + 4] if event.kind != "article"]
    if events[joint].kind == "with":
        return tail[:1] == ["place"]
    return tail[:1] in (["change"], ["severity"]) and tail[1:2] == ["place"]


def _shares_tail(before: Mention, after: Mention, events: Sequence[Event]) -> bool:
    """`consolidation and atelectasis in the right lower lobe`: two bare names, and the place after both."""
    between = [event.kind for event in events[before.at + 1 : after.at]]
    sites = [event for event in after.events if event.kind in ("side", "place", "level")]
    return between == ["and"] and not before.events and bool(sites) and all(event.first >= after.last for event in sites)
