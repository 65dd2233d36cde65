"""Rows of the fault matrix: what is done to the agents. Each function plays one fault and says how it is known to have happened."""

from __future__ import annotations

import resource
import signal
import time

from bench.chaos_parts import AgentProcess, agents, dictated, ending, wait_until
from bench.chaos_world import PATIENCE, World, must, settle, supervised
from connectors.broker import Message


def kill(world: World) -> str:
    """kill -9 the agent again and again while reports come in."""
    killed = 0
    with agents(1, world.settings, world.folder) as (agent,):
        for number in range(world.kills):
            before = world.sees().drafted
            world.sends((number + 1) * world.reports // world.kills)
            if number % 2:  # every other time in the middle of its work, else at any time, its start-up too
                wait_until(lambda before=before: world.sees().drafted > before, 60, 0.1)  # type: ignore[misc]
            time.sleep(world.chance.uniform(0.0, 2.0))
            if agent.is_running:
                agent.kill()
                killed += 1
            agent.start()
        world.waits_for_drafts(world.reports)
        settle(world, [agent])
    return f"{killed} SIGKILLs, {agent.starts} starts"


def two_agents(world: World) -> str:
    """Two agents share the partitions; one is killed in the middle of its work."""
    with agents(2, world.settings, world.folder) as (first, second):
        wait_until(lambda: "Partitions given" in first.log and "Partitions given" in second.log, 60)
        world.sends(world.reports // 2)
        world.waits_for_drafts(world.reports // 8)
        first.kill()
        world.sends(world.reports)
        world.waits_for_drafts(world.reports)
        settle(world, [second])
    moves = second.log.count("Partitions given to us")
    return f"one of two killed; the other was given partitions {moves} times"


def rolling_restart(world: World) -> str:
    """SIGTERM each of two agents in turn, under load."""
    statuses = []
    with agents(2, world.settings, world.folder) as crew:
        for _ in range(2):
            for agent in crew:
                world.sends(world.sent + world.reports // 4)
                wait_until(lambda agent=agent: agent.log.count("Partitions given") >= agent.starts, 60)  # type: ignore[misc]
                time.sleep(world.chance.uniform(0, 1))
                statuses.append(agent.stop())
                agent.start()
        world.sends(world.reports)
        world.waits_for_drafts(world.reports)
        settle(world, crew)
    return f"4 SIGTERMs, exit statuses {statuses}"


def frozen(world: World) -> str:
    """SIGSTOP an agent until the group has given its work to another; then let it go on as a zombie."""
    with agents(2, world.settings, world.folder) as (first, second):
        wait_until(lambda: "Partitions given" in first.log and "Partitions given" in second.log, 60)
        world.sends(world.reports)
        world.waits_for_drafts(world.reports // 8)
        first.signal(signal.SIGSTOP)
        # Frozen inside a transaction it may hold a lock of PostgreSQL, which ends its session after a minute; until then the other
        # stops with a sentence and is started again.
        wait_until(lambda: supervised(second) and world.sees().drafted >= world.reports, 180, 1)
        first.signal(signal.SIGCONT)
        time.sleep(5)
        supervised(second)
        settle(world, [first, second])
    return f"stopped until its work was done by the other; {second.log.count('Partitions given')} handovers"


def storm(world: World) -> str:
    """One of three agents is restarted every few seconds, so that the group hardly ever rests."""
    restarts = 0
    with agents(3, world.settings, world.folder) as crew:
        for turn in range(world.kills):
            world.sends((turn + 1) * world.reports // world.kills)
            agent = crew[turn % 3]
            time.sleep(world.chance.uniform(3, 6))
            if agent.is_running:
                agent.kill() if turn % 2 else agent.stop()
            agent.start()
            restarts += 1
        world.waits_under_supervision(crew, world.reports)
        settle(world, crew)
    moves = sum(agent.log.count("Partitions given") for agent in crew)
    must(moves >= restarts, "the group did not move its partitions")
    return f"{restarts} restarts, partitions given {moves} times"


#: Loaded by every Python of this row: words that end the process that reads them, as a fault in a C library would.
KILLS_THE_READER = """\
import os
import ingest.read

plainly = ingest.read.read

def read(raw, **how):
    if b"KILLS THE READER" in raw:
        os.abort()
    return plainly(raw, **how)

ingest.read.read = read
"""


def killer(world: World) -> str:
    """A message whose reading aborts the process: after three deaths it is set aside, and its neighbours go their way."""
    (world.folder / "sitecustomize.py").write_text(KILLS_THE_READER)
    agent = AgentProcess(world.settings, world.folder, "agent-0", python_path=world.folder)
    messages = [dictated(number) for number in range(world.reports)]
    messages[world.reports // 2] = dictated(world.reports // 2, findings="KILLS THE READER")
    world.broker.publish([Message(world.topics.reports, str(number).encode(), body, ()) for number, body in enumerate(messages)])
    world.sent = world.reports
    with ending(agent):
        agent.start()
        world.waits_under_supervision([agent], world.reports - 1)
        settle(world, [agent])
    must(agent.starts > 3, "nobody died of it")
    return f"{agent.starts - 1} deaths by SIGABRT"


def disk_full(world: World) -> str:
    """The database may not grow any more (RLIMIT_FSIZE): the agent stops with a sentence, and goes on when there is room."""
    room = 700 * 1024
    limited = AgentProcess(world.settings, world.folder, "limited", limits={resource.RLIMIT_FSIZE: room})
    agent = AgentProcess(world.settings, world.folder, "agent-0")
    with ending(limited, agent):
        world.sends(world.reports)
        limited.start()
        must(wait_until(lambda: not limited.is_running, PATIENCE), "the disk was never full")
        stopped_at = world.sees().drafted
        agent.start()
        world.waits_under_supervision([agent], world.reports)
        settle(world, [agent])
    must("disk" in limited.log, "the agent did not say what was wrong")
    return f"stopped with status {limited.status} after {stopped_at} drafts: {limited.last_words}"


def no_files(world: World) -> str:
    """The agent may open hardly any files or sockets; it stops with a sentence or copes, and nothing is lost."""
    limited = AgentProcess(world.settings, world.folder, "limited", limits={resource.RLIMIT_NOFILE: 24})
    agent = AgentProcess(world.settings, world.folder, "agent-0")
    with ending(limited, agent):
        world.sends(world.reports)
        limited.start()
        must(wait_until(lambda: not limited.is_running, PATIENCE), "it needed no more files")
        agent.start()
        world.waits_under_supervision([agent], world.reports)
        settle(world, [agent])
    must("Traceback" not in limited.log, "it ended in a stack trace")
    return f"stopped with status {limited.status}: {limited.last_words}"
