"""The real `LanguageModel`: an OpenAI-compatible vLLM, and the only file that knows it.

Goes in: a prompt and, perhaps, one radiologist's adapter. Comes out: completions, or `ModelUnavailable`. An adapter is loaded under a
name that holds its content hash and is never loaded in place: vLLM's prefix cache is keyed by that name, and requests in flight
would otherwise mix old keys with new weights. Callers hand in an `Adapter`, never a model name, so nobody can ask for a colleague's.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import logging
import math
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from engine.adapters import Adapter, verify
from engine.base import name_of_base
from engine.line import Heard, Line
from engine.prompts import STOPS
from engine.write import Completion, ModelUnavailable, PromptTooLong

log = logging.getLogger(__name__)

#: Failures in a row after which the server is left alone for `REST_SECONDS`: callers fall back at once instead of each waiting.
FAILURES_BEFORE_REST = 3
REST_SECONDS = 2.0
#: Each further failure doubles the rest, up to this.
LONGEST_REST = 30.0
#: How much of the time that is left one replica gets, while there is another to ask.
SHARE_OF_ONE = 0.5
#: A completion is a few hundred tokens; whoever sends more than this sends something else.
LARGEST_ANSWER = 8 * 1024 * 1024
WARMING = {"prompt": "FINDINGS: Lungs are clear.\nDRAFT:", "temperature": 0.7, "seed": 1, "max_tokens": 2}
#: A LoRA load takes 10–90 ms; a server that needs longer is not healthy.
LOAD_TIMEOUT = 30.0
#: Requests by which the replica with the warm prefix may be busier than the idlest one before the prefix is given up.
CROWDED = 8


class TooSlow(ModelUnavailable):
    """The server took the request and did not answer in time: busy, or frozen."""


class VllmModel:
    """One or several vLLM replicas behind one port; safe to call from many threads.

    `urls` are separated by commas. A report's two passes go to the same replica, whose prefix cache still holds the dictation, unless
    it is much busier than another; a replica that fails is left alone for a while and its requests go to the next.
    """

    def __init__(self, urls: str, base_model: str, *, key: str | None = None) -> None:
        self._replicas = [_Replica(url.strip(), key) for url in urls.split(",") if url.strip()]
        self._base_model = name_of_base(base_model)

    @property
    def base_model(self) -> str:
        return self._base_model

    def complete(
        self,
        prompt: str,
        *,
        adapter: Adapter | None,
        n: int,
        temperature: float,
        seed: int,
        max_tokens: int,
        priority: int,
        timeout: float,
    ) -> list[Completion]:
        """`n` continuations, see `LanguageModel.complete`; log-probabilities are asked for only when there is a choice to make."""
        deadline = time.monotonic() + timeout
        body: dict[str, Any] = {
            "prompt": prompt,
            "n": n,
            "temperature": temperature,
            "seed": seed,
            "max_tokens": max_tokens,
            "stop": list(STOPS),
        }
        if n > 1:
            body["logprobs"] = 0
        if priority:
            body["priority"] = priority
        answer = self._ask(body, adapter, deadline)
        return [_completion(choice) for choice in answer["choices"]]

    def choose(self, prompt: str, among: Sequence[str], *, timeout: float) -> str:
        """The one of `among` that the base model goes on with; structured output leaves it no other way. Raises `ModelUnavailable`."""
        body = {"prompt": prompt, "temperature": 0.0, "max_tokens": 16, "structured_outputs": {"choice": list(among)}}
        answer = _completion(self._ask(body, None, time.monotonic() + timeout)["choices"][0]).text
        chosen = next((one for one in among if one.strip() == answer), None)
        if chosen is None:
            raise ModelUnavailable("the model server did not choose")
        return chosen

    def is_ready(self, timeout: float = 2.0) -> bool:
        """Whether any replica answers and serves a base model."""
        return any(replica.is_ready(timeout) for replica in self._replicas)

    def warm_up(self, adapter: Adapter | None = None, timeout: float = 180.0) -> None:
        """One plain, one log-probability and one adapter request per replica, so that no radiologist waits for compilation.

        All that answer within `timeout` seconds together are warm afterwards; raises `ModelUnavailable` when one did not.
        """
        until = time.monotonic() + timeout

        def refusal_of(replica: _Replica) -> ModelUnavailable | None:
            try:
                for n, whose in ((1, None), (2, None), *([(1, adapter)] if adapter else [])):
                    replica.ask(WARMING | {"n": n} | ({"logprobs": 0} if n > 1 else {}), whose, until)
            except ModelUnavailable as reason:
                return reason
            return None

        with ThreadPoolExecutor(len(self._replicas)) as pool:  # a frozen one leaves the others their time
            refusals = list(pool.map(refusal_of, self._replicas))
        if refusal := next(filter(None, refusals), None):
            raise refusal

    def unload(self, adapter: Adapter) -> None:
        """Forget a name nobody routes to any more, on every replica."""
        for replica in self._replicas:
            replica.unload(adapter)

    def close(self) -> None:
        for replica in self._replicas:
            replica.close()

    def _ask(self, body: dict[str, Any], adapter: Adapter | None, deadline: float) -> dict[str, Any]:
        """The first answer of the replicas in the order they are asked; the last refusal when none answers."""
        refusal = ModelUnavailable("the model server is not answering; it is tried again in a moment")
        order = self._in_order(body["prompt"])
        for others_left, replica in zip(reversed(range(len(order))), order, strict=True):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            try:
                return replica.ask(body, adapter, deadline - (left * (1 - SHARE_OF_ONE) if others_left else 0))
            except PromptTooLong:
                raise
            except TooSlow as reason:
                refusal = reason
                if others_left:  # alone, a slow server is better than none
                    replica.count_failure()
            except ModelUnavailable as reason:
                refusal = reason
        raise refusal

    def _in_order(self, prompt: str) -> list[_Replica]:
        """The replica with the warm prefix first (rendezvous hashing over the dictation), but the idle before the crowded."""
        dictation = prompt.partition("\nDRAFT:")[0].encode()
        awake = [replica for replica in self._replicas if not replica.is_resting]
        least = min((replica.in_flight for replica in awake), default=0)

        def rank(replica: _Replica) -> tuple[bool, bytes]:
            return replica.in_flight > least + CROWDED, hashlib.sha256(replica.url.encode() + dictation).digest()

        return sorted(awake, key=rank) if len(awake) > 1 else awake


class _Replica:
    """One vLLM server: which adapters it holds, how it is doing, and how to ask it."""

    def __init__(self, url: str, key: str | None) -> None:
        self.url = url.rstrip("/")
        self.in_flight = 0
        self._line = Line(self.url, {"Authorization": f"Bearer {key}"} if key else {})
        self._served_base: str | None = None
        self._takes_priority = True
        self._loaded: set[str] = set()
        self._loading = threading.Lock()
        self._counting = threading.Lock()
        self._failures = 0
        self._resting_until = 0.0

    @property
    def is_resting(self) -> bool:
        return time.monotonic() < self._resting_until

    def is_ready(self, timeout: float) -> bool:
        with contextlib.suppress(ModelUnavailable):
            self._served_base = self._find_base(time.monotonic() + timeout)
            self._rested()
            return True
        return False

    def ask(self, body: dict[str, Any], adapter: Adapter | None, deadline: float) -> dict[str, Any]:
        """One completion request; a server that has restarted without its adapters gets them back once."""
        with self._counting:
            self.in_flight += 1
        try:
            return self._answer_of(body, adapter, deadline)
        finally:
            with self._counting:
                self.in_flight -= 1

    def unload(self, adapter: Adapter) -> None:
        """A server that is away has forgotten it already."""
        with contextlib.suppress(ModelUnavailable):
            self._talk("POST", "/v1/unload_lora_adapter", time.monotonic() + LOAD_TIMEOUT, {"lora_name": served_name(adapter)})
        self._loaded.discard(served_name(adapter))

    def close(self) -> None:
        self._line.close()

    def _answer_of(self, body: dict[str, Any], adapter: Adapter | None, deadline: float) -> dict[str, Any]:
        if not self._takes_priority:
            body = {name: value for name, value in body.items() if name != "priority"}
        model = self._model_name(adapter, deadline)
        heard = self._talk("POST", "/v1/completions", deadline, body | {"model": model})
        if heard.status == 404:  # restarted: it knows neither the adapter nor, perhaps, the base by that name
            self._forget(adapter)
            model = self._model_name(adapter, deadline)
            heard = self._talk("POST", "/v1/completions", deadline, body | {"model": model})
        if heard.status == 400 and "priority" in body and b"riority" in heard.body:
            self._takes_priority = False
            return self._answer_of(body, adapter, deadline)
        if heard.status == 400 and b"context length" in heard.body:
            raise PromptTooLong("the findings are longer than the model's context")
        if heard.status != 200:
            if heard.status >= 500:
                self.count_failure()
            raise ModelUnavailable(f"the model server answered {heard.status}")
        answer = _json(heard)
        if not isinstance(answer.get("choices"), list) or not answer["choices"]:
            raise ModelUnavailable("the model server answered without a completion")
        if answer.get("model") != model:  # nobody is answered with a colleague's adapter, whatever stands in between
            raise ModelUnavailable("the model server answered as another model than was asked")
        self._rested()
        return answer

    def _talk(self, method: str, path: str, deadline: float, said: dict[str, Any] | None = None) -> Heard:
        """One request. The deadline holds for all of it, however slowly the answer trickles in."""
        body = json.dumps(said).encode() if said else None
        try:
            return self._line.ask(method, path, body, deadline=deadline, largest=LARGEST_ANSWER)
        except TimeoutError:
            # Under a short deadline this says nothing about the server's health; a refused connection does.
            raise TooSlow("the model server did not answer in time") from None
        except (OSError, http.client.HTTPException) as reason:
            self.count_failure()
            raise ModelUnavailable(f"the model server did not answer ({type(reason).__name__})") from None

    def _rested(self) -> None:
        self._failures, self._resting_until = 0, 0.0

    def count_failure(self) -> None:
        """After a few in a row the server is left alone for a while, longer each time."""
        self._failures += 1
        self._served_base = None
        if self._failures >= FAILURES_BEFORE_REST:
            rest = min(REST_SECONDS * 2.0 ** min(self._failures - FAILURES_BEFORE_REST, 10), LONGEST_REST)
            self._resting_until = time.monotonic() + rest

    def _forget(self, adapter: Adapter | None) -> None:
        self._served_base = None
        if adapter:
            self._loaded.discard(served_name(adapter))

    def _model_name(self, adapter: Adapter | None, deadline: float) -> str:
        if adapter is None:
            if self._served_base is None:
                self._served_base = self._find_base(deadline)
            return self._served_base
        name = served_name(adapter)
        if name in self._loaded:
            return name
        if not self._loading.acquire(timeout=_until(deadline)):
            raise TooSlow("another adapter was still being loaded when the time was over")
        try:
            if name not in self._loaded:
                self._load(adapter, name, min(deadline, time.monotonic() + LOAD_TIMEOUT))
                self._loaded.add(name)
        finally:
            self._loading.release()
        return name

    def _load(self, adapter: Adapter, name: str, deadline: float) -> None:
        """Verify the files against their hash, then load them under their own name; already loaded is as good."""
        verify(adapter)
        wanted = {"lora_name": name, "lora_path": str(adapter.folder.resolve())}
        heard = self._talk("POST", "/v1/load_lora_adapter", deadline, wanted)
        if name not in {str(card["id"]) for card in self._cards(deadline)}:
            raise ModelUnavailable(f"the model server refused adapter {adapter.version} with {heard.status}")
        log.info("Loaded adapter %s of radiologist %s.", adapter.version, adapter.radiologist)

    def _find_base(self, deadline: float) -> str:
        for card in self._cards(deadline):
            if not card.get("parent"):
                return str(card["id"])
        raise ModelUnavailable("the model server serves no base model")

    def _cards(self, deadline: float) -> list[dict[str, Any]]:
        heard = self._talk("GET", "/v1/models", deadline)
        if heard.status != 200:
            if heard.status >= 500:
                self.count_failure()
            raise ModelUnavailable(f"the model server answered {heard.status}")
        cards = _json(heard).get("data")
        return [card for card in cards if isinstance(card, dict) and "id" in card] if isinstance(cards, list) else []


def _until(deadline: float) -> float:
    return max(0.05, deadline - time.monotonic())


def served_name(adapter: Adapter) -> str:
    """The name vLLM knows an adapter by: whose it is and what it holds, so that new weights are always a new name."""
    return f"{adapter.folder.parent.name}@{adapter.version}"


def _json(heard: Heard) -> dict[str, Any]:
    try:
        answer = json.loads(heard.body)
    except (ValueError, RecursionError):
        raise ModelUnavailable("the model server answered with something that is not JSON") from None
    if not isinstance(answer, dict):
        raise ModelUnavailable("the model server answered with an unknown shape")
    return answer


def _completion(choice: object) -> Completion:
    if not isinstance(choice, dict) or not isinstance(choice.get("text"), str):
        raise ModelUnavailable("the model server answered with an unknown shape")
    said = choice.get("logprobs")
    told = said.get("token_logprobs") if isinstance(said, dict) else None
    scores = [score for score in told or [] if isinstance(score, (int, float)) and math.isfinite(score)]
    return Completion(choice["text"].strip(), sum(scores) / len(scores) if scores else 0.0)
