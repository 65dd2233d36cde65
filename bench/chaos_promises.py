"""The promises of docs/delivery.md, asked of one simulated schedule after everything was let run to its end."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from connectors.broker import Event
from connectors.topics import DRAFTED

if TYPE_CHECKING:
    from bench.chaos_schedule import World


def broken_promises(world: World) -> list[str]:
    """Which promises of docs/delivery.md this schedule broke."""
    shown = [(event, json.loads(event.value)) for event in world.broker.tail(world.day.topics.impressions, None, 0)]
    sent = [json.loads(message.value) for message in world.sent]
    outcomes = world.look.execute("SELECT outcome, code FROM inbox WHERE topic = ?", (world.day.topics.reports,)).fetchall()
    broken = [] if world.is_quiet() else ["something was not committed or not sent"]
    if len(outcomes) != len(sent) or any(outcome is None for outcome, _ in outcomes):
        broken.append(f"{len(sent)} messages sent, {sum(outcome is not None for outcome, _ in outcomes)} handled")
    if sum(event.header("ce_type") == DRAFTED for event, _ in shown) != sum(code == "drafted" for _, code in outcomes):
        broken.append("not every stored draft was shown")
    if len(world.broker.tail(world.day.topics.dead_letters, None, 0)) != sum("broken" in said for said in sent):
        broken.append("a broken message is not among the dead letters exactly once")
    return broken + repeated(shown) + unanswered(sent, shown) + out_of_order(world, shown)


Shown = Sequence[tuple[Event, dict[str, Any]]]


def repeated(shown: Shown) -> list[str]:
    """No message stands twice on the topic, no draft in two wordings, and none that was never stored."""
    broken = []
    if any(count > 1 for count in Counter(event.header("ce_id") for event, _ in shown).values()):
        broken.append("a message stands twice on the topic")
    if any("id" not in said for _, said in shown):
        broken.append("something was shown that was never stored")
    texts: dict[str, set[str]] = defaultdict(set)
    for _, said in shown:
        texts[said.get("id", "")].add(said.get("conclusion", ""))
    if any(len(wordings - {""}) > 1 for wordings in texts.values()):
        broken.append("one draft was shown in two wordings")
    return broken


def unanswered(sent: Sequence[dict[str, Any]], shown: Shown) -> list[str]:
    """A report that only ever awaited an impression has a draft."""
    lives: dict[str, set[str]] = defaultdict(set)
    for said in sent:
        if "status" in said:
            lives[said["accession"]].add(said["status"])
    drafted = {place["value"] for _, said in shown for place in said.get("identifier", [])}
    without = {accession for accession, statuses in lives.items() if statuses == {"preliminary"}} - drafted
    return [f"{len(without)} reports have no draft"] if without else []


def out_of_order(world: World, shown: Shown) -> list[str]:
    """Drafts of one report stand on the topic in the order they were stored, and nothing follows a withdrawal."""
    stored = world.look.execute(
        "SELECT number, headers FROM outbox WHERE number > ? AND topic = ?", (world.first_number, world.day.topics.impressions)
    )
    numbers = {dict(json.loads(headers))["ce_id"]: number for number, headers in stored}
    by_report: dict[bytes | None, list[int]] = defaultdict(list)
    for event, _ in shown:
        by_report[event.key].append(numbers.get(event.header("ce_id") or "", -1))
    return (
        ["drafts of one report stand in the wrong order"] if any(order != sorted(order) for order in by_report.values()) else []
    )
