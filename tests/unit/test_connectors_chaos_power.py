"""A disk that forgets what was not synced: it must catch a database that does not sync, and spare ours."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bench.chaos_databases import disk_that_forgets, forget

WRITES = """
import os, sqlite3, sys
books = sqlite3.connect(sys.argv[1], isolation_level=None)
books.execute("PRAGMA journal_mode = WAL")
books.execute(f"PRAGMA synchronous = {sys.argv[2]}")
books.execute("CREATE TABLE shown (draft INTEGER)")
for draft in range(5):
    books.execute("INSERT INTO shown VALUES (?)", (draft,))
os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
@pytest.mark.parametrize(("synchronous", "kept"), [("FULL", 5), ("OFF", 0)])
def test_of_what_was_committed_the_disk_keeps_what_was_synced(tmp_path: Path, synchronous: str, kept: int) -> None:
    books, platter = tmp_path / "books", tmp_path / "disk" / "platter"
    books.mkdir()
    platter.mkdir(parents=True)
    environment = {"LD_PRELOAD": str(disk_that_forgets(tmp_path)), "PLATTER_OF": f"{books}/", "PLATTER": str(platter)}

    subprocess.run([sys.executable, "-c", WRITES, str(books / "b.db"), synchronous], env=environment, check=False)
    assert drafts_in(books / "b.db") == 5, "without a power cut all are there"
    forgot = forget(books, platter)

    assert drafts_in(books / "b.db") == kept
    assert forgot == (kept == 0)


def drafts_in(file: Path) -> int:
    """Looks at a copy, for SQLite tidies up what it opens."""
    copy = file.parent.with_name("looked-at")
    shutil.copytree(file.parent, copy)
    try:
        return int(sqlite3.connect(copy / file.name).execute("SELECT count(*) FROM shown").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
    finally:
        shutil.rmtree(copy)
