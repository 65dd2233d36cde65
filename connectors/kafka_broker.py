"""Apache Kafka behind the port of connectors/broker.py. The only file that imports kafka.

kafka-python has traps, and each is closed where it lies: blocking commits, offsets out of range, texts that quote a message.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import crc32c  # noqa: F401  without it kafka-python checks sums in pure Python, 7 to 18 times slower: fail here, loudly
import kafka  # type: ignore[import-untyped, unused-ignore]
from kafka import errors as refusals
from kafka.coordinator.assignors.cooperative_sticky import (  # type: ignore[import-untyped, unused-ignore]
    CooperativeStickyAssignor,
)
from kafka.net.sasl.oauth import AbstractTokenProvider  # type: ignore[import-untyped, unused-ignore]

from connectors.broker import AFTER_A_GAP, BrokerAway, Event, LastWords, Message, MessageRefused, OffsetsGone, Partition, SetBack
from connectors.restored import Again

log = logging.getLogger(__name__)

# At DEBUG kafka-python writes keys, values and headers into the log: a report must never get there.
logging.getLogger("kafka").setLevel(logging.CRITICAL)

LARGEST_MESSAGE = 80 * 1024 * 1024
#: Seconds a poll may take while no partition is ours: joining a group in shorter steps begins anew at each of them.
JOINING = 2.0
#: While we live the producer repeats an unacknowledged message itself, and the broker drops the repetition.
PATIENCE = 24 * 3600
#: What is published together goes in one request: the producer waits for so many bytes or milliseconds, and for no more than our flush.
AT_ONCE, LINGER = 256 * 1024, 50
#: The client's own, which nobody reads (ours are in connectors/health.py) and which cost a tenth of what it takes.
METRICS = False
#: Refusals of a commit that only say "this partition is no longer yours": its new owner does the work again and finds it done.
NOT_OURS = (
    refusals.CommitFailedError,
    refusals.IllegalGenerationError,
    refusals.UnknownMemberIdError,
    refusals.RebalanceInProgressError,
    refusals.FencedInstanceIdError,
)


class KafkaBroker:
    """Apache Kafka. `security` holds further kafka-python settings (SASL, TLS); `why_not_in` looks why it does not let us in.

    A member with an `instance` name that comes back within the session gets its partitions back at once; without a name the group
    waits for the session of a killed member to run out. No two living members share a name.
    """

    def __init__(
        self,
        servers: str,
        *,
        security: Mapping[str, Any] | None = None,
        why_not_in: Callable[[], str | None] = lambda: None,
        instance: str | None = None,
        session_seconds: float = 10.0,
    ) -> None:
        security = dict(security or {})
        if token := security.get("sasl_oauth_token_provider"):
            security["sasl_oauth_token_provider"] = _Tokens(token)
        self._why = why_not_in
        self._common: dict[str, Any] = {
            "bootstrap_servers": servers.split(","),
            "client_id": "impresario",
            "bootstrap_timeout_ms": 5_000,
            "reconnect_backoff_max_ms": 2_000,
            **security,
        }
        self._session_ms = int(session_seconds * 1000)
        self._instance = instance
        self._producer: Any = None
        self._lock = threading.Lock()

    def prepare(self, topics: Iterable[str], partitions: int) -> None:
        with _answering("create topics", self._why):
            admin = kafka.KafkaAdminClient(**self._common)
            try:
                missing = sorted(set(topics) - set(admin.list_topics()))
                for topic in missing:
                    with contextlib.suppress(refusals.TopicAlreadyExistsError):  # another agent was quicker
                        admin.create_topics({topic: {"num_partitions": partitions}}, wait_for_metadata=True)
            finally:
                admin.close()

    def topics(self) -> frozenset[str]:
        with _answering("list its topics", self._why):
            admin = kafka.KafkaAdminClient(**self._common)
            try:
                return frozenset(admin.list_topics())
            finally:
                admin.close()

    def join(
        self,
        topics: Sequence[str],
        group: str,
        last_words: LastWords,
        *,
        accept_gap: bool = False,
        set_back: SetBack = lambda _: {},
    ) -> KafkaFeed:
        with _answering("join the group", self._why):
            consumer = kafka.KafkaConsumer(
                **self._common,
                metrics_enabled=METRICS,
                group_id=group,
                group_instance_id=self._instance,
                enable_auto_commit=False,
                auto_offset_reset="none",
                isolation_level="read_committed",
                partition_assignment_strategy=[CooperativeStickyAssignor()],
                session_timeout_ms=self._session_ms,
                heartbeat_interval_ms=min(1000, self._session_ms // 3),  # whose answer tells that partitions are to move
                max_partition_fetch_bytes=4 * 1024 * 1024,
                fetch_max_wait_ms=100,
                metadata_max_age_ms=30_000,
            )
        return KafkaFeed(consumer, topics, last_words, accept_gap, set_back)

    def publish(self, messages: Sequence[Message]) -> list[tuple[int, int]]:
        with self._lock, _answering("publish"):
            if self._producer is None:
                self._producer = kafka.KafkaProducer(
                    **self._common,
                    metrics_enabled=METRICS,
                    acks="all",
                    enable_idempotence=True,
                    max_request_size=LARGEST_MESSAGE,
                    delivery_timeout_ms=PATIENCE * 1000,
                    max_block_ms=60_000,
                    linger_ms=LINGER,
                    batch_size=AT_ONCE,
                )
            try:
                sent = [
                    self._producer.send(one.topic, key=one.key, value=one.value, headers=list(one.headers)) for one in messages
                ]
                self._producer.flush(timeout=PATIENCE)
                receipts = [future.get(timeout=PATIENCE) for future in sent]
            except BaseException:
                # What this producer still holds must not arrive behind the back of whoever looks and sends again.
                self._producer.close(timeout=0)
                self._producer = None
                raise
            return [(receipt.partition, receipt.offset) for receipt in receipts]

    def tail(self, topic: str, since: datetime | None, at_least: int) -> list[Event]:
        with _answering("read back"):
            reader = kafka.KafkaConsumer(
                **self._common, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=50
            )
            try:
                return _read_to_the_end(reader, topic, since, at_least)
            finally:
                reader.close()

    def close(self) -> None:
        with self._lock:
            if self._producer is not None:
                self._producer.close(timeout=5)
                self._producer = None


class KafkaFeed:
    """A consumer of kafka-python, with its traps closed."""

    def __init__(self, consumer: Any, topics: Sequence[str], last_words: LastWords, accept_gap: bool, set_back: SetBack) -> None:
        self._consumer = consumer
        self._accept_gap = accept_gap
        self._again = Again(set_back)
        self._looked_at: frozenset[Partition] = frozenset()
        self._held = False
        consumer.subscribe(list(topics), listener=_Handover(consumer, lambda places: self._again.forward(last_words(places))))

    def poll(self, seconds: float, most: int) -> list[Event]:
        with _answering("poll"):
            self._keep_held()
            if not self._consumer.assignment():
                seconds = max(seconds, JOINING)
            try:
                batches = self._consumer.poll(timeout_ms=int(seconds * 1000), max_records=most)
            except refusals.NoOffsetForPartitionError as refusal:
                # Nobody of the group has committed these yet: read them from their beginning, skip nothing sent before us.
                self._consumer.seek_to_beginning(*(refusal.args[0] & self._consumer.assignment()))
                return []
            except refusals.OffsetOutOfRangeError as refusal:
                gone = _what_is_gone(self._consumer, refusal)
                if not self._accept_gap or not refusal.args:
                    raise OffsetsGone(gone) from None
                log.warning("Going on behind a gap: %s", gone)
                self._consumer.seek_to_beginning(*refusal.args[0])
                return []
            went_back = self._go_back()
        kept = (_event(record) for place, records in batches.items() if Partition(*place) not in went_back for record in records)
        return self._again.marked(kept)

    def hold(self, held: bool) -> None:
        self._held = held
        if not held:
            self._consumer.resume(*self._consumer.paused())

    def owned(self) -> frozenset[Partition]:
        return frozenset(Partition(*place) for place in self._consumer.assignment())

    def commit(self, offsets: Mapping[Partition, int]) -> bool:
        ours = self.owned()
        kept = {place: offset for place, offset in self._again.forward(offsets).items() if place in ours}
        if not kept:
            return True
        with _answering("commit"):
            try:
                self._consumer.commit(_as_kafka(kept))
            except NOT_OURS:
                log.warning("The group is moving partitions; %d offsets are left to their new owner.", len(kept))
                return False
        return True

    def waiting(self) -> int:
        behind = 0
        for place in self._consumer.assignment():
            state = self._consumer._subscription.assignment.get(place)
            end = self._consumer.highwater(place)
            if end is not None and state is not None and state.position is not None:
                behind += max(0, end - state.position.offset)
        return behind

    def close(self) -> None:
        try:
            self._consumer.close(autocommit=False, timeout_ms=5000)
        except refusals.KafkaError:
            log.warning("Kafka did not hear us leave; the group notices by time-out.")

    def _go_back(self) -> frozenset[Partition]:
        """Asks once about each partition that came to us, and goes back where that is said."""
        ours = self.owned()
        come, self._looked_at = ours - self._looked_at, ours
        committed = {place: self._consumer.committed(kafka.TopicPartition(*place)) for place in come}
        back = self._again.asks({place: offset for place, offset in committed.items() if offset is not None})
        for place, offset in back.items():
            if offset:
                self._consumer.seek(kafka.TopicPartition(*place), offset)
            else:
                self._consumer.seek_to_beginning(kafka.TopicPartition(*place))
        return frozenset(back)

    def _keep_held(self) -> None:
        # Partitions that came with a rebalance start unpaused, so this is asked anew at every poll.
        if self._held:
            self._consumer.pause(*(self._consumer.assignment() - self._consumer.paused()))


class _Handover(kafka.AsyncConsumerRebalanceListener):  # type: ignore[misc, unused-ignore]
    """Commits what is done of a partition before it goes; asynchronous, because a blocking commit here would dead-lock."""

    def __init__(self, consumer: Any, last_words: LastWords) -> None:
        self._consumer = consumer
        self._last_words = last_words

    async def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        offsets = self._last_words([Partition(*place) for place in revoked])
        if not offsets:
            return
        try:
            await self._consumer.commit_async(_as_kafka(offsets))
        except refusals.KafkaError:
            log.warning("%d last commits did not reach Kafka; the new owner finds the work done.", len(offsets))

    async def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        log.info("Partitions given to us: %s.", ", ".join(f"{place.topic}[{place.partition}]" for place in assigned) or "none")

    async def on_partitions_lost(self, lost: Iterable[Any]) -> None:
        places = [Partition(*place) for place in lost]
        self._last_words(places)
        log.warning("The group took %d partitions from us; what is in work is written once, by whoever is first.", len(places))


class _Tokens(AbstractTokenProvider):  # type: ignore[misc, unused-ignore]
    """Our tokens in the shape kafka-python asks for."""

    def __init__(self, token: Callable[[bool], str]) -> None:
        self._token = token

    def token(self) -> str:
        return self._token(False)


class _answering:
    """Turns kafka-python's refusals into ours; none of theirs leaves this file, for their texts may quote a message."""

    def __init__(self, doing: str, why: Callable[[], str | None] = lambda: None) -> None:
        self._doing = doing
        self._why = why

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, refusal: BaseException | None, _: object) -> None:
        if refusal is None or not isinstance(refusal, (refusals.KafkaError, OSError, ValueError, RuntimeError)):
            return
        if isinstance(refusal, (refusals.MessageSizeTooLargeError, refusals.RecordListTooLargeError, refusals.InvalidTopicError)):
            raise MessageRefused(f"Kafka refused to {self._doing}: {type(refusal).__name__}.") from None
        if why := self._why():
            raise BrokerAway(f"Kafka did not {self._doing}: {why}.") from None
        raise BrokerAway(
            f"Kafka did not {self._doing}: {type(refusal).__name__}. Look whether it runs and whether IMPRESARIO_KAFKA names it."
        ) from None


def _as_kafka(offsets: Mapping[Partition, int]) -> dict[Any, Any]:
    return {kafka.TopicPartition(*place): kafka.OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()}


def _event(record: Any) -> Event:
    return Event(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value or b"",
        headers=tuple((name, value or b"") for name, value in record.headers),
        timestamp=datetime.fromtimestamp(max(record.timestamp, 0) / 1000, UTC),
    )


def _read_to_the_end(reader: Any, topic: str, since: datetime | None, at_least: int) -> list[Event]:
    places = [kafka.TopicPartition(topic, number) for number in sorted(reader.partitions_for_topic(topic) or ())]
    if not places:
        return []
    first, end = reader.beginning_offsets(places), reader.end_offsets(places)
    found = {} if since is None else reader.offsets_for_times({place: int(since.timestamp() * 1000) for place in places})
    reader.assign(places)
    for place in places:
        moment = first[place] if since is None else found[place].offset if found.get(place) else end[place]
        reader.seek(place, max(first[place], min(moment, end[place] - at_least)))
    events: list[Event] = []
    while any(reader.position(place) < end[place] for place in places):
        for records in reader.poll(timeout_ms=1000).values():
            events += [_event(record) for record in records]
    return events


def _what_is_gone(consumer: Any, refusal: BaseException) -> str:
    wanted = refusal.args[0] if refusal.args and isinstance(refusal.args[0], dict) else {}
    lines = []
    for place, offset in wanted.items():
        first, end = consumer.beginning_offsets([place])[place], consumer.end_offsets([place])[place]
        lines.append(f"{place.topic}[{place.partition}] should go on at offset {offset}, but holds {first} to {end}")
    return f"{'; '.join(lines) or 'A topic was cut'}. {AFTER_A_GAP}"
