"""Whose turn it is, and how far a partition is done."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime

from connectors.broker import Event, Partition
from connectors.lanes import Lanes
from connectors.progress import Progress


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def event(offset: int, partition: int = 0) -> Event:
    return Event("radiology.reports", partition, offset, None, b"12345", (), datetime.now(UTC))


def test_a_stat_report_overtakes_five_thousand_routine_reports() -> None:
    lanes = Lanes[str](8, longest_wait=60)
    for number in range(5000):
        lanes.put(f"routine-{number}", (f"R{number}",), is_stat=False)

    lanes.put("stat", ("S",), is_stat=True)

    assert lanes.take(0) == "stat"
    assert lanes.take(0) == "routine-0"


def test_of_two_stat_reports_the_newer_goes_first() -> None:
    lanes = Lanes[str](8, longest_wait=60)
    lanes.put("older", ("A",), is_stat=True)
    lanes.put("newer", ("B",), is_stat=True)

    assert [lanes.take(0), lanes.take(0)] == ["newer", "older"]


def test_two_versions_of_one_report_are_never_in_work_together() -> None:
    lanes = Lanes[str](8, longest_wait=60)
    lanes.put("preliminary", ("A",), is_stat=False)
    lanes.put("final", ("A",), is_stat=False)

    assert lanes.take(0) == "preliminary"
    assert lanes.take(0) is None
    lanes.done("preliminary")
    assert lanes.take(0) == "final"


def test_a_message_with_two_reports_waits_for_both() -> None:
    lanes = Lanes[str](8, longest_wait=60)
    lanes.put("a", ("A",), is_stat=False)
    lanes.put("b", ("B",), is_stat=False)
    lanes.put("both", ("A", "B"), is_stat=False)
    lanes.put("a-again", ("A",), is_stat=False)

    assert [lanes.take(0), lanes.take(0), lanes.take(0)] == ["a", "b", None]
    lanes.done("a")
    assert lanes.take(0) is None
    lanes.done("b")
    assert [lanes.take(0), lanes.take(0)] == ["both", None]
    lanes.done("both")
    assert lanes.take(0) == "a-again"


def test_a_stat_version_lifts_the_earlier_versions_it_waits_for() -> None:
    lanes = Lanes[str](8, longest_wait=60)
    for number in range(100):
        lanes.put(f"routine-{number}", (f"R{number}",), is_stat=False)
    lanes.put("R99 is urgent after all", ("R99",), is_stat=True)

    assert lanes.take(0) == "routine-99"
    lanes.done("routine-99")
    assert lanes.take(0) == "R99 is urgent after all"
    assert lanes.waiting() == {"stat": 0, "routine": 99}


def test_a_routine_report_past_its_bound_gets_a_desk_while_stats_keep_coming() -> None:
    clock = Clock()
    lanes = Lanes[str](3, longest_wait=60, clock=clock)
    lanes.put("routine", ("R",), is_stat=False)
    for number in range(10):
        lanes.put(f"stat-{number}", (f"S{number}",), is_stat=True)
    clock.now = 61

    assert [lanes.take(0), lanes.take(0), lanes.take(0)] == ["stat-9", "stat-8", "routine"]
    lanes.done("routine")
    assert lanes.take(0) == "stat-7"


def test_with_one_hand_overdue_routine_and_stat_take_turns() -> None:
    clock = Clock()
    lanes = Lanes[str](1, longest_wait=60, clock=clock)
    for number in range(3):
        lanes.put(f"routine-{number}", (f"R{number}",), is_stat=False)
        lanes.put(f"stat-{number}", (f"S{number}",), is_stat=True)
    clock.now = 61
    order = []
    for _ in range(6):
        work = lanes.take(0)
        assert work is not None
        order.append(work)
        lanes.done(work)

    assert order == ["stat-2", "routine-0", "stat-1", "routine-1", "stat-0", "routine-2"]


def test_many_hands_keep_every_report_in_order_and_lose_nothing() -> None:
    lanes = Lanes[tuple[str, int]](8, longest_wait=0.0)
    chance = random.Random(7)
    handled: dict[str, list[int]] = {}
    in_work: set[str] = set()
    lock = threading.Lock()
    versions = [(f"R{number % 40}", number) for number in range(800)]

    def work() -> None:
        while (one := lanes.take(0.3)) is not None:
            with lock:
                assert one[0] not in in_work
                in_work.add(one[0])
                handled.setdefault(one[0], []).append(one[1])
            with lock:
                in_work.remove(one[0])
            lanes.done(one)

    hands = [threading.Thread(target=work) for _ in range(8)]
    for hand in hands:
        hand.start()
    for version in versions:
        lanes.put(version, (version[0],), is_stat=chance.random() < 0.3)
    for hand in hands:
        hand.join()

    assert sum(map(len, handled.values())) == 800
    assert all(numbers == sorted(numbers) for numbers in handled.values())


def test_nothing_behind_an_unfinished_report_is_committed() -> None:
    progress = Progress()
    progress.take([event(offset) for offset in range(5)])

    progress.finish(event(1))
    progress.finish(event(3))
    assert progress.committable() == {}

    progress.finish(event(0))
    assert progress.committable() == {Partition("radiology.reports", 0): 2}
    assert progress.committable() == {}
    assert progress.unfinished == 3


def test_a_partition_that_left_us_is_forgotten_with_what_was_in_work() -> None:
    progress = Progress()
    progress.take([event(0), event(1), event(0, partition=1)])
    progress.finish(event(0))

    assert progress.last_words([Partition("radiology.reports", 0)]) == {Partition("radiology.reports", 0): 1}

    progress.finish(event(1))
    assert progress.committable() == {}
    assert progress.unfinished == 1


def test_an_event_that_comes_again_is_counted_once() -> None:
    progress = Progress()
    progress.take([event(0), event(1)])
    progress.take([event(0), event(1)])

    progress.finish(event(0))
    progress.finish(event(0))
    progress.finish(event(1))

    assert progress.committable() == {Partition("radiology.reports", 0): 2}
    assert progress.unfinished == 0 and progress.unfinished_bytes == 0
