"""The hands: a bounded number of threads that think and write down what was thought, and one that sends.

There is one pen. A hand that has thought and finds it free writes down all that is ready: its own at quiet times, without waking
anybody, up to a hundred in one transaction when much comes. The first failure is everybody's.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Generic, TypeVar

from connectors.lanes import Lanes
from connectors.outbox import Relay

Work = TypeVar("Work")
Thought = TypeVar("Thought")
#: So much is written in one transaction, and a STAT waits for no more.
AT_ONCE = 100
#: Seconds a busy thread keeps the interpreter from one that comes back from the disk or the network; Python's own 5 ms, waited at
#: every row that is written, were most of the time a message took.
GIVE_WAY = 0.0005


class Crew(Generic[Work, Thought]):
    """Threads for as long as the `with` lasts. They stop at the first exception; `raise_if_failed` raises it again."""

    def __init__(
        self,
        lanes: Lanes[Work],
        think: Callable[[Work], Thought],
        settle: Callable[[Sequence[Thought]], None],
        relay: Relay,
        *,
        hands: int,
    ) -> None:
        self._lanes = lanes
        self._think = think
        self._settle = settle
        self._relay = relay
        self._ready: deque[tuple[Work, Thought]] = deque()
        self._pen = threading.Lock()
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._workers = [self._thread(f"hand-{number}", self._work) for number in range(hands)]
        self._sender = self._thread("relay", lambda: relay.run(self._stop))
        self._keeper = self._thread("claims", lambda: relay.keep_claims(self._stop))

    def __enter__(self) -> Crew[Work, Thought]:
        self._before = sys.getswitchinterval()
        sys.setswitchinterval(GIVE_WAY)
        for thread in (*self._workers, self._sender, self._keeper):
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None) -> None:
        sys.setswitchinterval(self._before)
        self._lanes.close()
        self._stop.set()
        self._relay.wake()

    def raise_if_failed(self) -> None:
        if self._failure is not None:
            raise self._failure

    def finish(self, seconds: float = 30.0) -> None:
        """Let everybody finish what is in hand, send what is stored, and give back the rest."""
        self._lanes.close()
        for thread in self._workers:
            thread.join(seconds)
        self.raise_if_failed()
        self._stop.set()
        self._relay.wake()
        self._sender.join(seconds)
        if not self._sender.is_alive():
            self._relay.release()
        self.raise_if_failed()

    def _work(self) -> None:
        while not self._lanes.closed:
            work = self._lanes.take(0.5)
            if work is not None:
                self._ready.append((work, self._think(work)))
                self._write()

    def _write(self) -> None:
        """Until nothing is ready, or somebody else has the pen: who has it looks once more when it is laid down."""
        while self._ready and self._failure is None and self._pen.acquire(blocking=False):
            try:
                batch = [self._ready.popleft() for _ in range(min(len(self._ready), AT_ONCE))]
                if batch and self._failure is None:  # both may have changed while another hand had the pen
                    self._settle([thought for _, thought in batch])
            except BaseException as failure:
                self._failure = self._failure or failure  # before the pen is free: nobody writes after a failure
                raise
            finally:
                self._pen.release()
            for work, _ in batch:
                self._lanes.done(work)

    def _thread(self, name: str, duty: Callable[[], None]) -> threading.Thread:
        return threading.Thread(target=self._guard, args=(duty,), name=name, daemon=True)

    def _guard(self, duty: Callable[[], None]) -> None:
        try:
            duty()
        except BaseException as failure:  # noqa: BLE001  handed to the main thread, which says it
            self._failure = self._failure or failure
            self._lanes.close()
            self._stop.set()
