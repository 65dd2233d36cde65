"""However a model server lets its callers wait, a request ends with its deadline, and a report is answered by its own."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from engine.impression import Kind
from engine.vllm import VllmModel
from engine.write import Completion, ModelUnavailable, rehearse, write_impression
from tests.fakes.model import ScriptedModel, away
from tests.unit.test_engine_write import ADAPTER, DRAFT, report

#: What a request is given, and what a busy machine may take to see that it is over.
#: A machine that is busy with other things wakes nobody in time; who does not keep a deadline at all waits for minutes here.
SECONDS, SLACK = 1.0, 5.0


@pytest.fixture(scope="module", autouse=True)
def _everything_is_loaded() -> None:
    rehearse(ScriptedModel(away))


@pytest.fixture
def listening() -> Iterator[Callable[[Callable[[socket.socket, threading.Event], None]], str]]:
    """Serves each connection with a function of the test's; gives the URL."""
    over, door = threading.Event(), socket.create_server(("127.0.0.1", 0))

    def serve(answer: Callable[[socket.socket, threading.Event], None]) -> None:
        with contextlib.suppress(OSError):
            while not over.is_set():
                line, _ = door.accept()
                threading.Thread(target=answer, args=(line, over), daemon=True).start()

    def open_with(answer: Callable[[socket.socket, threading.Event], None]) -> str:
        threading.Thread(target=serve, args=(answer,), daemon=True).start()
        return f"http://127.0.0.1:{door.getsockname()[1]}"

    yield open_with
    over.set()
    door.close()


def drips_its_headers(line: socket.socket, over: threading.Event) -> None:
    with contextlib.suppress(OSError):
        line.sendall(b"HTTP/1.1 200 OK\r\nserver: ")
        while not over.wait(0.2):
            line.sendall(b"x")


def drips_its_answer(line: socket.socket, over: threading.Event) -> None:
    with contextlib.suppress(OSError):
        line.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while not over.wait(0.2):
            line.sendall(b"x")


def says_nothing(line: socket.socket, over: threading.Event) -> None:
    over.wait()


def answers(line: socket.socket, over: threading.Event) -> None:
    """As vLLM does: what it serves, and a completion of nothing."""
    with contextlib.suppress(OSError), line, line.makefile("rb") as heard:
        asked, length = heard.readline(), 0
        while header := heard.readline().strip():
            length = int(header.split(b":")[1]) if header.lower().startswith(b"content-length") else length
        heard.read(length)
        said = {"data": [{"id": "base"}]} if b"/v1/models" in asked else {"model": "base", "choices": [{"text": ""}]}
        body = json.dumps(said).encode()
        line.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))


def seconds_until_refused(url: str) -> float:
    model, began = VllmModel(url, "base"), time.monotonic()
    with pytest.raises(ModelUnavailable):
        model.complete("", adapter=None, n=1, temperature=0.0, seed=7, max_tokens=8, priority=0, timeout=SECONDS)
    model.close()
    return time.monotonic() - began


@pytest.mark.parametrize("answer", [drips_its_headers, drips_its_answer, says_nothing])
def test_a_server_that_keeps_a_caller_waiting_is_left_at_the_deadline(
    answer: Callable[[socket.socket, threading.Event], None],
    listening: Callable[[Callable[[socket.socket, threading.Event], None]], str],
) -> None:
    assert SECONDS * 0.9 < seconds_until_refused(listening(answer)) < SECONDS + SLACK


def test_a_server_that_takes_no_more_callers_is_left_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as door, contextlib.ExitStack() as waiting:
        for _ in range(3):  # more than the kernel lets wait
            caller = waiting.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(door.getsockname())

        assert seconds_until_refused(f"http://127.0.0.1:{door.getsockname()[1]}") < SECONDS + SLACK


def test_no_prompt_goes_through_the_proxy_of_the_house(
    listening: Callable[[Callable[[socket.socket, threading.Event], None]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = threading.Event()
    proxy = listening(lambda line, over: heard.set())
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    seconds_until_refused("http://127.0.0.2:9")

    assert not heard.is_set()


def test_a_frozen_replica_leaves_the_other_its_time_to_get_warm(
    listening: Callable[[Callable[[socket.socket, threading.Event], None]], str],
) -> None:
    completed: list[bytes] = []

    def one_of_two(line: socket.socket, over: threading.Event) -> None:
        answers(line, over)
        completed.append(b"")

    with socket.create_server(("127.0.0.1", 0)) as frozen:
        model = VllmModel(f"http://127.0.0.1:{frozen.getsockname()[1]},{listening(one_of_two)}", "base")
        with pytest.raises(ModelUnavailable):
            model.warm_up(timeout=SECONDS)
        model.close()

    assert len(completed) == 3  # what it serves, a plain request, one with log-probabilities


class Tardy:
    """Takes all the time it is given and then some, and says what it is told."""

    base_model = "tardy"

    def __init__(self, says: Callable[[int], list[str]], takes: float) -> None:
        self.says, self.takes = says, takes
        self.asked = 0

    def complete(self, prompt: str, *, n: int, timeout: float, **_: object) -> list[Completion]:
        self.asked += 1
        time.sleep(min(self.takes, timeout))
        if self.takes > timeout:
            raise ModelUnavailable("the model server did not answer in time")
        return [Completion(text, 0.0) for text in self.says(n)]


def test_a_model_that_uses_all_its_time_leaves_enough_to_show_the_findings() -> None:
    began = time.monotonic()

    impression = write_impression(report(), model=Tardy(lambda n: [DRAFT] * n, takes=60), adapter=None, deadline=4.0)

    assert 3.0 < time.monotonic() - began < 4.0 + SLACK
    assert impression is not None and impression.kind is Kind.EXTRACTIVE


def test_candidates_that_come_at_the_last_moment_are_looked_at_only_as_long_as_there_is_time() -> None:
    long = report(" ".join(f"There is a {size} mm nodule in segment {size % 8 + 1} of the liver." for size in range(5, 155)))
    refused = "There is a large pneumothorax on the left."
    model = Tardy(lambda n: [f"{refused} {number}." for number in range(n)], takes=0.1)
    began = time.monotonic()

    impression = write_impression(long, model=model, adapter=ADAPTER, deadline=2.0, candidates=256)

    assert time.monotonic() - began < 2.0 + SLACK  # all of them would take more than ten
    assert impression is not None and impression.kind is not Kind.OWN_WORDS
