"""A real Kafka that asks who is there: who may come in does the whole round, who may not is told why in one sentence."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from typer.testing import CliRunner

from connectors import desk
from connectors.broker import BrokerAway, Message
from connectors.kafka_broker import KafkaBroker
from connectors.kafka_security import Security
from demo import parts
from settings import Settings
from tests.fakes.certificates import Authority
from tests.fakes.secured_kafka import PASSWORD, USER, SecuredKafka

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[SecuredKafka]:
    server = SecuredKafka(tmp_path_factory.mktemp("secured"), authority, authority.issues("broker"))
    try:
        server.start()
    except parts.PartMissing as reason:
        pytest.skip(str(reason))
    yield server
    server.stop()


Come = Callable[..., Settings]


@pytest.fixture
def coming(kafka: SecuredKafka, authority: Authority) -> Come:
    def settings(door: str = "sasl", **said: Any) -> Settings:
        usual: dict[str, Any] = {"kafka": getattr(kafka, door), "kafka_authority": authority.certificate}
        if door == "sasl":
            usual |= {"kafka_sasl": "SCRAM-SHA-512", "kafka_user": USER, "kafka_password": PASSWORD}
        return Settings(**{**usual, **said})

    return settings


@pytest.fixture
def token_server() -> Iterator[str]:
    """Gives anybody with the right secret an unsigned token, which this Kafka is set to believe."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            is_known = asked["client_secret"] == ["right"] and asked["grant_type"] == ["client_credentials"]
            self.send_response(200 if is_known else 401)
            self.end_headers()
            self.wfile.write(json.dumps({"access_token": unsigned_token(), "expires_in": 300} if is_known else {}).encode())

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/token"
    server.shutdown()
    server.server_close()


def unsigned_token() -> str:
    import time

    parts_of_it = [{"alg": "none"}, {"sub": "impresario", "iat": time.time() - 5, "exp": time.time() + 300, "scope": []}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts_of_it) + "."


def goes_round(settings: Settings, topic: str) -> None:
    """Topic made, message sent, consumed in a group, committed and read back."""
    broker = desk.broker_of(settings)
    try:
        broker.prepare([topic], 1)
        broker.publish([Message(topic, b"K", b"a report", ())])
        feed = broker.join([topic], f"group-{topic}", lambda places: {})
        events = next(events for _ in range(60) if (events := feed.poll(1.0, 10)))
        feed.commit({events[0].place: 1})
        feed.close()
        assert [event.value for event in broker.tail(topic, None, 1)] == [b"a report"]
    finally:
        broker.close()


def refused(settings: Settings) -> str:
    with pytest.raises(BrokerAway) as away:
        desk.broker_of(settings, hurried=True).prepare(["nothing"], 1)
    return str(away.value)


def test_with_the_right_password_over_tls_everything_works(coming: Come) -> None:
    goes_round(coming(), "scram")


def test_with_a_plain_password_over_tls_too(coming: Come) -> None:
    goes_round(coming(kafka_sasl="PLAIN"), "plain")


def test_with_a_certificate_of_our_own(coming: Come, authority: Authority) -> None:
    goes_round(coming("mtls", kafka_certificate=authority.issues("ours")), "mtls")


def test_with_a_token_that_is_fetched(coming: Come, token_server: str) -> None:
    fetched = {"kafka_token_url": token_server, "kafka_client": "impresario", "kafka_client_secret": "right"}

    goes_round(coming(kafka_sasl="OAUTHBEARER", **fetched), "oauth")


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
def test_a_wrong_password_is_one_sentence_without_it(coming: Come, mechanism: str) -> None:
    said = refused(coming(kafka_sasl=mechanism, kafka_password="CANARY"))

    assert said == (
        "Kafka did not create topics: it does not accept our name or password (IMPRESARIO_KAFKA_USER, IMPRESARIO_KAFKA_PASSWORD)."
    )


def test_a_way_to_sign_in_that_it_does_not_offer(coming: Come) -> None:
    assert "it does not offer SCRAM-SHA-256: look at IMPRESARIO_KAFKA_SASL." in refused(coming(kafka_sasl="SCRAM-SHA-256"))


def test_a_secret_the_token_server_does_not_know(coming: Come, token_server: str) -> None:
    fetched = {"kafka_token_url": token_server, "kafka_client": "impresario", "kafka_client_secret": "CANARY"}

    said = refused(coming(kafka_sasl="OAUTHBEARER", **fetched))
    assert "the token server at 127.0.0.1 answered 401: look at the client's id and secret." in said


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        ("none", "it wants a certificate of ours: give one in the settings."),
        ("expired", "our certificate has expired: renew it."),
        ("stranger", "it does not accept our certificate: ask who has to sign it."),
    ],
)
def test_a_certificate_of_ours_that_is_no_good(coming: Come, authority: Authority, tmp_path: Path, ours: str, said: str) -> None:
    signs = Authority(tmp_path, "others") if ours == "stranger" else authority
    certificate = None if ours == "none" else signs.issues(ours, expired=ours == "expired")

    assert refused(coming("mtls", kafka_certificate=certificate)).endswith(said)


def test_a_broker_whose_certificate_we_have_no_reason_to_trust(coming: Come, tmp_path: Path) -> None:
    others = Authority(tmp_path, "others").certificate

    said = refused(coming(kafka_authority=others))
    assert said.endswith("its certificate is signed by nobody we trust: give its authority in the settings.")


def test_speaking_plainly_to_a_port_that_speaks_tls(coming: Come, kafka: SecuredKafka) -> None:
    assert refused(Settings(kafka=kafka.mtls)).endswith("it speaks TLS on this port: set IMPRESARIO_KAFKA_TLS.")


def test_speaking_tls_to_a_port_that_does_not(coming: Come) -> None:
    assert "does it speak TLS on this port?" in refused(coming("bootstrap", kafka_authority=None, kafka_tls=True))


def test_the_doctor_says_the_same_and_no_secret(
    coming: Come, kafka: SecuredKafka, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    said = {
        "KAFKA": kafka.sasl,
        "KAFKA_AUTHORITY": str(authority.certificate),
        "KAFKA_SASL": "SCRAM-SHA-512",
        "KAFKA_USER": USER,
        "KAFKA_PASSWORD": "CANARY",
        "VLLM": "http://127.0.0.1:1",
    }
    for name, value in said.items():
        monkeypatch.setenv(f"IMPRESARIO_{name}", value)

    result = CliRunner().invoke(desk.app, ["doctor", "--json"])

    finding = {one["what"]: one for one in json.loads(result.stdout)["findings"]}["kafka"]
    assert (result.exit_code, finding["state"]) == (3, "away")
    assert "it does not accept our name or password" in finding["said"]
    assert "CANARY" not in result.output


def test_a_mechanism_without_its_name_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(ValueError, match="IMPRESARIO_KAFKA_SASL is PLAIN: it wants IMPRESARIO_KAFKA_USER"):
        Security.of(Settings(kafka_sasl="PLAIN").model_dump())


def test_a_security_prints_without_its_secrets() -> None:
    assert "CANARY" not in repr(Security.of(Settings(kafka_sasl="PLAIN", kafka_user="me", kafka_password="CANARY").model_dump()))


def test_kafka_alone_knows_how_it_is_spoken_to() -> None:
    assert KafkaBroker("localhost:1", security=Security().settings())._common["security_protocol"] == "PLAINTEXT"
