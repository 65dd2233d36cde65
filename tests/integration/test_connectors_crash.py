"""Plugs pulled on real processes: real Kafka, a real database, an agent as a hospital runs it. The full matrix is bench/chaos.py."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bench.chaos import play
from bench.chaos_world import World
from demo.parts import KafkaServer


def world(kafka: KafkaServer, database: str, folder: Path, *, reports: int = 40, kills: int = 3) -> World:
    kafka.start()
    return World(kafka, database, folder, random.Random(7), reports, kills)


@pytest.mark.timeout(600)
def test_an_agent_killed_again_and_again_shows_every_report_exactly_one_draft(kafka_server: KafkaServer, tmp_path: Path) -> None:
    result = play("kill", world(kafka_server, f"sqlite:///{tmp_path}/books/impresario.db", tmp_path))

    assert result.holds, result
    assert result.drafted == result.sent >= 40
    assert result.proof.startswith("3 SIGKILLs")


@pytest.mark.timeout(600)
def test_when_one_of_two_agents_is_killed_the_other_takes_its_reports_over(
    kafka_server: KafkaServer, postgres_url: str, tmp_path: Path
) -> None:
    result = play("two-agents", world(kafka_server, postgres_url, tmp_path, reports=60))

    assert result.holds, result
    assert result.drafted == 60


@pytest.mark.timeout(600)
def test_broken_messages_in_between_are_set_aside_and_the_rest_flows_on(kafka_server: KafkaServer, tmp_path: Path) -> None:
    result = play("poison", world(kafka_server, f"sqlite:///{tmp_path}/books/impresario.db", tmp_path))

    assert result.holds, result
    assert (result.drafted, result.dead_letters) == (40, 10)


@pytest.mark.timeout(600)
def test_what_a_database_restored_too_old_does_not_hold_is_read_again_and_shown_no_second_time(
    kafka_server: KafkaServer, tmp_path: Path
) -> None:
    result = play("stale-database", world(kafka_server, f"sqlite:///{tmp_path}/books/impresario.db", tmp_path))

    assert result.holds, result
    assert "read again" in result.proof
