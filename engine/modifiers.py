"""All that the modifiers of one mention say: levels, sizes, extent, number, course, age, and the sites, paired where there are several."""

from __future__ import annotations

from collections.abc import Sequence

from engine.lexicon import Lexicon
from engine.scope import Event, Mention

#: Tissues every part has: no site of their own beside a real one.
SYSTEMS = frozenset({"soft_tissues", "bones", "joints", "vessels", "lymph_nodes", "body"})
#: `upper and lower lobes` names two lobes, the first by its position only.
LOBES = {"upper": "upper_lobe", "middle": "middle_lobe", "lower": "lower_lobe"}


class About:
    """All that the modifiers of one mention say."""

    def __init__(self, words: Lexicon, mention: Mention):
        events = sorted(mention.events, key=lambda event: event.first)
        self.words = words
        told: dict[str, list[Event]] = {}
        for event in events:
            told.setdefault(event.kind, []).append(event)
        sizes = told.get("size", ())
        self.levels = tuple(dict.fromkeys(event.value for event in told.get("level", ())))
        self.positions = tuple(event.value for event in told.get("position", ()))
        self.sizes = tuple(event.numbers for event in sizes if event.value == "size")
        self.earlier = tuple(event.numbers for event in sizes if event.value == "earlier")
        self.distance = next((event.numbers[0] for event in sizes if event.value == "distance" and event.numbers), None)
        self.severity = max((int(event.value) for event in told.get("severity", ())), default=None)
        self.number = told["number"][0].value if "number" in told else None
        self.changes = changes = [event.value for event in told.get("change", ())]
        self.change = next(
            (change for change in changes if change not in ("unchanged", "again")), changes[0] if changes else None
        )
        self.acuity = told["acuity"][0].value if "acuity" in told else None
        self.sites = self._sites(events, mention)

    def _sites(self, events: Sequence[Event], mention: Mention) -> list[tuple[str | None, str | None, int | None]]:
        """Sides and places in reading order, paired; nested places keep the inner one."""
        if not events:
            return [(_one_side([mention.side] if mention.side else []), None, None)]
        pairs = self._severity_by_side(events)
        if pairs:
            place = self._innermost([event.value for event in events if event.kind == "place"])
            return [(side, place, severity) for side, severity in pairs]
        found: list[tuple[str | None, str | None]] = []
        side: str | None = None
        sides: list[str] = []
        lobes = any(event.kind == "place" and event.value in LOBES.values() for event in events)
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
        if mention.side:
            sides.append(mention.side)
        merged = self._merge(found)
        if not merged:
            return [(_one_side(sides), None, None)]
        if len(merged) == 1:
            return [(_one_side(sides), merged[0][1], None)]
        return [(one or (_one_side(sides) if len(set(sides)) == 1 else None), place, None) for one, place in merged]

    def _severity_by_side(self, events: Sequence[Event]) -> list[tuple[str, int]]:
        """`small left and moderate right` -> left 2, right 3."""
        told = [event for event in events if event.kind in ("severity", "side")]
        kinds = [event.kind for event in told]
        if kinds == ["severity", "side", "severity", "side"] and told[1].value != told[3].value:
            return [(told[1].value, int(told[0].value)), (told[3].value, int(told[2].value))]
        if kinds == ["side", "severity", "side", "severity"] and told[0].value != told[2].value:
            return [(told[0].value, int(told[1].value)), (told[2].value, int(told[3].value))]
        return []

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
