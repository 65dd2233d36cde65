"""The whole way on real parts: Kafka, an agent as a hospital runs it, a FHIR server and a RIS on MLLP that both misbehave, and kill -9.

Another seed: `DELIVERIES_SEED=8 pytest …`; many seeds, without Kafka: tests/integration/test_connectors_lives.py.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import hl7
import pytest

from bench.chaos_parts import AgentProcess, ModelServer, dictated, ending, settings_for, topics_named
from connectors.broker import Message
from connectors.kafka_broker import KafkaBroker
from connectors.mllp import Envelope, acknowledgement
from connectors.mllp_door import Door
from demo.parts import KafkaServer
from tests.fakes.fhir_server import FAULTS, FhirServerOnASocket

REPORTS, KILLS, SEED = 24, 3, int(os.environ.get("DELIVERIES_SEED", "7"))
#: Seconds: whoever was refused five times in a row is tried again after five minutes.
PATIENCE = 500.0


class MisbehavingRis:
    """Answers AR to every third message, and keeps what it answered AA to."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self._heard = 0

    def answers_to(self, raw: bytes) -> list[bytes]:
        envelope = Envelope.of(raw)
        assert envelope is not None
        self._heard += 1
        if self._heard % 3 == 0:
            return [acknowledgement(envelope, b"AR", 1, datetime.now(UTC))]
        self.taken.append(raw)
        return [acknowledgement(envelope, b"AA", 1, datetime.now(UTC))]

    def shows(self) -> dict[str, str]:
        """By accession, what a RIS shows that tells repetitions by twenty characters of MSH-10: the last OBR-25 it heard."""
        seen, shown = set[str](), dict[str, str]()
        for message in (hl7.parse(raw.decode()) for raw in self.taken):
            name = str(message.segment("MSH")[10])[:20]
            if name not in seen:
                seen.add(name)
                shown[str(message.segment("OBR")[3])] = str(message.segment("OBR")[25])
        return shown


@pytest.fixture
def model() -> Iterator[ModelServer]:
    server = ModelServer()
    yield server
    server.close()


def until(holds: Callable[[], object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)


@pytest.mark.timeout(2000)
def test_drafts_and_their_withdrawals_reach_every_system_in_the_right_state_through_faults_and_kills(
    kafka_server: KafkaServer, model: ModelServer, tmp_path: Path
) -> None:
    print(f"seed {SEED}")
    kafka_server.start()
    chance, ris, server = random.Random(SEED), MisbehavingRis(), FhirServerOnASocket()
    server.fault = lambda request: chance.choice(FAULTS) if chance.random() < 0.15 else None
    topics, broker = topics_named("deliveries"), KafkaBroker(kafka_server.bootstrap)
    broker.prepare(topics.all, 2)
    with Door(ris.answers_to, host="127.0.0.1", port=0) as door:
        deliveries = {
            "ris": {"way": "mllp", "to": f"localhost:{door.port}", "answer_within": 3},
            "archive": {"way": "fhir", "to": server.base, "answer_within": 3},
        }
        database = f"sqlite:///{tmp_path}/impresario.db"
        environment = settings_for(topics, kafka=kafka_server.bootstrap, database=database, vllm=model.url) | {
            "DELIVER": json.dumps(["fhir", *deliveries]),
            "DELIVERIES": json.dumps(deliveries),
        }
        agent = AgentProcess(environment, tmp_path, "agent-1")
        with ending(agent):
            agent.start()
            broker.publish([Message(topics.reports, b"%d" % n, dictated(n), ()) for n in range(REPORTS)])
            for kill in range(1, KILLS + 1):
                until(lambda goal=kill * 4: len(server.newest()) >= goal, PATIENCE)  # type: ignore[misc]
                agent.kill()
                agent.start()
            until(lambda: len(server.newest()) == len(ris.shows()) == REPORTS, PATIENCE)

            called_off = [dictated(n, "X").replace(b"The lungs are clear. No", b"No") for n in range(5)]
            broker.publish([Message(topics.reports, b"%d" % n, raw, ()) for n, raw in enumerate(called_off)])
            until(lambda: [one["status"] for one in server.newest()].count("entered-in-error") == 5, PATIENCE)
            until(lambda: list(ris.shows().values()).count("X") == 5, PATIENCE)
            assert agent.stop() == 0

    accessions = [identifier["value"] for one in server.newest() for identifier in one["identifier"] if "type" in identifier]
    assert sorted(accessions) == sorted(f"ACC{n:06}" for n in range(REPORTS)), "one resource for each report"
    assert {name for name, status in ris.shows().items() if status == "X"} == {f"ACC{n:06}" for n in range(5)}
    assert [one["status"] for one in server.newest()].count("preliminary") == REPORTS - 5
    assert "lungs" not in agent.log and "DOE" not in agent.log
    assert threading.active_count() < 50
    broker.close()
    server.close()
