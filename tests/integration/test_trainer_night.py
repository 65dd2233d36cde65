"""One whole night for real: preferences in SQLite, training on a Mistral of two layers, a verdict, the shelf, the record."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.adapters import Shelf, verify
from feedback.database import open_database, reading
from feedback.nights import nights
from tests.fakes.tiny_base import tiny_base
from tests.unit.test_trainer_nightly import sign


@pytest.fixture
def hospital(tmp_path: Path) -> dict[str, str]:
    base = tiny_base(tmp_path / "base", "mistral")
    url = f"sqlite:///{tmp_path}/impresario.db"
    sign(open_database(url), "r17", 24)
    return os.environ | {
        "IMPRESARIO_DATABASE": url,
        "IMPRESARIO_SHELF": str(tmp_path / "shelf"),
        "IMPRESARIO_BASE_MODEL": str(base),
        "IMPRESARIO_ENOUGH_PREFERENCES": "20",
        "IMPRESARIO_HELD_OUT": "10",
    }


def night(hospital: dict[str, str], tmp_path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "impresario", "night", "--date", "2026-11-21", "--rehearsal", "--json"]
    return subprocess.Popen(command, env=hospital, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_night_trains_judges_and_records_and_a_second_one_does_nothing(hospital: dict[str, str], tmp_path: Path) -> None:
    out, err = night(hospital, tmp_path).communicate(timeout=240)

    told = json.loads(out)
    (outcome,) = told["radiologists"]
    assert told["night"] == "2026-11-21"
    assert outcome["verdict"] in ("promoted", "kept"), outcome["reason"]  # two random layers learn a habit or they do not
    measured = {name for name, distance in outcome["edit_distance"].items() if distance is not None}
    assert measured == {"draft", "own"}, "no colleague has an adapter yet, nor anybody an earlier one"
    assert "pleural" not in err + out
    shelf = Shelf(tmp_path / "shelf")
    ((adapter, state),) = shelf.all()
    assert state == outcome["verdict"]
    verify(adapter, tmp_path / "base")
    with reading(open_database(hospital["IMPRESARIO_DATABASE"])) as session:
        assert nights(session)[0][2][0].adapter == adapter.version

    again, _ = night(hospital, tmp_path).communicate(timeout=240)
    assert json.loads(again)["radiologists"] == told["radiologists"]
    assert len(shelf.all()) == 1


def test_a_night_killed_while_training_leaves_nothing_half_done(hospital: dict[str, str], tmp_path: Path) -> None:
    killed = night(hospital, tmp_path)
    workroom = tmp_path / "shelf" / ".workroom"
    until = time.monotonic() + 120
    while not (workroom.exists() and any(workroom.iterdir())) and killed.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    shelf = Shelf(tmp_path / "shelf")
    assert shelf.all() == []

    out, _ = night(hospital, tmp_path).communicate(timeout=240)

    assert json.loads(out)["radiologists"][0]["verdict"] in ("promoted", "kept")
    assert len(shelf.all()) == 1
    assert not workroom.exists()
