"""Observations of an image AI from a FHIR server on a real socket, as far as the flag in front of the radiologist."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from connectors.image_ai import ObservationsAt, observations_in
from engine.tools import ImageAi
from engine.write import write_impression
from tests.fakes.model import ScriptedModel
from tests.unit.test_engine_tools import observed
from tests.unit.test_engine_write import DRAFT, report

ASKED: list[str] = []


class Server(BaseHTTPRequestHandler):
    status, observations, pause = 200, [observed("Pneumothorax", side="left")], 0.0

    def do_GET(self) -> None:
        ASKED.append(urllib.parse.unquote(self.path))
        entries: list[dict[str, Any]] = [{"resource": one} for one in self.observations]
        entries.append({"resource": {"resourceType": "OperationOutcome"}})
        body = json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": entries}).encode()
        self.send_response(self.status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        for piece in [body] if not self.pause else [bytes([byte]) for byte in body]:
            self.wfile.write(piece)
            time.sleep(self.pause)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody listens."""


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/fhir"
    server.shutdown()
    server.server_close()


def test_what_the_image_ai_wrote_to_the_server_stands_as_an_objection_beside_the_draft(address: str) -> None:
    ASKED.clear()
    model = ScriptedModel(lambda prompt, adapter, n: [DRAFT])

    impression = write_impression(
        report(), model=model, adapter=None, deadline=60.0, tools=[ImageAi(ObservationsAt(address), "chest-ai")]
    )

    assert impression is not None and impression.text == DRAFT
    assert [flag.message.startswith("chest-ai sees left pneumothorax") for flag in impression.flags] == [True]
    assert ASKED == ["/fhir/Observation?based-on:ServiceRequest.identifier=A1&_count=100"]


def test_a_server_that_refuses_or_is_away_is_an_error_the_draft_survives(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "status", 401)

    with pytest.raises(http.client.HTTPException):
        ObservationsAt(address)(report(), 5.0)
    with pytest.raises(OSError):
        ObservationsAt("http://127.0.0.1:9/fhir")(report(), 5.0)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"resourceType": "OperationOutcome"}, "without a Bundle"),
        ({}, "without a Bundle"),
        (
            {"resourceType": "Bundle", "link": [{"relation": "self", "url": "https://pacs/fhir/Observation?_count=100"}]},
            "did not search by accession",
        ),
    ],
)
def test_a_server_that_answered_another_question_has_seen_nothing(said: dict[str, Any], why: str) -> None:
    with pytest.raises(http.client.HTTPException, match=why):
        observations_in(said | {"entry": [{"resource": observed("Pneumothorax")}]}, "A1")


def test_what_the_server_says_it_searched_for_is_believed() -> None:
    url = "https://pacs/fhir/Observation?based-on%3AServiceRequest.identifier=A%5C%2C1&_count=100"
    bundle = {
        "resourceType": "Bundle",
        "link": [{"relation": "self", "url": url}],
        "entry": [{"resource": observed("Pneumothorax")}],
    }

    assert len(observations_in(bundle, "A\\,1")) == 1


def test_a_server_that_drips_its_answer_holds_no_draft_beyond_its_deadline(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "pause", 0.1)
    begun = time.monotonic()

    with pytest.raises(OSError):
        ObservationsAt(address)(report(), 0.5)

    assert time.monotonic() - begun < 3
