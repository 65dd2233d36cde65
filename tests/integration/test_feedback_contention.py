"""Two writers in each other's way on a real PostgreSQL: one is undone, and does its work again."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Engine, text

from feedback.database import DatabaseContended, done_again, open_database, transaction


def take(books: Engine, rows: tuple[int, int], taken: dict[int, threading.Event]) -> None:
    """Takes two rows in this order, the second when the other writer has taken it."""
    with transaction(books) as session:
        session.connection().execute(text("UPDATE tally SET n = n + 1 WHERE id = :id"), {"id": rows[0]})
        taken[rows[0]].set()
        taken[rows[1]].wait()
        session.connection().execute(text("UPDATE tally SET n = n + 1 WHERE id = :id"), {"id": rows[1]})


@pytest.mark.parametrize("patient", [True, False])
def test_who_was_undone_does_it_again_and_nothing_is_done_twice(postgres_url: str, patient: bool) -> None:
    books = open_database(postgres_url)
    with transaction(books) as session:
        session.connection().execute(text("CREATE TABLE tally (id int PRIMARY KEY, n int)"))
        session.connection().execute(text("INSERT INTO tally VALUES (1, 0), (2, 0)"))
    taken, undone = {1: threading.Event(), 2: threading.Event()}, []

    def write(rows: tuple[int, int]) -> None:
        try:
            (done_again(take) if patient else take)(books, rows, taken)
        except DatabaseContended as reason:
            undone.append(str(reason))

    writers = [threading.Thread(target=write, args=(rows,)) for rows in ((1, 2), (2, 1))]
    for one in writers:
        one.start()
    for one in writers:
        one.join()

    with transaction(books) as session:
        tallies = session.connection().execute(text("SELECT n FROM tally ORDER BY id")).scalars().all()
    assert (tallies, len(undone)) == (([2, 2], 0) if patient else ([1, 1], 1))
