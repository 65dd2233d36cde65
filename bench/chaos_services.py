"""Rows of the fault matrix: what is done to the broker, the database and the model."""

from __future__ import annotations

import os
import signal
import statistics
import time

import kafka  # type: ignore[import-untyped, unused-ignore]
import psycopg

from bench.chaos_parts import Mood, agents, wait_until
from bench.chaos_world import PARTITIONS, PATIENCE, World, must, settle, supervised


def broker_down(world: World) -> str:
    """Kafka dies for five seconds under load, twice; a supervisor restarts the agent when it gives up."""
    with agents(1, world.settings, world.folder) as (agent,):
        for part in (1, 2):
            world.sends(part * world.reports // 2)
            enough = world.sent - world.reports // 4
            wait_until(lambda enough=enough: supervised(agent) and world.sees().drafted >= enough, 120, 0.5)  # type: ignore[misc]
            world.kafka.kill()
            time.sleep(5)
            world.kafka.start()
        wait_until(lambda: supervised(agent) and world.sees().drafted >= world.reports, 180, 1)
        settle(world, [agent])
    return f"broker killed twice; {agent.starts} starts of the agent"


def all_dead(world: World) -> str:
    """Broker, model and agent die together under load and come back; how long until the first new draft, unaided."""
    waits = []
    with agents(1, world.settings, world.folder) as (agent,):
        for turn in range(world.kills):
            world.sends((turn + 1) * world.reports // world.kills)
            wait_until(lambda turn=turn: world.sees().drafted > turn * world.reports // world.kills, 60)  # type: ignore[misc]
            agent.kill()
            world.kafka.kill()
            world.model.mood = "away"
            must(not agent.is_running and not world.kafka.is_running, "somebody lived on")
            world.kafka.start()
            world.model.mood = "well"
            send_one_more(world)
            already, back = world.sees().drafted, time.monotonic()
            agent.start()
            wait_until(lambda already=already: supervised(agent) and world.sees().drafted > already, 120, 0.1)  # type: ignore[misc]
            waits.append(time.monotonic() - back)
        world.waits_under_supervision([agent], world.reports)
        settle(world, [agent])
    return f"{len(waits)} times; first draft after {statistics.median(waits):.1f} s, at most {max(waits):.1f} s"


def send_one_more(world: World) -> None:
    """So that there is something to draft when everything is back."""
    world.reports += 1
    world.sends(world.sent + 1)


def topic_cut(world: World) -> str:
    """Retention takes messages nobody has read: the agent stops with an alarm, and jumps only when a person says so."""
    with agents(1, world.settings, world.folder) as (agent,):
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
    with agents(1, world.settings, world.folder) as (agent,):
        for number, mood in enumerate(moods, 1):
            world.model.mood = mood
            already = world.sent
            world.sends(already + (fifth if mood != "slow" else 8))  # as many as are written at once
            must(world.waits_for_drafts(world.sent), f"reports waited for a model that is {mood} (phase {number})")
        world.model.mood = "well"
        time.sleep(6)
        world.sends(world.reports)
        world.waits_for_drafts(world.reports)
        settle(world, [agent])
    kinds = [str(event.header("kind")) for event in world.sees().events]
    must(kinds.count("extractive") > 0 and kinds.count("draft") > 0, "the model was never ill, or never well")
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))


def database_crash(world: World) -> str:
    """A backend of PostgreSQL is killed (SIGKILL): the server ends all sessions and recovers from its log. Three times."""
    crashes = 0
    with agents(1, world.settings, world.folder) as (agent,):
        for part in range(1, 4):
            world.sends(part * world.reports // 3)
            world.waits_under_supervision([agent], world.sent - world.reports // 6, 120)
            os.kill(a_backend_of(world.database), signal.SIGKILL)
            crashes += 1
        world.waits_under_supervision([agent], world.reports)
        settle(world, [agent])
    must(agent.starts > 1 or "PostgreSQL" in agent.log, "the agent did not notice")
    return f"{crashes} crashes of the server, {agent.starts} starts of the agent"


def a_backend_of(database: str) -> int:
    """The process of a session of the agent; the server is on this machine."""
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        row = connection.execute(others).fetchone()
        assert row is not None, "the agent has no session"
        return int(row[0])


def no_connections(world: World) -> str:
    """Somebody else takes every connection of PostgreSQL; the agent says so, and goes on when they are given back."""
    hoard: list[psycopg.Connection[tuple[object, ...]]] = []
    with agents(1, world.settings, world.folder) as (agent,):
        world.sends(world.reports // 2)
        world.waits_for_drafts(world.reports // 2)
        agent.stop()
        try:
            while True:
                hoard.append(psycopg.connect(world.database.replace("+psycopg", "")))
        except psycopg.OperationalError:
            pass
        agent.start()
        must(wait_until(lambda: not agent.is_running, PATIENCE), "there were connections left")
        status, said = agent.status, agent.last_words
        for one in hoard:
            one.close()
        world.sends(world.reports)
        world.waits_under_supervision([agent], world.reports)
        settle(world, [agent])
    return f"{len(hoard)} connections taken; stopped with status {status}: {said}"
