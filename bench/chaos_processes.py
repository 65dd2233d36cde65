"""Rows of the fault matrix: what is done to the agents. Each function plays one fault and says how it is known to have happened."""

from __future__ import annotations

import os
import resource
import signal
import time

from bench.chaos_parts import dictated, ending, wait_until
from bench.chaos_world import PATIENCE, World, must, settle, supervised
from connectors.broker import Message


def kill(world: World) -> str:
    """kill -9 an agent again and again while reports come in; of many kills, any one of three."""
    killed = 0
    with world.agents(min(3, 1 + world.kills // 20)) as crew:
        for number in range(world.kills):
            before = world.sees().drafted
            world.sends((number + 1) * world.reports // world.kills)
            if number % 2:  # every other time in the middle of its work, else at any time, its start-up too
                wait_until(lambda before=before: world.sees().drafted > before, 60, 0.1)  # type: ignore[misc]
            time.sleep(world.chance.uniform(0.0, 2.0 / len(crew)))
            agent = world.chance.choice(crew)
            if agent.is_running:
                agent.kill()
                killed += 1
            agent.start()
        world.recovers(crew)
        world.waits_under_supervision(crew, world.reports)
        settle(world, crew)
    return f"{killed} SIGKILLs, {sum(agent.starts for agent in crew)} starts"


def two_agents(world: World) -> str:
    """Two agents share the partitions; one is killed in the middle of its work."""
    with world.agents(2) as (first, second):
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
    with world.agents(2) as crew:
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
    with world.agents(2) as (first, second):
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
    with world.agents(3) as crew:
        for turn in range(world.kills):
            world.sends((turn + 1) * world.reports // world.kills)
            agent = crew[turn % 3]
            wait_until(lambda agent=agent: agent.log.count("Partitions given") >= agent.starts, 60)  # type: ignore[misc]
            time.sleep(world.chance.uniform(0, 3))
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
    agent = world.agent("agent-0", plain={"PYTHONPATH": os.pathsep.join([str(world.folder), os.environ.get("PYTHONPATH", "")])})
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


def no_files(world: World) -> str:
    """The agent may open hardly any files or sockets; it stops with a sentence, and goes on when it may open more."""
    agent = world.agent("agent-0", limits={resource.RLIMIT_NOFILE: 24})
    with ending(agent):
        world.sends(world.reports)
        agent.start()
        must(wait_until(lambda: not agent.is_running, PATIENCE), "it needed no more files")
        status, said = agent.status, agent.last_words
        must("Traceback" not in agent.log, "it ended in a stack trace")
        agent.limits = {}
        world.recovers([agent])
        world.waits_under_supervision([agent], world.reports)
        settle(world, [agent])
    return f"stopped with status {status}: {said}"


def no_memory(world: World) -> str:
    """In the middle of its work the agent gets no more memory (RLIMIT_AS): it stops, and no report is blamed for it."""
    with world.agents(1) as (agent,):
        world.sends(world.reports // 4)
        must(world.waits_for_drafts(1), "it did not come so far")
        agent.limit(resource.RLIMIT_AS, agent.size + 256 * 1024)
        send_large_ones(world, 5)
        must(wait_until(lambda: not agent.is_running, PATIENCE), "it needed no more memory")
        status, said = agent.status, agent.last_words
        world.recovers([agent])
        world.sends(world.reports)
        world.waits_under_supervision([agent], world.reports)
        settle(world, [agent])
    return f"stopped with status {status}: {said}"


def send_large_ones(world: World, number: int) -> None:
    """The next so many reports, each 8 MB long."""
    filler = b"ZFL|" + 8_000_000 * b"." + b"\r"
    for one in range(world.sent, world.sent + number):
        world.broker.publish([Message(world.topics.reports, f"ACC{one:06}".encode(), dictated(one) + filler, ())])
    world.sent += number
