"""One contract, two brokers: whatever the agent relies on holds on Apache Kafka and on its twin in memory alike."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from connectors.broker import Broker, BrokerAway, Event, Feed, Message, OffsetsGone, Partition
from connectors.kafka_broker import KafkaBroker
from connectors.twin import InMemoryBroker

PARTITIONS = 4


@pytest.fixture(params=["kafka", "memory"])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    one: Broker
    is_real = request.param == "kafka"
    one = KafkaBroker(request.getfixturevalue("kafka_bootstrap"), session_seconds=6) if is_real else InMemoryBroker()
    yield one
    one.close()


@pytest.fixture
def topic(broker: Broker) -> str:
    name = f"contract-{uuid.uuid4().hex[:12]}"
    broker.prepare([name], PARTITIONS)
    return name


def nothing_done(_: Iterable[Partition]) -> Mapping[Partition, int]:
    return {}


def message(topic: str, key: str, text: str, **headers: str) -> Message:
    return Message(topic, key.encode(), text.encode(), tuple((name, value.encode()) for name, value in headers.items()))


def poll_until(feed: Feed, enough: Callable[[list[Event]], bool], seconds: float = 30) -> list[Event]:
    events: list[Event] = []
    until = time.monotonic() + seconds
    while not enough(events) and time.monotonic() < until:
        events += feed.poll(0.2, 500)
    return events


def settle(feeds: list[Feed], seconds: float = 60) -> None:
    """Poll every member until the partitions are dealt out, each to exactly one."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for feed in feeds:
            assert feed.poll(0.3, 500) == []
        owned = [feed.owned() for feed in feeds]
        if all(owned) and sum(map(len, owned)) == PARTITIONS:
            return
    raise AssertionError("the group did not settle")


def test_what_is_published_is_read_with_its_key_its_headers_and_its_bytes(broker: Broker, topic: str) -> None:
    broker.publish([Message(topic, b"ACC1", b"\x00\xffMSH|", (("content-type", b"application/hl7-v2"),))])

    feed = broker.join([topic], f"{topic}-reader", nothing_done)
    events = poll_until(feed, lambda got: len(got) == 1)

    assert [(event.key, event.value, event.header("content-type"), event.header("source")) for event in events] == [
        (b"ACC1", b"\x00\xffMSH|", "application/hl7-v2", None)
    ]
    assert abs(datetime.now(UTC) - events[0].timestamp) < timedelta(minutes=1)
    feed.close()


def test_messages_of_one_key_stay_in_one_partition_and_in_order(broker: Broker, topic: str) -> None:
    broker.publish([message(topic, f"K{n % 5}", str(n)) for n in range(200)])

    feed = broker.join([topic], f"{topic}-reader", nothing_done)
    events = poll_until(feed, lambda got: len(got) == 200)

    assert len(events) == 200
    for key in {event.key for event in events}:
        of_key = [event for event in events if event.key == key]
        assert len({event.partition for event in of_key}) == 1
        assert [int(event.value) for event in of_key] == sorted(int(event.value) for event in of_key)
    feed.close()


def test_a_new_group_reads_what_was_sent_before_it_came(broker: Broker, topic: str) -> None:
    broker.publish([message(topic, str(n), str(n)) for n in range(20)])

    feed = broker.join([topic], f"{topic}-latecomer", nothing_done)

    assert len(poll_until(feed, lambda got: len(got) == 20)) == 20
    feed.close()


def test_a_committed_event_is_not_read_again_and_an_uncommitted_one_is(broker: Broker, topic: str) -> None:
    broker.publish([message(topic, "A", str(n)) for n in range(10)])
    feed = broker.join([topic], f"{topic}-reader", nothing_done)
    events = poll_until(feed, lambda got: len(got) == 10)

    feed.commit({events[3].place: events[3].offset + 1})
    feed.close()

    again = broker.join([topic], f"{topic}-reader", nothing_done)
    assert [event.value for event in poll_until(again, lambda got: len(got) == 6)] == [b"4", b"5", b"6", b"7", b"8", b"9"]
    again.close()


def test_a_feed_that_is_set_back_reads_again_and_leaves_the_offset_of_the_group_where_it_was(broker: Broker, topic: str) -> None:
    broker.publish([message(topic, "A", str(n)) for n in range(10)])
    feed = broker.join([topic], f"{topic}-reader", nothing_done)
    place = poll_until(feed, lambda got: len(got) == 10)[0].place
    feed.commit({place: 10})
    feed.close()

    restored = broker.join(
        [topic], f"{topic}-reader", nothing_done, set_back=lambda done: {one: 4 for one in done if done[one] > 4}
    )
    again = poll_until(restored, lambda got: len(got) == 6)
    restored.commit({place: 7})
    broker.publish([message(topic, "A", "10")])
    new = poll_until(restored, lambda got: len(got) == 1)
    restored.close()

    assert [(event.value, event.is_again) for event in again] == [(str(n).encode(), True) for n in range(4, 10)]
    assert [(event.value, event.is_again) for event in new] == [(b"10", False)]
    next_one = broker.join([topic], f"{topic}-reader", nothing_done)
    assert [event.value for event in poll_until(next_one, lambda got: len(got) == 1)] == [b"10"]
    next_one.close()


def test_a_partition_that_is_not_ours_cannot_be_committed(broker: Broker, topic: str) -> None:
    broker.publish([message(topic, "A", "0")])
    mine = broker.join([topic], f"{topic}-reader", nothing_done)
    events = poll_until(mine, lambda got: len(got) == 1)
    mine.close()
    stranger = broker.join([f"{topic}-other"], f"{topic}-reader-2", nothing_done)

    stranger.commit({events[0].place: 1})
    stranger.close()

    again = broker.join([topic], f"{topic}-reader-2", nothing_done)
    assert len(poll_until(again, lambda got: len(got) == 1)) == 1
    again.close()


def test_while_held_nothing_comes_and_membership_stays(broker: Broker, topic: str) -> None:
    feed = broker.join([topic], f"{topic}-reader", nothing_done)
    settle([feed])
    feed.hold(True)
    broker.publish([message(topic, str(n), str(n)) for n in range(20)])

    for _ in range(10):
        assert feed.poll(0.3, 500) == []

    assert len(feed.owned()) == PARTITIONS
    feed.hold(False)
    assert len(poll_until(feed, lambda got: len(got) == 20)) == 20
    feed.close()


def test_poll_gives_no_more_than_asked_and_skips_nothing(broker: Broker, topic: str) -> None:
    broker.publish([message(topic, str(n), str(n)) for n in range(50)])
    feed = broker.join([topic], f"{topic}-reader", nothing_done)
    events: list[Event] = []

    for _ in range(200):
        batch = feed.poll(0.2, 7)
        assert len(batch) <= 7
        events += batch
        if len(events) == 50:
            break

    assert sorted(int(event.value) for event in events) == list(range(50))
    feed.close()


def test_a_partition_that_leaves_us_takes_our_last_commit_with_it(broker: Broker, topic: str) -> None:
    broker.publish([message(topic, str(n), str(n)) for n in range(40)])
    done: dict[Partition, int] = {}
    taken: list[Partition] = []

    def last_words(places: Iterable[Partition]) -> Mapping[Partition, int]:
        taken.extend(places)
        return {place: done[place] for place in taken if place in done}

    first = broker.join([topic], f"{topic}-pair", last_words)
    for event in poll_until(first, lambda got: len(got) == 40):
        done[event.place] = event.offset + 1

    second = broker.join([topic], f"{topic}-pair", nothing_done)
    settle([first, second])

    assert taken, "the newcomer was given partitions, so we were asked for our last words"
    assert second.owned() <= set(taken)
    first.close()
    second.close()


def test_when_a_member_leaves_the_other_gets_everything(broker: Broker, topic: str) -> None:
    first, second = broker.join([topic], f"{topic}-pair", nothing_done), broker.join([topic], f"{topic}-pair", nothing_done)
    settle([first, second])

    first.close()

    settle([second])
    assert len(second.owned()) == PARTITIONS
    second.close()


def test_a_held_member_holds_the_partitions_it_is_given_later_too(broker: Broker, topic: str) -> None:
    first, second = broker.join([topic], f"{topic}-pair", nothing_done), broker.join([topic], f"{topic}-pair", nothing_done)
    settle([first, second])
    second.hold(True)
    broker.publish([message(topic, str(n), str(n)) for n in range(40)])

    first.close()
    until = time.monotonic() + 30
    while len(second.owned()) < PARTITIONS and time.monotonic() < until:
        assert second.poll(0.1, 500) == []

    assert second.poll(0.5, 500) == []
    second.hold(False)
    assert len(poll_until(second, lambda got: len(got) == 40)) == 40
    second.close()


def test_the_tail_holds_what_was_published_last(broker: Broker, topic: str) -> None:
    broker.publish([message(topic, "A", str(n), ce_id=f"id-{n}") for n in range(30)])

    tail = broker.tail(topic, datetime.now(UTC) + timedelta(hours=1), 5)

    assert [event.header("ce_id") for event in tail] == [f"id-{n}" for n in range(25, 30)]
    assert len(broker.tail(topic, None, 1)) == 30
    assert len(broker.tail(topic, datetime.now(UTC) - timedelta(hours=1), 1)) == 30
    assert broker.tail("no-such-topic-yet", None, 5) == []


def test_how_many_events_wait_is_known(broker: Broker, topic: str) -> None:
    broker.publish([message(topic, "A", str(n)) for n in range(30)])
    feed = broker.join([topic], f"{topic}-reader", nothing_done)

    events = poll_until(feed, lambda got: len(got) >= 10) if isinstance(broker, KafkaBroker) else feed.poll(1, 10)

    assert feed.waiting() == 30 - len(events)
    feed.close()


def test_preparing_topics_twice_changes_nothing(broker: Broker, topic: str) -> None:
    broker.publish([message(topic, "A", "0")])

    broker.prepare([topic], PARTITIONS + 3)

    assert len(broker.tail(topic, None, 0)) == 1
    assert topic in broker.topics()


def test_a_broker_that_is_not_there_says_so_and_quotes_nothing() -> None:
    nobody = KafkaBroker("127.0.0.1:1", security={"bootstrap_timeout_ms": 500})

    with pytest.raises(BrokerAway) as refusal:
        nobody.publish([message("radiology.reports", "CANARYKEY", "CANARYTEXT")])

    assert "CANARY" not in str(refusal.value) + repr(refusal.value.__cause__)
    assert "Kafka did not publish" in str(refusal.value)


def test_offsets_that_are_gone_are_an_alarm_and_not_a_jump() -> None:
    twin = InMemoryBroker()
    twin.prepare(["cut"], 1)
    twin.publish([message("cut", "A", str(n)) for n in range(10)])
    first = twin.join(["cut"], "reader", nothing_done)
    first.commit({Partition("cut", 0): 2})
    first.close()
    twin.cut(Partition("cut", 0), 5)

    with pytest.raises(OffsetsGone, match=r"should go on at offset 2, but holds 5 to 10.*--accept-gap"):
        twin.join(["cut"], "reader", nothing_done).poll(0.1, 10)

    told_to_go_on = twin.join(["cut"], "told", nothing_done, accept_gap=True)
    assert [event.offset for event in poll_until(told_to_go_on, lambda got: len(got) == 5)] == [5, 6, 7, 8, 9]
