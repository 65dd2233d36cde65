"""The shelf: what is put there stays as it was, one version writes at a time, and a broken adapter never reaches the model."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.adapters import Adapter, BrokenAdapter, NoSuchAdapter, Shelf, folder_name, verify
from engine.base import name_of_base

Q = "model.layers.0.self_attn.q_proj"


def train(folder: Path, *, value: float = 0.5, rank: int = 8, module: str = Q, wide: int = 4, **config: Any) -> Path:
    """What a night leaves: weights and a configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    a, b = np.full((rank, wide), value, np.float32), np.zeros((6, rank), np.float32)
    save_file(
        {f"base_model.model.{module}.lora_A.weight": a, f"base_model.model.{module}.lora_B.weight": b},
        folder / "adapter_model.safetensors",
    )
    said = {"peft_type": "LORA", "r": rank, "lora_alpha": 16, "base_model_name_or_path": str(folder), **config}
    (folder / "adapter_config.json").write_text(json.dumps(said))
    return folder


def put(shelf: Shelf, tmp_path: Path, radiologist: str = "r17", night: str = "2026-11-21", **trained: Any) -> Adapter:
    folder = train(tmp_path / "trained", **trained)
    return shelf.put(
        folder, radiologist=radiologist, night=night, base_model="base", metrics={"gain": 0.2}, card={"examples": 40}
    )


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


def test_an_adapter_is_named_by_its_night_and_the_hash_of_its_bytes(shelf: Shelf, tmp_path: Path) -> None:
    adapter = put(shelf, tmp_path)

    assert adapter.version == f"2026-11-21-{adapter.sha256[:12]}"
    assert adapter.folder == shelf.root / "r17" / adapter.version
    assert shelf.card(adapter)["examples"] == 40
    assert shelf.all() == [(adapter, "kept")]


def test_the_same_training_on_another_machine_has_the_same_name(tmp_path: Path) -> None:
    here = put(Shelf(tmp_path / "here"), tmp_path / "a")
    there = put(Shelf(tmp_path / "there"), tmp_path / "another" / "machine")

    assert here.version == there.version


def test_putting_the_same_bytes_twice_changes_nothing(shelf: Shelf, tmp_path: Path) -> None:
    first = put(shelf, tmp_path)
    before = (first.folder / "card.json").stat().st_mtime_ns

    second = put(shelf, tmp_path)

    assert second == first
    assert (first.folder / "card.json").stat().st_mtime_ns == before


def test_nothing_writes_for_a_radiologist_before_a_promotion(shelf: Shelf, tmp_path: Path) -> None:
    put(shelf, tmp_path)

    assert shelf.promoted_for("r17") is None


def test_a_promotion_keeps_the_way_back(shelf: Shelf, tmp_path: Path) -> None:
    monday, tuesday = put(shelf, tmp_path, night="2026-11-23"), put(shelf, tmp_path, night="2026-11-24", value=0.7)
    shelf.promote(monday)

    handed_back = shelf.promote(tuesday)

    assert handed_back == monday
    assert (shelf.promoted_for("r17"), shelf.previous_for("r17")) == (tuesday, monday)
    assert [state for _, state in shelf.all()] == ["previous", "promoted"]


def test_promoting_again_after_a_crash_does_not_lose_the_previous_version(shelf: Shelf, tmp_path: Path) -> None:
    monday, tuesday = put(shelf, tmp_path, night="2026-11-23"), put(shelf, tmp_path, night="2026-11-24", value=0.7)
    shelf.promote(monday)
    shelf.promote(tuesday)

    shelf.promote(tuesday)

    assert shelf.previous_for("r17") == monday


def test_rolling_back_lets_the_previous_version_write_again(shelf: Shelf, tmp_path: Path) -> None:
    monday, tuesday = put(shelf, tmp_path, night="2026-11-23"), put(shelf, tmp_path, night="2026-11-24", value=0.7)
    shelf.promote(monday)
    shelf.promote(tuesday)

    assert shelf.roll_back("r17") == monday
    assert shelf.promoted_for("r17") == monday
    assert shelf.roll_back("r17") is None
    assert shelf.promoted_for("r17") is None
    with pytest.raises(NoSuchAdapter):
        shelf.roll_back("r17")


def test_a_frozen_adapter_goes_on_writing_until_a_person_promotes_another(shelf: Shelf, tmp_path: Path) -> None:
    monday, tuesday = put(shelf, tmp_path, night="2026-11-23"), put(shelf, tmp_path, night="2026-11-24", value=0.7)
    shelf.promote(monday)

    shelf.freeze("r17")

    assert shelf.is_frozen("r17")
    assert shelf.promoted_for("r17") == monday
    assert {a.version: s for a, s in shelf.all()}[monday.version] == "frozen"
    shelf.promote(tuesday)
    assert not shelf.is_frozen("r17")


def test_a_deleted_adapter_stops_writing_and_leaves_only_its_card(shelf: Shelf, tmp_path: Path) -> None:
    adapter = put(shelf, tmp_path)
    shelf.promote(adapter)

    shelf.delete(adapter)

    assert shelf.promoted_for("r17") is None
    assert shelf.all() == [(adapter, "deleted")]
    assert not (adapter.folder / "adapter_model.safetensors").exists()
    with pytest.raises(NoSuchAdapter):
        shelf.promote(adapter)
    assert put(shelf, tmp_path) == adapter
    assert shelf.all() == [(adapter, "kept")]


def test_changed_bytes_are_refused(shelf: Shelf, tmp_path: Path) -> None:
    adapter = put(shelf, tmp_path)
    weights = adapter.folder / "adapter_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)

    with pytest.raises(BrokenAdapter, match="changed on the shelf"):
        verify(adapter)


def test_a_lost_file_is_refused_in_one_sentence(shelf: Shelf, tmp_path: Path) -> None:
    adapter = put(shelf, tmp_path)
    (adapter.folder / "adapter_config.json").unlink()

    with pytest.raises(BrokenAdapter, match="cannot be read"):
        verify(adapter)


@pytest.mark.parametrize(
    "trained",
    [
        {"value": float("nan")},
        {"value": float("inf")},
        {"rank": 12},
        {"module": "lm_head"},
        {"use_dora": True},
        {"modules_to_save": ["lm_head"]},
        {"lora_bias": True},
        {"bias": "all"},
        {"init_lora_weights": "pissa"},
        {"peft_type": "IA3"},
        {"r": 16},
    ],
    ids=str,
)
def test_what_vllm_cannot_serve_is_never_put_on_the_shelf(shelf: Shelf, tmp_path: Path, trained: dict[str, Any]) -> None:
    rank = trained.pop("rank", 8)
    with pytest.raises(BrokenAdapter):
        put(shelf, tmp_path, rank=rank, **trained)

    assert shelf.all() == []
    assert not list(shelf.root.glob("*/.coming-*"))


def test_an_adapter_must_fit_the_base_weights(shelf: Shelf, tmp_path: Path) -> None:
    def base(name: str, shape: tuple[int, int]) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        save_file({f"{Q}.weight": np.zeros(shape, np.float32)}, folder / "model.safetensors")
        return folder

    right, wrong = base("right", (6, 4)), base("wrong", (6, 5))
    trained = train(tmp_path / "trained")
    about: dict[str, Any] = {"radiologist": "r17", "night": "2026-11-21", "metrics": {}, "card": {}}

    adapter = shelf.put(trained, base_model=name_of_base(str(right)), base=right, **about)

    verify(adapter, right)
    with pytest.raises(BrokenAdapter, match="other base weights"):
        verify(adapter, wrong)
    with pytest.raises(BrokenAdapter, match="does not fit"):
        shelf.put(trained, base_model=name_of_base(str(wrong)), base=wrong, **about)


@pytest.mark.parametrize(
    "radiologist", ["../../etc", "/etc", "..", ".", "", "a/b", "a\x00b", "Dr. Ärztin^Ä", "R17", "x" * 300, "r17\n", "~"]
)
def test_no_id_of_a_radiologist_leaves_the_shelf_or_names_another_folder(shelf: Shelf, tmp_path: Path, radiologist: str) -> None:
    put(shelf, tmp_path, radiologist="r17")

    adapter = put(shelf, tmp_path, radiologist=radiologist)

    assert adapter.folder.resolve().parent.parent == shelf.root.resolve()
    assert adapter.folder.parent.name != "r17"
    assert len(adapter.folder.parent.name) < 80
    shelf.promote(adapter)
    assert shelf.promoted_for(radiologist) == adapter
    assert shelf.promoted_for("r17") is None


def test_an_altered_id_can_be_no_other_radiologists_own(shelf: Shelf) -> None:
    assert folder_name("R17") not in ("r17", folder_name(folder_name("R17")))


def test_a_night_that_is_no_name_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="hyphens"):
        put(shelf, tmp_path, night="../2026")


def test_a_reader_never_sees_half_a_switch(shelf: Shelf, tmp_path: Path) -> None:
    adapters = [put(shelf, tmp_path, night="2026-11-23"), put(shelf, tmp_path, night="2026-11-24", value=0.7)]
    shelf.promote(adapters[0])
    seen: list[Adapter | None] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.append(shelf.promoted_for("r17"))

    reader = threading.Thread(target=look)
    reader.start()
    for turn in range(60):
        shelf.promote(adapters[turn % 2])
    done.set()
    reader.join()

    assert seen
    assert all(adapter in adapters for adapter in seen)


def test_a_night_killed_while_copying_leaves_no_adapter(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def power_cut(source: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as evening, pytest.raises(KeyboardInterrupt):
        evening.setattr(Path, "replace", power_cut)
        put(shelf, tmp_path)

    assert shelf.all() == []
    assert put(shelf, tmp_path).version


def test_a_card_that_cannot_be_read_hides_one_version_and_no_other(shelf: Shelf, tmp_path: Path) -> None:
    good, bad = put(shelf, tmp_path, night="2026-11-23"), put(shelf, tmp_path, night="2026-11-24")
    (bad.folder / "card.json").write_text('{"radio')

    assert [adapter for adapter, _ in shelf.all()] == [good]


def test_an_interrupted_night_finds_its_own_work(shelf: Shelf, tmp_path: Path) -> None:
    adapter = put(shelf, tmp_path, night="2026-11-21")

    assert shelf.of_night("r17", "2026-11-21") == adapter
    assert shelf.of_night("r17", "2026-11-22") is None
    assert shelf.of_night("r18", "2026-11-21") is None


@pytest.mark.parametrize("file", ["pointers.json", "2026-11-21-*/card.json"])
def test_a_pointer_or_card_that_cannot_be_read_means_bare_drafts_and_no_crash(shelf: Shelf, tmp_path: Path, file: str) -> None:
    shelf.promote(put(shelf, tmp_path))
    (damaged,) = (shelf.root / "r17").glob(file)
    damaged.write_bytes(b"\x00\xff{")

    assert shelf.promoted_for("r17") is None
