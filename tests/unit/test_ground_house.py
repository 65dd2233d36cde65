"""What stands around the code is true: one version, links that lead somewhere, commands that exist, nobody's address."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

import impresario
from settings import Settings

HOUSE = Path(__file__).parents[2]
PAGES = [HOUSE / "README.md", HOUSE / "CONTRIBUTING.md", *sorted((HOUSE / "docs").rglob("*.md"))]
COMPOSE: dict[str, Any] = yaml.safe_load((HOUSE / "compose.yaml").read_text())

ROOMS = ("ingest", "engine", "feedback", "trainer", "connectors")
#: Port and name are options of the agent, the data folder one of our own tests.
OUTSIDE_SETTINGS = {"port", "instance", "shared_data"}

STRING_MAP = {"type": "object", "additionalProperties": {"type": ["string", "number", "null"]}}
STRINGS = {"type": "array", "items": {"type": "string"}}
DURATION = {"type": "string", "pattern": r"^(\d+(us|ms|s|m|h))+$"}
#: The part of the Compose specification's schema that this file uses; anything else is a slip of the pen.
COMPOSE_SCHEMA = {
    "type": "object",
    "required": ["services"],
    "additionalProperties": False,
    "patternProperties": {"^x-": {}},
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$"},
        "networks": {"additionalProperties": {"properties": {"internal": {"type": "boolean"}}, "additionalProperties": False}},
        "volumes": {"type": "object", "additionalProperties": {"type": "object", "maxProperties": 0}},
        "services": {
            "additionalProperties": {
                "type": "object",
                "required": ["image"],
                "additionalProperties": False,
                "properties": {
                    "image": {"type": "string"},
                    "build": {
                        "additionalProperties": False,
                        "properties": {"context": {"type": "string"}, "args": STRING_MAP, "dockerfile": {"type": "string"}},
                    },
                    "command": STRINGS,
                    "environment": STRING_MAP,
                    "volumes": STRINGS,
                    "networks": STRINGS,
                    "profiles": STRINGS,
                    "ports": STRINGS,
                    "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
                    "stop_grace_period": DURATION,
                    "depends_on": {
                        "additionalProperties": {
                            "required": ["condition"],
                            "properties": {
                                "condition": {"enum": ["service_started", "service_healthy", "service_completed_successfully"]}
                            },
                        }
                    },
                    "healthcheck": {
                        "additionalProperties": False,
                        "required": ["test"],
                        "properties": {
                            "test": STRINGS,
                            "interval": DURATION,
                            "timeout": DURATION,
                            "start_period": DURATION,
                            "retries": {"type": "integer"},
                        },
                    },
                },
            }
        },
    },
}


def test_compose_is_what_compose_accepts() -> None:
    jsonschema.validate(COMPOSE, COMPOSE_SCHEMA)


def test_every_network_volume_and_neighbour_compose_names_is_there() -> None:
    for name, service in COMPOSE["services"].items():
        assert set(service.get("networks", [])) <= set(COMPOSE["networks"]), name
        assert {volume.split(":")[0] for volume in service.get("volumes", [])} <= set(COMPOSE["volumes"]), name
        assert set(service.get("depends_on", {})) <= set(COMPOSE["services"]), name


def test_vllm_is_reached_by_the_agent_and_the_night_alone() -> None:
    neighbours = {name for name, service in COMPOSE["services"].items() if "models" in service["networks"]}

    assert COMPOSE["networks"]["models"]["internal"]
    assert neighbours == {"vllm", "agent", "night"}
    assert not COMPOSE["services"]["vllm"].get("ports")


@pytest.mark.parametrize("name", ["agent", "night"])
def test_every_command_and_setting_in_compose_exists(name: str) -> None:
    service = COMPOSE["services"][name]
    program, command = service["command"]

    answer = CliRunner().invoke(impresario.app, [command, "--help"])

    assert program == "impresario"
    assert answer.exit_code == impresario.DONE, answer.output
    assert {setting.removeprefix("IMPRESARIO_").lower() for setting in service["environment"]} <= set(Settings.model_fields)


def test_the_vllm_module_in_compose_exists() -> None:
    module = COMPOSE["services"]["vllm"]["command"][2]

    assert find_spec("vllm")
    assert module == "vllm.entrypoints.openai.api_server"


def test_there_is_one_version() -> None:
    declared = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]["version"]

    images = {service["image"] for service in COMPOSE["services"].values() if "build" in service}
    assert images == {f"impresario:{declared}"}
    assert f"## {declared}" in (HOUSE / "CHANGELOG.md").read_text()
    assert version("impresario") == declared


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HOUSE)))
def test_every_link_in_our_pages_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))

    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


def test_every_make_target_and_command_our_pages_name_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (HOUSE / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets, page
        assert set(re.findall(r"`impresario ([a-z-]+)", text)) <= set(impresario.DESKS), page


def test_a_cpu_host_never_gets_the_packages_that_break_transformers() -> None:
    for host in ("cpu", "gpu"):
        lock = (HOUSE / "requirements" / f"{host}.lock").read_text()
        assert not re.search(r"^torch(vision|audio|codec)==", lock, re.MULTILINE), host
        assert re.search(r"^torch==2\.13\.0 ", lock, re.MULTILINE), host


def test_the_repository_names_no_package_index_and_no_machine() -> None:
    answer = subprocess.run(["git", "ls-files", "-z"], cwd=HOUSE, capture_output=True, check=False)
    if answer.returncode:
        pytest.skip("this is not a git checkout")
    hosts = [
        "pypi" + ".org",
        "python" + "hosted",
        "repo1" + ".maven",
        "maven" + ".apache",
        "registry." + "npmjs",
        "/wo" + "rk/main",
    ]

    for name in answer.stdout.decode().split("\0"):
        file = HOUSE / name
        if file.is_file() and file.stat().st_size < 2_000_000:
            text = file.read_bytes()
            assert not [host for host in hosts if host.encode() in text], name


def test_every_log_line_the_operator_is_told_of_is_in_the_code() -> None:
    page = (HOUSE / "docs" / "operate.md").read_text(encoding="utf-8")
    table = page[page.index("## What the log says") : page.index("## Backups")]
    code = "".join(file.read_text(encoding="utf-8") for room in ROOMS for file in (HOUSE / room).rglob("*.py"))

    lines = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    unknown = [piece for line in lines for piece in re.split("…|%d|%s", line) if len(piece.strip()) > 3 and piece not in code]
    assert len(lines) > 10
    assert not unknown


def test_every_setting_and_measure_our_pages_name_exists() -> None:
    measures = (HOUSE / "connectors" / "health.py").read_text()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        settings = {
            name.lower().split("__")[0] for name in re.findall(r"IMPRESARIO_([A-Z0-9_]+[A-Z0-9])", text)
        } - OUTSIDE_SETTINGS
        assert settings <= set(Settings.model_fields), page
        for measure in re.findall(r"`(impresario_[a-z_]+)`", text):
            assert f'"{measure.removesuffix("_total")}"' in measures, measure


def test_every_code_a_message_can_get_stands_in_the_interface() -> None:
    page = (HOUSE / "docs" / "interface.md").read_text(encoding="utf-8")
    table = page[page.index("## Codes") : page.index("## Commands")]
    told = set(re.findall(r"`([a-z-]+)`", "\n".join(row.split("|")[1] for row in table.splitlines() if row.startswith("| `"))))
    code = "".join((HOUSE / file).read_text(encoding="utf-8") for room in ("ingest", "connectors") for file in room_files(room))
    given = set(
        re.findall(
            r'(?:Unreadable\(\s*|_no\(\w+,\s*|Judged\(code=|Reading\("(?:unreadable|ignored)", \w+, )"([a-z]+(?:-[a-z]+)*)"', code
        )
    )

    assert {"truncated", "bad-charset", "reader-failed"} <= given
    assert given <= told


def test_no_compiled_module_is_older_than_its_source() -> None:
    stale = [
        source.name
        for room in ROOMS
        for source in room_files(room)
        for compiled in source.parent.glob(f"{source.stem}.*.so")
        if compiled.stat().st_mtime < source.stat().st_mtime
    ]

    assert not stale, "Python runs what was compiled, not what was edited: say make fast or make plain."


def room_files(room: str) -> list[Path]:
    return sorted((HOUSE / room).rglob("*.py"))
