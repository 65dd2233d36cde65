"""The same story on the real parts, told by the demo itself: Apache Kafka, vLLM, the agent and the night as their own processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from settings import SHIPPED_BASE

pytestmark = pytest.mark.skipif(not (SHIPPED_BASE / "config.json").exists(), reason="the base model is not built yet: make base")


def demo(folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "demo", "--folder", str(folder), "--seed", "11", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def left_behind(folder: Path) -> list[str]:
    """Processes that were started for this folder and still run."""
    return [
        " ".join(one.info["cmdline"])[:200]
        for one in psutil.process_iter(["cmdline"])
        if str(folder) in " ".join(one.info["cmdline"] or [])
    ]


@pytest.mark.timeout(600)
def test_a_day_and_a_night_on_the_real_parts(tmp_path: Path) -> None:
    running = demo(tmp_path / "demo", "--reports", "24", "--nights", "1", "--radiologists", "2")

    told, _ = running.communicate()

    assert running.returncode == 0, told
    summary = json.loads((tmp_path / "demo" / "summary.json").read_text())
    assert (summary["broker"], summary["engine"], summary["database"]) == ("kafka", "vllm", "sqlite")
    assert [summary[count] for count in ("reports", "drafts", "signed", "preferences", "dead_letters")] == [48, 48, 48, 48, 0]
    (night,) = summary["nights"]
    assert {row["verdict"] for row in night["radiologists"]} <= {"promoted", "kept"}
    assert all(row["edit_distance"]["own"] < row["edit_distance"]["draft"] for row in night["radiologists"])
    assert "<svg" in (tmp_path / "demo" / "report.html").read_text()
    assert left_behind(tmp_path) == []


@pytest.mark.timeout(300)
def test_ctrl_c_leaves_no_process_behind(tmp_path: Path) -> None:
    running = demo(tmp_path / "demo", "--reports", "40")
    until = time.monotonic() + 120
    while not (tmp_path / "demo" / "kafka" / "kafka.out").exists() and time.monotonic() < until:
        time.sleep(0.5)
    time.sleep(3)

    running.send_signal(signal.SIGINT)
    told, _ = running.communicate(timeout=90)

    assert running.returncode == 130, told
    assert "Traceback" not in told
    assert left_behind(tmp_path) == []
