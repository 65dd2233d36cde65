"""The promises of docs/delivery.md, asked of one simulated schedule after everything was let run to its end."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from connectors.broker import Event
from feedback.database import reading
from feedback.inbox import INBOX
from feedback.outbox import OUTBOX

if TYPE_CHECKING:
    from bench.chaos_simulation import World


def broken_promises(world: World) -> list[str]:
    """Which promises of docs/delivery.md this schedule broke."""
    broken = []
    if not world.is_quiet():
        broken.append("something was not committed or not sent")
    with reading(world.books) as session:
        rows = (
            session.connection()
            .execute(select(INBOX.c.outcome, INBOX.c.code).where(INBOX.c.topic == world.day.topics.reports))
            .all()
        )
    if len(rows) != len(world.sent) or any(row.outcome is None for row in rows):
        broken.append(f"{len(world.sent)} messages sent, {sum(row.outcome is not None for row in rows)} handled")
    shown = world.broker.tail(world.day.topics.impressions, None, 0)
    ids = Counter(event.header("ce_id") for event in shown)
    if any(count > 1 for count in ids.values()):
        broken.append("a message stands twice on the topic")
    texts: dict[str, set[str]] = defaultdict(set)
    for event in shown:
        resource = json.loads(event.value)
        if "id" not in resource:
            broken.append("something was shown that was never stored")
            continue
        texts[resource["id"]].add(resource.get("conclusion", ""))
    if any(len(said - {""}) > 1 for said in texts.values()):
        broken.append("one draft was shown in two wordings")
    drafted = sum(row.code == "drafted" for row in rows)
    if sum(event.header("ce_type") == "impresario.impression.drafted" for event in shown) != drafted:
        broken.append("not every stored draft was shown")
    letters = len(world.broker.tail(world.day.topics.dead_letters, None, 0))
    if letters != sum(b"broken" in message.value for message in world.sent):
        broken.append("a broken message is not among the dead letters exactly once")
    return broken + unanswered(world) + out_of_order(world, shown)


def unanswered(world: World) -> list[str]:
    """A report that only ever awaited an impression has a draft."""
    lives: dict[str, list[str]] = defaultdict(list)
    for message in world.sent:
        said = json.loads(message.value)
        if "status" in said:
            lives[said["accession"]].append(said["status"])
    shown = {place["value"] for event in world.broker.tail(world.day.topics.impressions, None, 0) for place in identifiers(event)}
    open_ones = {accession for accession, statuses in lives.items() if set(statuses) == {"preliminary"}}
    return [f"{len(open_ones - shown)} reports have no draft"] if open_ones - shown else []


def out_of_order(world: World, shown: Sequence[Event]) -> list[str]:
    """Drafts of one report stand on the topic in the order they were stored, and nothing follows a withdrawal."""
    with reading(world.books) as session:
        rows = (
            session.connection()
            .execute(select(OUTBOX.c.id, OUTBOX.c.number, OUTBOX.c.headers).where(OUTBOX.c.topic == world.day.topics.impressions))
            .all()
        )
    numbers = {dict(row.headers)["ce_id"]: row.number for row in rows}
    by_report: dict[bytes | None, list[int]] = defaultdict(list)
    for event in shown:
        by_report[event.key].append(numbers.get(event.header("ce_id") or "", -1))
    return (
        ["drafts of one report stand in the wrong order"] if any(order != sorted(order) for order in by_report.values()) else []
    )


def identifiers(event: Event) -> list[dict[str, Any]]:
    return list(json.loads(event.value).get("identifier", []))
