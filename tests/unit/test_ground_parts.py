"""A part that is missing is said in one sentence with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo import parts


def test_without_java_kafka_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)

    with pytest.raises(parts.PartMissing, match="install Java 17"):
        parts.KafkaServer(tmp_path / "kafka").start()


def test_an_old_java_is_refused_by_its_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    java = tmp_path / "bin" / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    with pytest.raises(parts.PartMissing, match="is 11"):
        parts.java_program()


def test_without_maven_kafka_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    with pytest.raises(parts.PartMissing, match="install it"):
        parts.kafka_jars()


def test_without_a_compiler_vllm_is_not_started_to_die_later(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)

    with pytest.raises(parts.PartMissing, match="apt install g"):
        parts.needs_of_vllm()


def test_a_part_that_stops_while_starting_says_where_its_last_words_are(tmp_path: Path) -> None:
    part = parts.Part("Kafka", ["sh", "-c", "echo no space left; exit 1"], tmp_path / "kafka.out")

    with pytest.raises(parts.PartFailed, match=r"kafka\.out"):
        part.wait_until(lambda: False, seconds=20)

    assert "no space left" in (tmp_path / "kafka.out").read_text()


def test_ports_are_free_and_differ() -> None:
    ports = parts.free_ports(5)

    assert len(set(ports)) == 5
