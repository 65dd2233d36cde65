"""`impresario adapters` and the polite refusals of `impresario night`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner, Result

from bench.random_weights import random_adapter
from engine.adapters import Adapter, Shelf
from feedback import audit
from feedback.database import open_database, reading
from feedback.nights import adapters
from feedback.tables import Outbox
from trainer.desk import app


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMPRESARIO_DATABASE", f"sqlite:///{tmp_path}/impresario.db")
    monkeypatch.setenv("IMPRESARIO_SHELF", str(tmp_path / "shelf"))
    monkeypatch.setenv("IMPRESARIO_BASE_MODEL", str(tmp_path / "base"))
    return Shelf(tmp_path / "shelf")


def put(shelf: Shelf, tmp_path: Path, night: str, seed: int = 1) -> Adapter:
    base = tmp_path / "sizes"
    base.mkdir(exist_ok=True)
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 2, "num_key_value_heads": 2, "num_hidden_layers": 1}
    (base / "config.json").write_text(json.dumps(sizes))
    trained = random_adapter(base, tmp_path / f"trained-{seed}", seed=seed)
    return shelf.put(
        trained, radiologist="r17", night=night, base_model="base", metrics={"reports": 40}, card={"learned_from": ["p1"]}
    )


def ask(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def lines(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_list_has_one_line_per_version_with_its_state(shelf: Shelf, tmp_path: Path) -> None:
    monday, tuesday = put(shelf, tmp_path, "2026-11-23"), put(shelf, tmp_path, "2026-11-24", seed=2)
    shelf.promote(tuesday)

    rows = lines(ask("adapters", "list", "--json"))

    assert [(row["version"], row["state"]) for row in rows] == [(monday.version, "kept"), (tuesday.version, "promoted")]
    assert set(rows[0]) >= {"radiologist", "version", "state", "base_model", "night", "sha256", "metrics"}
    assert lines(ask("adapters", "list", "--radiologist", "r18", "--json")) == []


def test_what_a_person_does_to_the_shelf_is_proved_and_told(shelf: Shelf, tmp_path: Path) -> None:
    monday, tuesday = put(shelf, tmp_path, "2026-11-23"), put(shelf, tmp_path, "2026-11-24", seed=2)

    lines(ask("adapters", "promote", monday.version, "--json"))
    lines(ask("adapters", "promote", tuesday.version, "--json"))
    back = lines(ask("adapters", "rollback", "r17", "--json"))
    lines(ask("adapters", "freeze", "r17", "--json"))
    lines(ask("adapters", "delete", tuesday.version, "--json"))

    assert [(row["version"], row["state"]) for row in back] == [(tuesday.version, "kept"), (monday.version, "promoted")]
    with reading(open_database(f"sqlite:///{tmp_path}/impresario.db")) as session:
        assert {row.version: row.state for row in adapters(session)} == {monday.version: "frozen", tuesday.version: "deleted"}
        assert audit.verify(session) is None
        assert audit.head(session)[0] == 5
        told = [json.loads(row.value)["type"] for row in session.exec(select(Outbox).order_by(Outbox.number))]  # type: ignore[arg-type]
    assert told == [f"impresario.adapter.{act}" for act in ("promoted", "promoted", "rolled-back", "frozen", "deleted")]


def test_promoting_the_same_version_twice_on_different_days_is_told_twice(shelf: Shelf, tmp_path: Path) -> None:
    adapter = put(shelf, tmp_path, "2026-11-23")

    lines(ask("adapters", "promote", adapter.version, "--json"))
    lines(ask("adapters", "rollback", "r17", "--json"))
    lines(ask("adapters", "promote", adapter.version, "--json"))

    with reading(open_database(f"sqlite:///{tmp_path}/impresario.db")) as session:
        assert len(session.exec(select(Outbox)).all()) == 3


def test_the_card_says_what_an_adapter_learned_from(shelf: Shelf, tmp_path: Path) -> None:
    adapter = put(shelf, tmp_path, "2026-11-23")

    (card,) = lines(ask("adapters", "card", adapter.version, "--json"))

    assert card["learned_from"] == ["p1"]


def test_a_changed_adapter_is_not_promoted_by_hand_either(shelf: Shelf, tmp_path: Path) -> None:
    adapter = put(shelf, tmp_path, "2026-11-23")
    weights = adapter.folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")

    result = ask("adapters", "promote", adapter.version)

    assert result.exit_code == 1
    assert "changed on the shelf" in result.stderr
    assert shelf.promoted_for("r17") is None


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("adapters", "promote", "2026-11-23-0123456789ab"), 1),
        (("adapters", "card", "../../etc/passwd"), 1),
        (("adapters", "rollback", "r99"), 1),
        (("adapters", "freeze", "r99"), 1),
        (("night", "--date", "yesterday"), 2),
        (("night",), 2),
    ],
    ids=str,
)
def test_what_cannot_be_done_ends_in_one_sentence(shelf: Shelf, tmp_path: Path, words: tuple[str, ...], status: int) -> None:
    if "--date" in words:
        (tmp_path / "base").mkdir()
        (tmp_path / "base" / "config.json").write_text("{}")

    result = ask(*words)

    assert result.exit_code == status
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_a_database_that_is_away_stops_a_person_before_the_shelf_is_touched(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = put(shelf, tmp_path, "2026-11-23")
    monkeypatch.setenv("IMPRESARIO_DATABASE", "postgresql://nobody@127.0.0.1:1/nothing")

    result = ask("adapters", "promote", adapter.version)

    assert result.exit_code == 3
    assert shelf.promoted_for("r17") is None
