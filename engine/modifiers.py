"""All that the modifiers of one mention say: levels, sizes, extent, number, course, age, and the sites, paired where there are several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Final

from engine.lexicon import Lexicon
from engine.scope import Event, Mention

#: Tissues every part has: no site of their own beside a real one.
SYSTEMS: Final = frozenset({"soft_tissues", "bones", "joints", "vessels", "lymph_nodes", "body"})
#: `upper and lower lobes` names two lobes, the first by its position only.
LOBES: Final = {"upper": "upper_lobe", "middle": "middle_lobe", "lower": "lower_lobe"}


class About:
    """All that the modifiers of one mention say; what they do not say is None or empty."""

    levels: tuple[str, ...] = ()
    positions: tuple[str, ...] = ()
    sizes: tuple[tuple[float, ...], ...] = ()
    earlier: tuple[tuple[float, ...], ...] = ()
    distance: float | None = None
    severity: int | None = None
    number: str | None = None
    changes: tuple[str, ...] = ()
    change: str | None = None
    acuity: str | None = None

    def __init__(self, words: Lexicon, mention: Mention):
        self.words = words
        events = sorted(mention.events, key=attrgetter("first")) if len(mention.events) > 1 else mention.events
        told: dict[str, list[Event]] = {}
        for event in events:
            told.setdefault(event.kind, []).append(event)
        self.sites = self._sites(events, told, mention.side)
        self.of_nodes = any(event.value.endswith("_nodes") for event in told.get("place", ()))
        if "level" in told:
            self.levels = tuple(dict.fromkeys(event.value for event in told["level"]))
        if "position" in told:
            self.positions = tuple(event.value for event in told["position"])
        if "size" in told:
            self._measure(told["size"])
        if "severity" in told:
            self.severity = max(int(event.value) for event in told["severity"])
        if "number" in told:
            self.number = told["number"][0].value
        if "change" in told:
            self.changes = tuple(event.value for event in told["change"])
            self.change = next((change for change in self.changes if change not in ("unchanged", "again")), self.changes[0])
        if "acuity" in told:
            self.acuity = told["acuity"][0].value

    def _measure(self, sizes: Sequence[Event]) -> None:
        self.sizes = tuple(event.numbers for event in sizes if event.value == "size")
        self.earlier = tuple(event.numbers for event in sizes if event.value == "earlier")
        self.distance = next((event.numbers[0] for event in sizes if event.value == "distance" and event.numbers), None)

    def _sites(
        self, events: Sequence[Event], told: Mapping[str, Sequence[Event]], own_side: str | None
    ) -> list[tuple[str | None, str | None, int | None]]:
        """Sides and places in reading order, paired; nested places keep the inner one."""
        if "place" not in told and "side" not in told:
            return [(own_side, None, None)]
        pairs = self._by_side(events, "severity") if "side" in told and "severity" in told else []
        if not pairs and len(told.get("size", ())) == 2 and "side" in told:
            pairs = [(side, None) for side, _ in self._by_side(events, "size")]
        if pairs:
            place = self._innermost([event.value for event in told.get("place", ())])
            return [(side, place, int(severity) if severity else None) for side, severity in pairs]
        found: list[tuple[str | None, str | None]] = []
        side: str | None = None
        sides: list[str] = []
        lobes = "position" in told and any(event.value in LOBES.values() for event in told.get("place", ()))
        for event in events:
            if event.kind == "side":
                side = event.value
                sides.append(side)
            elif event.kind == "position" and lobes and event.word in LOBES:
                found.append((side, LOBES[event.word]))
            elif event.kind == "place":
                if event.side:
                    sides.append(event.side)
                found.append((event.side or side, event.value))
        if own_side:
            sides.append(own_side)
        merged = self._merge(found) if len(found) > 1 else found
        if not merged:
            return [(_one_side(sides), None, None)]
        if len(merged) == 1:
            return [(_one_side(sides), merged[0][1], None)]
        return [(one or (_one_side(sides) if len(set(sides)) == 1 else None), place, None) for one, place in merged]

    def _by_side(self, events: Sequence[Event], kind: str) -> list[tuple[str, str | None]]:
        """`small left and moderate right` -> left 2, right 3; the same of sizes; `bilateral` before them is the sum of both."""
        told = [event for event in events if event.kind == kind or (event.kind == "side" and event.value != "bilateral")]
        sides, values = told[0::2], told[1::2]
        if told and told[0].kind == kind:
            sides, values = values, sides
        if [event.kind for event in sides] != ["side", "side"] or [event.kind for event in values] != [kind, kind]:
            return []
        return (
            [(side.value, value.value) for side, value in zip(sides, values, strict=True)]
            if sides[0].value != sides[1].value
            else []
        )

    def _merge(self, found: Sequence[tuple[str | None, str | None]]) -> list[tuple[str | None, str | None]]:
        kept: list[tuple[str | None, str | None]] = []
        for side, place in found:
            assert place is not None
            for index, (other_side, other) in enumerate(kept):
                assert other is not None
                if (side in (None, other_side) or other_side is None) and (
                    self.words.lies_in(place, other) or self.words.lies_in(other, place)
                ):
                    inner = place if self.words.lies_in(place, other) else other
                    kept[index] = (side or other_side, inner)
                    break
            else:
                kept.append((side, place))
        parts = [one for one in kept if one[1] not in SYSTEMS]
        return parts or kept

    def _innermost(self, places: Sequence[str]) -> str | None:
        merged = self._merge([(None, place) for place in places])
        return merged[-1][1] if merged else None


def _one_side(sides: Sequence[str]) -> str | None:
    """Several sides in one breath are both sides."""
    told = {side for side in sides if side != "midline"}
    if not told:
        return "midline" if sides else None
    return told.pop() if len(told) == 1 else "bilateral"
