"""The hands: a bounded number of threads that take work from the lanes, and one that sends. The first failure is everybody's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

from connectors.lanes import Lanes
from connectors.outbox import Relay

Work = TypeVar("Work")


class Crew(Generic[Work]):
    """Threads for as long as the `with` lasts. They stop at the first exception; `raise_if_failed` raises it again."""

    def __init__(self, lanes: Lanes[Work], handle: Callable[[Work], None], relay: Relay, *, hands: int) -> None:
        self._lanes = lanes
        self._handle = handle
        self._relay = relay
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._workers = [self._thread(f"hand-{number}", self._work) for number in range(hands)]
        self._sender = self._thread("relay", lambda: relay.run(self._stop))
        self._keeper = self._thread("claims", lambda: relay.keep_claims(self._stop))

    def __enter__(self) -> Crew[Work]:
        for thread in (*self._workers, self._sender, self._keeper):
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None) -> None:
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

    def _work(self) -> None:
        while not self._lanes.closed:
            work = self._lanes.take(0.5)
            if work is not None:
                self._handle(work)
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
