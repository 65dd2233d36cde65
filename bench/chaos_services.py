"""Rows of the fault matrix: what is done to the broker, the database and the model."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import kafka  # type: ignore[import-untyped, unused-ignore]

from bench.chaos_parts import Mood, wait_until
from bench.chaos_world import PARTITIONS, PATIENCE, World, must, settle, supervised
from bench.random_weights import random_adapter
from engine.adapters import Adapter, Shelf
from settings import SHIPPED_BASE


def broker_down(world: World) -> str:
    """Kafka is killed under load and away for five seconds, then for as long as asked for; a supervisor restarts who gives up."""
    with world.agents(1) as crew:
        for part, away in enumerate((5.0, world.outage), 1):
            world.sends(part * world.reports // 2)
            must(world.waits_under_supervision(crew, world.sent - world.reports // 4), "it did not come so far")
            world.kafka.kill()
            must(not world.kafka.is_running, "the broker lives on")
            began = time.monotonic()
            while time.monotonic() - began < away:
                time.sleep(1)
                supervised(crew[0])
            world.kafka.start()
            world.recovers(crew)
        world.waits_under_supervision(crew, world.reports)
        settle(world, crew)
    return f"away for 5 s and {world.outage:.0f} s; {crew[0].starts} starts of the agent"


def all_dead(world: World) -> str:
    """Broker, model and agent die together under load and come back; how long until the first new draft, unaided."""
    with world.agents(1) as (agent,):
        for turn in range(1, world.kills + 1):
            before = world.sees().drafted
            world.sends(turn * world.reports // world.kills)
            wait_until(lambda before=before: world.sees().drafted > before, 60)  # type: ignore[misc]
            agent.kill()
            world.kafka.kill()
            world.model.mood = "away"
            must(not agent.is_running and not world.kafka.is_running, "somebody lived on")
            with (
                ThreadPoolExecutor() as somebody
            ):  # nobody waits for anybody: the agent finds no broker, stops and is started again
                back = somebody.submit(world.kafka.start)
                wait_until(lambda back=back: supervised(agent) and back.done(), PATIENCE)  # type: ignore[misc]
            world.model.mood = "well"
            world.recovers([agent])
        world.waits_under_supervision([agent], world.reports)
        settle(world, [agent])
    waits, quick = world.recoveries, sum(wait <= 10 for wait in world.recoveries)
    return (
        f"{len(waits)} times; first draft after {statistics.median(waits):.1f} s (median), at most {max(waits):.1f} s, {quick} "
        f"times within 10 s"
    )


def topic_cut(world: World) -> str:
    """Retention takes messages nobody has read: the agent stops with an alarm, and jumps only when a person says so."""
    with world.agents(1) as (agent,):
        world.sends(world.reports // 2)
        world.waits_for_drafts(world.reports // 2)
        settle(world, [agent])
        before = world.reports - world.sent
        world.sends(world.reports)
        lost = cut_behind_our_back(world)
        must(0 < lost <= before, "no message was cut")
        agent.start()
        must(wait_until(lambda: not agent.is_running, PATIENCE), "no alarm: the agent went on")
        must("may be lost" in agent.log, "the alarm does not say what happened")
        status = agent.status
        agent.arguments = ("--accept-gap",)
        world.sent -= lost
        agent.start()
        world.waits_for_drafts(world.sent)
        settle(world, [agent])
    return f"{lost} messages cut, alarm with status {status}, then --accept-gap"


def cut_behind_our_back(world: World) -> int:
    """Deletes the first unread half of every partition; how many messages that were."""
    admin = kafka.KafkaAdminClient(bootstrap_servers=world.kafka.bootstrap)
    try:
        committed = admin.list_group_offsets(world.topics.reports)
        committed = committed.get(world.topics.reports, committed)
        lost, upto = 0, {}
        for number in range(PARTITIONS):
            place = kafka.TopicPartition(world.topics.reports, number)
            end = len([event for event in world.broker.tail(world.topics.reports, None, 0) if event.partition == number])
            done = committed[place].offset if place in committed else 0
            first = done + (end - done + 1) // 2
            if first > done:
                upto[place], lost = first, lost + first - done
        admin.delete_records(upto)
        return lost
    finally:
        admin.close()


def model_ill(world: World) -> str:
    """The model answers 500, then nonsense, then after 30 s, then not at all, then works: nothing waits for it, nothing is lost."""
    fifth = world.reports // 5
    moods: tuple[Mood, ...] = ("broken", "garbage", "slow", "away")
    with world.agents(1) as (agent,):
        for number, mood in enumerate(moods, 1):
            world.model.mood = mood
            already = world.sent
            world.sends(already + (fifth if mood != "slow" else 8))  # as many as are written at once
            must(world.waits_for_drafts(world.sent), f"reports waited for a model that is {mood} (phase {number})")
        must(not kinds(world)["draft"], "the model was never ill")
        world.model.mood, well = "well", time.monotonic()
        while not kinds(world)["draft"]:
            world.recovers([agent])
        world.recoveries = [time.monotonic() - well]
        world.sends(world.reports)
        world.waits_for_drafts(world.reports)
        settle(world, [agent])
    return ", ".join(f"{number} {kind}" for kind, number in sorted(kinds(world).items()))


def kinds(world: World) -> Counter[str]:
    """How many drafts of which kind there are."""
    return Counter(str(event.header("kind")) for event in world.sees().events)


def promotion(world: World) -> str:
    """Two promotions and a rollback under load, and a model server that comes back without its adapters."""
    shelf = Shelf(world.folder / "shelf")
    monday, tuesday = an_adapter(world, shelf, 20), an_adapter(world, shelf, 21)
    steps: tuple[Callable[[], object], ...] = (
        lambda: None,
        lambda: shelf.promote(monday),
        lambda: shelf.promote(tuesday),
        world.model.adapters.clear,
        lambda: shelf.roll_back(monday.radiologist),
    )
    with world.agents(1, {"SHELF": str(shelf.root)}) as crew:
        for number, step in enumerate(steps, 1):
            step()
            world.sends(number * world.reports // len(steps))
            must(world.waits_under_supervision(crew, world.sent - world.reports // 10), "it did not come so far")
        world.recovers(crew)
        world.waits_under_supervision(crew, world.reports)
        settle(world, crew)
    events = world.sees().events
    by = Counter(str(event.header("adapter")) for event in events)
    must(set(by) == {"none", monday.version, tuesday.version}, "not everybody wrote")
    last = max(events, key=lambda event: event.timestamp)
    must(last.header("adapter") == monday.version, "the rollback changed nothing")
    return ", ".join(f"{number} drafts by {version}" for version, number in sorted(by.items()))


def an_adapter(world: World, shelf: Shelf, night: int) -> Adapter:
    """Random weights of the radiologist who dictates everything here."""
    weights = random_adapter(SHIPPED_BASE, world.folder / f"trained-{night}", seed=night)
    return shelf.put(weights, radiologist="R17", night=f"2026-11-{night}", base_model="base", metrics={}, card={})
