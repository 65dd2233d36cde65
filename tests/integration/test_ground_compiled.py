"""What `make fast` compiles says just what the plain rooms say: their own unit tests pass on a compiled copy of the house."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
LEFT_BEHIND = shutil.ignore_patterns(".*", "var", "build", "__pycache__", "*.so", "*.egg-info")
#: The unit tests of the two rooms; what asks for the installed command or the house's papers is not theirs.
THEIRS = ("test_ingest_*.py", "test_facts_*.py", "test_checks_*.py", "test_engine_*.py", "test_guidelines_reading.py")


@pytest.mark.timeout(1500)
def test_the_compiled_rooms_pass_the_tests_of_the_plain_ones(tmp_path: Path) -> None:
    if not shutil.which(os.environ.get("CC", "cc")) or not Path(sysconfig.get_paths()["include"], "Python.h").exists():
        pytest.skip("needs a C compiler and Python's headers (Debian: apt install gcc python3-dev)")
    copy = tmp_path / "house"
    shutil.copytree(HOUSE, copy, ignore=LEFT_BEHIND)

    _run(copy, "setup.py", "-q", "build_ext", "--inplace", "-j", "2")
    said = _run(copy, "-c", "import ingest.er7, engine.checks; print(ingest.er7.__file__, engine.checks.__file__)")
    assert [Path(file).suffix for file in said.split()] == [".so", ".so"]

    tests = [str(file) for pattern in THEIRS for file in sorted(copy.glob(f"tests/unit/{pattern}"))]
    assert len(tests) > 20
    _run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)


def _run(copy: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout
