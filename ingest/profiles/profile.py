"""Source profiles: TOML in, compiled places and tables out. A key nobody knows is an error that names the nearest right one."""

from __future__ import annotations

import difflib
import fnmatch
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ingest.headings import BODY, OTHER
from ingest.report import Section, Status

SHIPPED = Path(__file__).parent
_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})-(\d{1,3})(?:\.(\d{1,2}))?(?:\.(\d{1,2}))?\Z")
_ROOMS = frozenset({*(str(section) for section in Section), BODY, OTHER})

#: Every key a profile may have, by table, with the type its value must have.
KEYS: Mapping[str, Mapping[str, type]] = {
    "": {"about": str, "inherits": str},
    "messages": {"read": list, "ignore_services": list, "ignore_documents": list},
    "identity": {"accession": list, "group": list, "order_group": list, "document": list, "accession_systems": list},
    "reader": {"radiologist": list, "assistants": list, "identifier_systems": list},
    "exam": {"code": str, "modality": list, "body_part": list, "indication": list},
    "times": {"zone": str, "observed": list, "issued": list},
    "priority": {"places": list},
    "status": {"places": list, "words": dict},
    "text": {"types": list, "ignore_codes": list, "sections": dict},
    "drafts": {"to": list},
    "match": {},
}


class BadProfile(ValueError):
    """A profile that cannot be used; the message says which key, and what it should be."""


class Place(NamedTuple):
    """Where something stands, numbered as the standard does; 0 means the whole field."""

    segment: str
    field: int
    component: int = 0
    subcomponent: int = 0

    def __str__(self) -> str:
        below = "".join(f".{number}" for number in (self.component, self.subcomponent) if number)
        return f"{self.segment}-{self.field}{below}"


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of source, compiled."""

    name: str
    about: str
    read: frozenset[str]
    ignore_services: frozenset[str]
    ignore_documents: frozenset[str]
    accession: tuple[Place, ...]
    accession_is_own: bool  #: written down by somebody: no guess overrides it
    group: tuple[Place, ...]
    order_group: tuple[Place, ...]
    document: tuple[Place, ...]
    accession_systems: tuple[str, ...]
    radiologist: tuple[Place, ...]
    assistants: tuple[Place, ...]
    identifier_systems: tuple[str, ...]
    exam_code: Place
    modality: tuple[Place, ...]
    body_part: tuple[Place, ...]
    indication: tuple[Place, ...]
    zone: tzinfo
    observed: tuple[Place, ...]
    issued: tuple[Place, ...]
    priority: tuple[Place, ...]
    status: tuple[Place, ...]
    status_words: Mapping[str, Status]
    types: frozenset[str]
    ignore_codes: frozenset[str]
    section_by_code: Mapping[str, str]
    drafts_to: tuple[str, ...] | None  #: names of the deliveries that get its drafts; None: the usual ones
    match: tuple[tuple[Place, tuple[str, ...]], ...] = ()
    named_sections: dict[str, str] = field(default_factory=dict, compare=False, repr=False)  #: remembered answers, by whole OBX-3


class Profiles:
    """The shipped profiles and those of a folder of one's own; the folder wins where names are equal."""

    def __init__(self, folder: Path | None = None) -> None:
        if folder is not None and not folder.is_dir():
            raise BadProfile(f"There is no folder of profiles at {folder}.")
        self._files = {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}
        if folder is not None:
            self._files.update({path.stem: path for path in sorted(folder.glob("*.toml"))})
        self._compiled: dict[str, Profile] = {}
        self._matching: tuple[Profile, ...] | None = None
        self.recognised: dict[tuple[str, ...], Profile | None] = {}  #: remembered answers, by what stands at the places asked for

    @classmethod
    def of(cls, folder: Path | None) -> Profiles:
        """The same profiles for the same folder: compiled once per process."""
        return _profiles_of(folder)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._files)

    def named(self, name: str) -> Profile:
        """The profile of that name, with what it inherits. Raises `BadProfile`."""
        if name not in self._compiled:
            settled = self._settled(name, ())
            own = settled["identity"]["accession"] != self._settled("default", ())["identity"]["accession"]
            self._compiled[name] = _compiled(name, settled, own)
        return self._compiled[name]

    def matching(self) -> tuple[Profile, ...]:
        """Profiles that say which messages are theirs."""
        if self._matching is None:
            self._matching = tuple(profile for profile in map(self.named, self._files) if profile.match)
        return self._matching

    @cached_property
    def asked(self) -> tuple[Place, ...]:
        """Every place some [match] looks at."""
        return tuple(sorted({where for profile in self.matching() for where, _ in profile.match}))

    def _settled(self, name: str, heirs: tuple[str, ...]) -> dict[str, Any]:
        if name not in self._files:
            raise BadProfile(f"There is no profile called {name!r}; {_nearest(name, self._files)}.")
        if name in heirs:
            raise BadProfile(f"Profile {name!r} inherits from itself, through {' and '.join(heirs)}.")
        given = _checked(self._files[name])
        parent = given.get("inherits", None if name == "default" else "default")
        return _merged(self._settled(parent, (*heirs, name)), given) if parent else given


@lru_cache(maxsize=16)
def _profiles_of(folder: Path | None) -> Profiles:
    return Profiles(folder)


def place(text: str, where: str = "a place") -> Place:
    """`OBR-3.1` as numbers."""
    match = _PLACE.match(text) if isinstance(text, str) else None
    if not match:
        raise BadProfile(f"{where}: {text!r} is no place; write it like OBR-3 or OBR-3.1.")
    return Place(match[1], int(match[2]), int(match[3] or 0), int(match[4] or 0))


def _checked(path: Path) -> dict[str, Any]:
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadProfile(f"{path.name} is not TOML: {error}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadProfile(f"{path.name} cannot be read: {type(error).__name__}.") from None
    for key, value in given.items():
        if key in KEYS and key:
            if not isinstance(value, dict):
                raise BadProfile(f"{path.name}: [{key}] is a table, write its keys below it.")
            _check_table(path.name, key, value)
        elif key not in KEYS[""]:
            raise BadProfile(f"{path.name}: there is no {key!r}; {_nearest(key, [*KEYS, *KEYS['']])}.")
        elif not isinstance(value, str):
            raise BadProfile(f"{path.name}: {key} is a text.")
    return given


def _check_table(file: str, table: str, values: Mapping[str, Any]) -> None:
    known = KEYS[table]
    for key, value in values.items():
        if table == "match":
            place(key, f"{file} [match]")
            if not isinstance(value, list) or not all(isinstance(pattern, str) for pattern in value):
                raise BadProfile(f"{file} [match]: {key} takes a list of texts, * stands for anything.")
        elif key not in known:
            raise BadProfile(f"{file} [{table}]: there is no {key!r}; {_nearest(key, known)}.")
        elif not isinstance(value, known[key]):
            raise BadProfile(f"{file} [{table}]: {key} takes a {'list' if known[key] is list else known[key].__name__}.")
        elif isinstance(value, list) and not all(isinstance(item, str) for item in value):
            raise BadProfile(f"{file} [{table}]: {key} takes a list of texts.")


def _nearest(word: str, known: Iterable[str]) -> str:
    known = [str(item) for item in known]
    near = difflib.get_close_matches(word, [item for item in known if item], n=1, cutoff=0.3)
    return f"did you mean {near[0]!r}" if near else f"known are {', '.join(sorted(item for item in known if item))}"


def _merged(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    merged = {key: value for key, value in parent.items() if key not in ("match", "about")}
    for key, value in child.items():
        merged[key] = _merged(merged[key], value) if isinstance(value, dict) and isinstance(merged.get(key), dict) else value
    return merged


def _compiled(name: str, given: Mapping[str, Any], own_accession: bool) -> Profile:
    def places(table: str, key: str) -> tuple[Place, ...]:
        return tuple(place(text, f"{name} [{table}] {key}") for text in given[table][key])

    words = {word.upper(): _status(name, word, status) for word, status in given["status"].get("words", {}).items()}
    rooms = {code.upper(): _room(name, code, room) for code, room in given["text"]["sections"].items()}
    return Profile(
        name=name,
        about=given.get("about", ""),
        read=frozenset(given["messages"]["read"]),
        ignore_services=frozenset(given["messages"]["ignore_services"]),
        ignore_documents=frozenset(given["messages"]["ignore_documents"]),
        accession=places("identity", "accession"),
        accession_is_own=own_accession,
        group=places("identity", "group"),
        order_group=places("identity", "order_group"),
        document=places("identity", "document"),
        accession_systems=tuple(given["identity"]["accession_systems"]),
        radiologist=places("reader", "radiologist"),
        assistants=places("reader", "assistants"),
        identifier_systems=tuple(given["reader"]["identifier_systems"]),
        exam_code=place(given["exam"]["code"], f"{name} [exam] code"),
        modality=places("exam", "modality"),
        body_part=places("exam", "body_part"),
        indication=places("exam", "indication"),
        zone=_zone(name, given["times"]["zone"]),
        observed=places("times", "observed"),
        issued=places("times", "issued"),
        priority=places("priority", "places"),
        status=places("status", "places"),
        status_words=words,
        types=frozenset(given["text"]["types"]),
        ignore_codes=frozenset(given["text"]["ignore_codes"]),
        section_by_code=rooms,
        drafts_to=tuple(given["drafts"]["to"]) if "to" in given.get("drafts", {}) else None,
        match=tuple((place(where), tuple(patterns)) for where, patterns in given.get("match", {}).items()),
    )


def fits(patterns: tuple[str, ...], value: str) -> bool:
    """Whether a value is one of a `[match]` list; capitals do not matter."""
    return any(fnmatch.fnmatchcase(value.upper(), pattern.upper()) for pattern in patterns)


def _status(profile: str, word: str, status: Any) -> Status:
    try:
        return Status(status)
    except ValueError:
        raise BadProfile(
            f"{profile} [status.words]: {word!r} cannot be {status!r}; {_nearest(str(status), list(Status))}."
        ) from None


def _room(profile: str, code: str, room: Any) -> str:
    if room not in _ROOMS:
        raise BadProfile(f"{profile} [text.sections]: {code!r} cannot be {room!r}; {_nearest(str(room), _ROOMS)}.")
    return str(room)


def _zone(profile: str, name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadProfile(f"{profile} [times]: {name!r} is no time zone; write it like Europe/Berlin.") from None
