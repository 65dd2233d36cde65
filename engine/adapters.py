"""The shelf: one folder per adapter version, never changed in place, and a pointer per radiologist to the promoted one.

An adapter comes in from the night as two files; it goes out as an `Adapter` known by the hash of its bytes. Everything here
is files and renames: no database, no torch. Whoever can read the folder can check it by hand.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import safetensors
from safetensors import SafetensorError

from engine.base import name_of_base

log = logging.getLogger(__name__)

WEIGHTS, CONFIG, CARD, POINTERS = "adapter_model.safetensors", "adapter_config.json", "card.json", "pointers.json"

#: Who writes for a radiologist now, who did before, who waits, whom a person has fixed in place, and whose weights are gone.
State = Literal["promoted", "kept", "previous", "frozen", "deleted"]

#: The ranks vLLM has kernels for.
RANKS = frozenset({1, 8, 16, 32, 64, 128, 256, 320, 512})
#: What PEFT can train and vLLM cannot serve: configuration key -> the value it must have when it is there.
UNSERVABLE: Mapping[str, tuple[Any, ...]] = {
    "use_dora": (None, False),
    "modules_to_save": (None, []),
    "lora_bias": (None, False),
    "bias": (None, "none"),
    "rank_pattern": (None, {}),
    "alpha_pattern": (None, {}),
    "trainable_token_indices": (None, [], {}),
    "alora_invocation_tokens": (None, []),
    "init_lora_weights": (None, True, False, "gaussian"),
}


class BrokenAdapter(Exception):
    """The files on the shelf are not the ones that were put there, or do not fit the base model: refused before it is loaded."""


class NoSuchAdapter(Exception):
    """Nothing of that name stands on the shelf; `str()` says what to do."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """One version of one radiologist's LoRA adapter; `version` is `<night>-<first 12 of sha256>`."""

    radiologist: str
    version: str
    folder: Path
    sha256: str
    base_model: str
    night: str
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pointers:
    """What one radiologist's pointer file says. It is replaced whole, so that no reader ever sees half a switch."""

    promoted: str | None = None
    previous: str | None = None
    frozen: bool = False

    def state_of(self, version: str) -> State:
        if version == self.promoted:
            return "frozen" if self.frozen else "promoted"
        return "previous" if version == self.previous else "kept"


class Shelf:
    """Where adapters stand: `<root>/<radiologist>/<version>/`. Readers need no lock; writers take one per radiologist."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(
        self,
        folder: Path,
        *,
        radiologist: str,
        night: str,
        base_model: str,
        metrics: Mapping[str, float],
        card: Mapping[str, Any],
        base: Path | None = None,
    ) -> Adapter:
        """Copy an adapter from `folder` to its place, with its card. The same bytes of the same night are put once.

        `base_model` is the name `engine.base` gives the weights; raises `BrokenAdapter` as `verify` does.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", night):
            raise ValueError("a night is named by letters, digits and hyphens, such as 2026-11-21")
        config = portable_config(folder, base_model)
        sha256 = hash_of(folder / WEIGHTS, config)
        version = f"{night}-{sha256[:12]}"
        place = self._home(radiologist) / version
        adapter = Adapter(radiologist, version, place, sha256, base_model, night, dict(metrics))
        with self._writing(radiologist):
            if (place / WEIGHTS).exists():
                return self._read(place)
            fresh = Path(tempfile.mkdtemp(prefix=".coming-", dir=place.parent))
            try:
                shutil.copyfile(folder / WEIGHTS, fresh / WEIGHTS)
                (fresh / CONFIG).write_bytes(config)
                written = {**card, **_identity(adapter)}
                (fresh / CARD).write_text(json.dumps(written, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
                verify(replace(adapter, folder=fresh), base)
                _sync(fresh)
                if place.exists():  # deleted before; the same bytes may come back
                    shutil.rmtree(place)
                fresh.chmod(0o755)
                fresh.replace(place)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
        return adapter

    def promote(self, adapter: Adapter) -> Adapter | None:
        """Let this version write from now on; what wrote before becomes the previous one and is handed back. Ends a freeze."""
        with self._writing(adapter.radiologist):
            if not has_weights(adapter):
                raise NoSuchAdapter(f"adapter {adapter.version} has no files on the shelf; list the shelf and choose another")
            now = self._pointers(adapter.radiologist)
            previous = now.previous if now.promoted == adapter.version else now.promoted
            self._point(adapter.radiologist, Pointers(promoted=adapter.version, previous=previous))
        return self._named(adapter.radiologist, previous)

    def roll_back(self, radiologist: str) -> Adapter | None:
        """Let the previous version write again, or nobody's when there was none; the version stepped back from is kept."""
        with self._writing(radiologist):
            now = self._pointers(radiologist)
            if now.promoted is None:
                raise NoSuchAdapter(f"radiologist {radiologist} has no promoted adapter to roll back from")
            self._point(radiologist, Pointers(promoted=now.previous))
        return self._named(radiologist, now.previous)

    def freeze(self, radiologist: str) -> Adapter:
        """Keep the promoted version: nights promote nothing over it until a person promotes a version by hand."""
        with self._writing(radiologist):
            now = self._pointers(radiologist)
            promoted = self._named(radiologist, now.promoted)
            if promoted is None:
                raise NoSuchAdapter(f"radiologist {radiologist} has no promoted adapter to freeze")
            self._point(radiologist, replace(now, frozen=True))
        return promoted

    def delete(self, adapter: Adapter) -> None:
        """Take the weights off the shelf and leave the card. A promoted version stops writing first; no other takes its place."""
        with self._writing(adapter.radiologist):
            now = self._pointers(adapter.radiologist)
            if adapter.version == now.promoted:
                now = Pointers(previous=now.previous)
            if adapter.version == now.previous:
                now = replace(now, previous=None)
            self._point(adapter.radiologist, now)
            (adapter.folder / WEIGHTS).unlink(missing_ok=True)

    def promoted_for(self, radiologist: str) -> Adapter | None:
        """The version that writes for this radiologist; None when there is none, or none that can be read. Two small files are read."""
        try:
            return self._named(radiologist, self._pointers(radiologist).promoted)
        except BrokenAdapter as reason:
            log.warning("Radiologist %s gets bare drafts: %s", radiologist, reason)
            return None

    def previous_for(self, radiologist: str) -> Adapter | None:
        return self._named(radiologist, self._pointers(radiologist).previous)

    def is_frozen(self, radiologist: str) -> bool:
        return self._pointers(radiologist).frozen

    def all(self) -> list[tuple[Adapter, State]]:
        """Every version ever put here, oldest night first, each with its state: promoted, kept, previous, frozen or deleted."""
        adapters = [adapter for home in self.root.glob("*") for adapter in self._standing_in(home)]
        return [
            (adapter, self._pointers(adapter.radiologist).state_of(adapter.version) if has_weights(adapter) else "deleted")
            for adapter in sorted(adapters, key=lambda one: (one.night, one.radiologist, one.version))
        ]

    def of_night(self, radiologist: str, night: str) -> Adapter | None:
        """What a night has already put here for one radiologist: an interrupted night finds its own work."""
        found = [one for one in self._standing_in(self._home(radiologist)) if one.night == night and has_weights(one)]
        return found[0] if found else None

    def find(self, version: str, radiologist: str | None = None) -> Adapter:
        """The one adapter of that version, or `NoSuchAdapter`."""
        found = [a for a, _ in self.all() if a.version == version and radiologist in (None, a.radiologist)]
        if len(found) != 1:
            reason = "two radiologists have it: add --radiologist" if found else "list the shelf to see which there are"
            raise NoSuchAdapter(f"there is no single adapter {version} on the shelf; {reason}")
        return found[0]

    def card(self, adapter: Adapter) -> dict[str, Any]:
        """Where it comes from, what it learned from and how it was judged."""
        return dict(json.loads((adapter.folder / CARD).read_text()))

    # below: places, pointers and the lock

    def _home(self, radiologist: str) -> Path:
        return self.root / folder_name(radiologist)

    def _named(self, radiologist: str, version: str | None) -> Adapter | None:
        place = self._home(radiologist) / version if version else None
        return self._read(place) if place and (place / CARD).exists() else None

    def _standing_in(self, home: Path) -> list[Adapter]:
        found = []
        for card in sorted(home.glob(f"[!.]*/{CARD}")):
            try:
                found.append(self._read(card.parent))
            except BrokenAdapter as reason:
                log.warning("Passing over %s/%s: %s", home.name, card.parent.name, reason)
        return found

    def _read(self, place: Path) -> Adapter:
        try:
            card = json.loads((place / CARD).read_text())
            names = (card["radiologist"], card["version"], place, card["sha256"], card["base_model"], card["night"])
            return Adapter(*names, dict(card["metrics"]))
        except (OSError, ValueError, KeyError, TypeError):
            raise BrokenAdapter("its card cannot be read: roll back, or delete the folder") from None

    def _pointers(self, radiologist: str) -> Pointers:
        try:
            return Pointers(**json.loads((self._home(radiologist) / POINTERS).read_text()))
        except FileNotFoundError:
            return Pointers()
        except (OSError, ValueError, TypeError):
            raise BrokenAdapter(
                f"{POINTERS} of radiologist {radiologist} cannot be read: delete it and promote a version"
            ) from None

    def _point(self, radiologist: str, pointers: Pointers) -> None:
        home = self._home(radiologist)
        fresh = home / f".{POINTERS}"
        fresh.write_text(json.dumps({"promoted": pointers.promoted, "previous": pointers.previous, "frozen": pointers.frozen}))
        _sync(fresh)
        fresh.replace(home / POINTERS)
        _sync(home)

    @contextmanager
    def _writing(self, radiologist: str) -> Iterator[None]:
        """One writer per radiologist at a time, across processes; what a killed one left half-copied is swept."""
        home = self._home(radiologist)
        home.mkdir(parents=True, exist_ok=True)
        with (home / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for left in home.glob(".coming-*"):
                shutil.rmtree(left, ignore_errors=True)
            yield


def verify(adapter: Adapter, base: Path | None = None) -> None:
    """Raise `BrokenAdapter` unless the files are the ones that were put here, vLLM can serve them and they fit the base.

    `base` is the folder of the base weights; without it that last question is left to vLLM.
    """
    try:
        config = (adapter.folder / CONFIG).read_bytes()
        if hash_of(adapter.folder / WEIGHTS, config) != adapter.sha256:
            raise BrokenAdapter("its files were changed on the shelf: roll back or delete it")
        shapes = checked_shapes(adapter.folder / WEIGHTS, rank=servable_rank(json.loads(config)))
        if base is not None:
            fit_the_base(adapter, shapes, base)
    except BrokenAdapter as reason:
        raise BrokenAdapter(f"adapter {adapter.version} is refused: {reason}") from None
    except (OSError, ValueError, SafetensorError) as error:
        raise BrokenAdapter(
            f"adapter {adapter.version} cannot be read ({type(error).__name__}): roll back or delete it"
        ) from None


def has_weights(adapter: Adapter) -> bool:
    """False when it was deleted and only its card is left."""
    return (adapter.folder / WEIGHTS).exists()


def folder_name(radiologist: str) -> str:
    """A radiologist's id as a folder: itself when harmless, else its harmless part and a hash. No id names another's folder."""
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", radiologist):
        return radiologist
    slug = re.sub(r"[^a-z0-9]+", "-", radiologist.lower()).strip("-")[:40] or "r"
    return f"{slug}~{hashlib.sha256(radiologist.encode()).hexdigest()[:12]}"


def portable_config(folder: Path, base_model: str) -> bytes:
    """The adapter's configuration without the path of the machine that trained it, so that equal training hashes equal."""
    try:
        config = json.loads((folder / CONFIG).read_text())
    except (OSError, ValueError) as error:
        raise BrokenAdapter(f"{CONFIG} cannot be read ({type(error).__name__}): train again") from None
    config["base_model_name_or_path"] = base_model
    return (json.dumps(config, indent=2, sort_keys=True) + "\n").encode()


def hash_of(weights: Path, config: bytes) -> str:
    """SHA-256 (hex) over the weights and the configuration: the adapter's identity."""
    try:
        return hashlib.sha256(hashlib.sha256(weights.read_bytes()).digest() + hashlib.sha256(config).digest()).hexdigest()
    except OSError as error:
        raise BrokenAdapter(f"{WEIGHTS} cannot be read ({type(error).__name__})") from None


def servable_rank(config: Mapping[str, Any]) -> int:
    if config.get("peft_type") != "LORA":
        raise BrokenAdapter("it is no LoRA adapter: train again with trainer/fit.py")
    for key, allowed in UNSERVABLE.items():
        if config.get(key) not in allowed:
            raise BrokenAdapter(f"vLLM cannot serve {key}: train again without it")
    rank = config.get("r")
    if rank not in RANKS:
        raise BrokenAdapter(f"its rank is none of {', '.join(map(str, sorted(RANKS)))}: train again with one of them")
    return int(rank)


def checked_shapes(weights: Path, rank: int) -> dict[str, tuple[int, int]]:
    """Each adapted module with (out, in) of the matrix it adds to; every tensor finite, in pairs, of the promised rank."""
    a: dict[str, int] = {}
    b: dict[str, int] = {}
    for name, tensor in safetensors.deserialize(weights.read_bytes()):  # type: ignore[no-untyped-call]
        module, _, part = name.rpartition(".lora_")
        shape: Sequence[int] = tensor["shape"]
        if part not in ("A.weight", "B.weight") or "lm_head" in module or "embed" in module or len(shape) != 2:
            raise BrokenAdapter("it holds a tensor vLLM cannot serve: train again with trainer/fit.py")
        if shape["AB".index(part[0])] != rank:
            raise BrokenAdapter("a tensor is not of the rank in its configuration")
        if not _finite(tensor["data"], tensor["dtype"]):
            raise BrokenAdapter("a weight is not a number: the training diverged")
        (a if part[0] == "A" else b)[module.removeprefix("base_model.model.")] = shape[1 if part[0] == "A" else 0]
    if not a or a.keys() != b.keys():
        raise BrokenAdapter("a LoRA matrix lacks its partner")
    return {module: (b[module], a[module]) for module in a}


def fit_the_base(adapter: Adapter, shapes: Mapping[str, tuple[int, int]], base: Path) -> None:
    """These are the weights it was trained on, each adapted matrix is among them; reads headers alone, of any architecture."""
    if adapter.base_model != name_of_base(str(base)):
        raise BrokenAdapter("it was trained on other base weights: train a night on these")
    there = {name: tuple(tensor["shape"]) for file in base.glob("*.safetensors") for name, tensor in _header(file).items()}
    if any(there.get(f"{module}.weight") != shape for module, shape in shapes.items()):
        raise BrokenAdapter("it does not fit the base model: train a night on this base")


def _header(file: Path) -> dict[str, Any]:
    with file.open("rb") as weights:
        length = int.from_bytes(weights.read(8), "little")
        header = json.loads(weights.read(min(length, 100_000_000)))
    return {name: entry for name, entry in header.items() if name != "__metadata__"}


def _finite(data: bytes, dtype: str) -> bool:
    if dtype == "BF16":  # numpy has no bfloat16; all exponent bits set means infinity or no number
        return not bool(np.any((np.frombuffer(data, dtype=np.uint16) & 0x7F80) == 0x7F80))
    kinds = {"F16": np.float16, "F32": np.float32, "F64": np.float64}
    return dtype in kinds and bool(np.isfinite(np.frombuffer(data, dtype=kinds[dtype])).all())


def _identity(adapter: Adapter) -> dict[str, Any]:
    return {
        "radiologist": adapter.radiologist,
        "version": adapter.version,
        "sha256": adapter.sha256,
        "base_model": adapter.base_model,
        "night": adapter.night,
        "metrics": dict(adapter.metrics),
    }


def _sync(path: Path) -> None:
    """Make a file, or a folder and the files in it, outlive a power cut."""
    for one in [*(path.iterdir() if path.is_dir() else ()), path]:
        handle = os.open(one, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
