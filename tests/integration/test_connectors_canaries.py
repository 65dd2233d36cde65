"""Words of a report and names of a patient, planted everywhere, and looked for wherever they must not be."""

from __future__ import annotations

import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.chaos_parts import AgentProcess, agents, dictated, wait_until
from bench.chaos_world import settle
from connectors.broker import Event, Message
from demo.parts import KafkaServer, free_ports
from tests.integration.test_connectors_crash import world

CANARY = "QUOKKAFISH"
FINDINGS = f"The {CANARY}FINDING lungs are clear. No pleural effusion. {CANARY}FINDING nodule of 4 mm."


def planted() -> list[bytes]:
    """Good reports, bad reports and nonsense, each with canaries in its text, its patient and its identifiers."""
    good = [
        dictated(number, findings=FINDINGS)
        .replace(b"DOE^JANE", b"%sNAME^JANE" % CANARY.encode())
        .replace(b"MRN", b"%sMRN" % CANARY.encode())
        for number in range(5)
    ]
    signed = dictated(0, status="F", findings=FINDINGS).replace(b"Normal chest", b"%sIMPRESSION" % CANARY.encode())
    broken = [
        f"{CANARY}GARBAGE".encode(),
        good[0].replace(b"ACC000000", b""),
        good[0].replace(b"||ORU^R01^ORU_R01|", b"||%sTYPE|" % CANARY.encode()),
        good[0][:150],
        good[0].replace(b"|20260101120000|", b"|%sDATE|" % CANARY.encode()),
        b'{"resourceType": "DiagnosticReport", "status": "%sSTATUS", "conclusion": 7}' % CANARY.encode(),
        b'{"resourceType": "%s"}' % CANARY.encode(),
        good[0].replace(b"|P|2.5.1", b"|P|%s" % CANARY.encode()) + b"\xff\xfe",
    ]
    return [*good, signed, *broken]


@pytest.mark.timeout(600)
def test_no_word_of_a_report_and_no_name_of_a_patient_is_seen_where_it_must_not_be(
    kafka_server: KafkaServer, tmp_path: Path
) -> None:
    place = world(kafka_server, f"sqlite:///{tmp_path}/impresario.db", tmp_path)
    (port,) = free_ports(1)
    messages = planted()

    with agents(1, {**place.settings, "PORT": str(port), "DEAD_LETTER_RATIO": "1.0"}, tmp_path) as (agent,):
        place.broker.publish([Message(place.topics.reports, b"one-key", raw, ()) for raw in messages])
        place.sent = len(messages)
        place.waits_for_drafts(5)
        assert wait_until(lambda: all_handled(agent, len(messages)), 120)
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz").status == 200
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").status == 200
        settle(place, [agent])

    letters = place.broker.tail(place.topics.dead_letters, None, 0)
    assert 'impresario_drafts_total{kind="' in metrics and letters
    seen = {
        "log": agent.log,
        "metrics": metrics,
        "draft headers": headers_of(list(place.sees().events)),
        "dead letter headers": headers_of(letters),
        "keys": str([event.key for event in place.sees().events]),
        "file names": str([file.name for file in tmp_path.rglob("*")]),
    }
    assert {where for where, text in seen.items() if CANARY in text} == set()
    assert any(CANARY.encode() in letter.value for letter in letters), "the canaries were there to be found"


def all_handled(agent: AgentProcess, messages: int) -> bool:
    return agent.log.count(".reports[") >= messages


def headers_of(events: list[Event]) -> str:
    return str([event.headers for event in events])


def test_the_values_that_carry_words_print_without_them() -> None:
    event = Event("t", 0, 0, CANARY.encode(), CANARY.encode(), (("h", CANARY.encode()),), datetime.now(UTC))
    message = Message("t", CANARY.encode(), CANARY.encode(), (("h", CANARY.encode()),))

    assert CANARY not in repr(event) + repr(message)
