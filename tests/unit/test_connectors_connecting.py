"""docs/connecting.md as an integration analyst copies it, and what is said of settings that do not fit together."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from connectors import desk
from connectors.deliver.fhir_server import FhirServer
from connectors.deliver.fhircast import FhircastHub
from connectors.deliver.mllp import MllpLine
from connectors.doctor import printable_settings
from ingest.profiles.profile import Profiles
from settings import Settings
from tests.fakes.certificates import Authority

PAGE = (Path(__file__).parents[2] / "docs" / "connecting.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
#: What the page tells to set in the environment or in another block.
ELSEWHERE = {"kafka_user": "me", "kafka_password": "p", "kafka_client_secret": "s"}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0])
def test_every_example_of_the_page_is_understood(block: str, tmp_path: Path) -> None:
    if block.startswith("[drafts]"):
        (tmp_path / "ours.toml").write_text(block)
        assert Profiles(tmp_path).named("ours").drafts_to == ("archive",)
        return
    authority = Authority(tmp_path)
    block = block.replace("/etc/impresario/authority.crt", str(authority.certificate))
    block = re.sub(r"/etc/impresario/impresario\.(pem|key)", str(authority.issues("ours")), block)
    said: dict[str, Any] = tomllib.loads(block)
    said.pop("deliver", None)  # names a delivery of the next block

    settings = Settings(**{**ELSEWHERE, **said})

    desk.broker_of(settings)
    assert set(desk.lines_of(settings)) == set(said.get("deliveries", {}))


def test_each_way_has_its_line_and_its_form() -> None:
    ways = {"ris": ("mllp", "ris:2575"), "archive": ("fhir", "http://fhir/r4"), "desktop": ("fhircast", "http://hub")}
    settings = Settings(deliver=tuple(ways), deliveries={name: {"way": way, "to": to} for name, (way, to) in ways.items()})

    lines, (usual, _) = desk.lines_of(settings), desk.forms_of(settings, desk.topics_of(settings))

    assert [type(lines[name]) for name in ways] == [MllpLine, FhirServer, FhircastHub]
    assert [form.topic for form in usual] == ["delivery:ris", "delivery:archive", "delivery:desktop"]


@pytest.mark.parametrize(
    ("delivery", "said"),
    [
        ({"way": "mllp", "to": "ris.hospital"}, "IMPRESARIO_DELIVERIES: ris: to is HOST:PORT for MLLP"),
        ({"way": "fhir", "to": "fhir.hospital"}, "IMPRESARIO_DELIVERIES: ris: to is an address that begins with https://"),
        (
            {"way": "fhir", "to": "https://me:CANARY@fhir"},
            "IMPRESARIO_DELIVERIES: ris: to holds a password: give a token instead",
        ),
        ({"way": "fhir", "to": "https://f", "token_url": "https://t"}, "token_url wants client and client_secret beside it"),
        ({"way": "mllp", "to": "ris:1", "authority": "nowhere.pem"}, r"nowhere\.pem cannot be read"),
    ],
)
def test_settings_that_do_not_fit_together_are_one_sentence(delivery: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said) as refusal:
        desk.lines_of(Settings(deliveries={"ris": delivery}))

    assert "CANARY" not in str(refusal.value)


def test_a_delivery_may_not_take_a_topics_name_and_a_profile_may_not_name_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="IMPRESARIO_DELIVERIES: fhir is the name of a topic's form"):
        settings = Settings(deliveries={"fhir": {"way": "mllp", "to": "ris:1"}})
        desk.forms_of(settings, desk.topics_of(settings))

    (tmp_path / "ours.toml").write_text('[drafts]\nto = ["fax"]\n')
    with pytest.raises(ValueError, match=r"IMPRESARIO_PROFILES: \[drafts\] of ours names fax: choose among fhir, hl7v2"):
        desk.forms_of(Settings(profiles=tmp_path), desk.topics_of(Settings()))


def test_the_environment_may_hold_a_deliverys_token_and_it_is_never_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "impresario.toml").write_text('[deliveries.ris]\nway = "fhir"\nto = "https://fhir/r4"\n')
    monkeypatch.setenv("IMPRESARIO_DELIVERIES__RIS__TOKEN", "CANARY")

    settings = Settings()

    token = settings.deliveries["ris"].token
    assert token is not None and token.get_secret_value() == "CANARY"
    values = {"deliveries": settings.deliveries}
    assert printable_settings(values, Path("impresario.toml")) == [
        {"setting": "IMPRESARIO_DELIVERIES", "value": "ris (fhir)", "from": "environment"}
    ]
