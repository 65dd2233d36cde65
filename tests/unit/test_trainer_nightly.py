"""The night door, with a fake school on a real shelf and a real SQLite."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from bench.random_weights import random_adapter
from engine.adapters import Shelf
from feedback import audit
from feedback.capture import preference_id
from feedback.database import open_database, reading, transaction
from feedback.nights import NightOutcome, adapters, nights
from feedback.tables import Draft, Outbox, PreferenceRow, Signature
from trainer.judge import Gate
from trainer.nightly import NightUnderWay, Plan, School, one_night_at_a_time, train_tonight
from trainer.pairs import Example, Pair

MORNING = datetime(2026, 11, 21, 8, tzinfo=UTC)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SIDES, SIZES = ("left", "right"), ("small", "moderate", "large")
PLAN = Plan("2026-11-21", Gate.rehearsal(), enough=20, held_out=10, window=1000)


def sign(database: Engine, radiologist: str, reports: int, *, first: int = 0) -> None:
    """`reports` drafts, each signed with a number before it."""
    with transaction(database) as session:
        for at in range(first, first + reports):
            size, side = SIZES[at % 3], SIDES[at % 2]
            report, text, at_time = (
                f"{radiologist}-{at}",
                f"{size.capitalize()} {side} pleural effusion.",
                MORNING + timedelta(minutes=at),
            )
            about = {"report_id": report, "radiologist": radiologist}
            shown = Draft(
                id=f"d-{report}", version="v", number=1, exam="CR chest", findings=f"There is a {size} {side} pleural effusion.",
                indication="", comparison="", kind="draft", text=text, coarse=text, sentences=[], flags=[], adapter=None,
                base_model="scripted", prompt_version="1", fell_back=None, seconds=0.1, created_at=at_time, **about,
            )  # fmt: skip
            signature = Signature(
                id=f"s-{report}", content_hash="h", impression=f"1. {text}", findings="", status="final", rank=5,
                signed_at=at_time, received_at=at_time, **about,
            )  # fmt: skip
            session.add_all([shown, signature])
            session.flush()
            taught = PreferenceRow(
                id=preference_id(report), draft_id=shown.id, signature_id=signature.id, change="style", edit_distance=0.3,
                signed_at=at_time, updated_at=at_time, **about,
            )  # fmt: skip
            session.add(taught)


@dataclass
class Pupil:
    """A fake school: learns one habit (numbering), or what a test tells it to."""

    folder: Path
    says: Callable[[str], str] = lambda draft: f"1. {draft}"
    lessons: list[int] = field(default_factory=list)

    def school(self) -> School:
        return School(self.teach, self.write, "scripted")

    def teach(self, examples: Sequence[Example], pairs: Sequence[Pair], out: Path) -> dict[str, float]:
        self.lessons.append(len(examples))
        config = {
            "hidden_size": 8,
            "intermediate_size": 8,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "num_hidden_layers": 1,
        }
        self.folder.mkdir(exist_ok=True)
        (self.folder / "config.json").write_text(json.dumps(config))
        random_adapter(self.folder, out, seed=len(examples))
        return {"seconds": 1.0}

    def write(self, prompts: Sequence[str], adapter: Path | None) -> list[str]:
        return [self.says(prompt.rsplit("DRAFT: ", 1)[1].removesuffix("\nIMPRESSION:")) for prompt in prompts]


@pytest.fixture
def database(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path}/impresario.db")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


@pytest.fixture
def pupil(tmp_path: Path) -> Pupil:
    return Pupil(tmp_path / "base")


def night(database: Engine, shelf: Shelf, pupil: Pupil, plan: Plan = PLAN, only: str | None = None) -> list[NightOutcome]:
    return train_tonight(plan, database=database, shelf=shelf, school=pupil.school(), clock=lambda: NOON, only=only)


def events(database: Engine) -> list[dict[str, object]]:
    with reading(database) as session:
        return [json.loads(row.value) for row in session.scalars(select(Outbox).order_by(Outbox.number))]  # type: ignore[arg-type]


def test_a_night_that_teaches_nobody_waits_for_no_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trainer.fit", None)  # whoever imports it fails
    database = open_database(f"sqlite:///{tmp_path}/quiet.db")
    sign(database, "r17", 3)

    outcomes = train_tonight(
        PLAN, database=database, shelf=Shelf(tmp_path / "shelf"), school=School.of(tmp_path, 7), clock=lambda: NOON
    )

    assert [outcome.verdict for outcome in outcomes] == ["too_few"]


def test_a_radiologist_who_has_signed_enough_gets_an_adapter_of_their_own(database: Engine, shelf: Shelf, pupil: Pupil) -> None:
    sign(database, "r17", 30)

    (outcome,) = night(database, shelf, pupil)

    promoted = shelf.promoted_for("r17")
    assert promoted
    assert (outcome.verdict, outcome.adapter, outcome.preferences) == ("promoted", promoted.version, 30)
    assert outcome.edit_distance["own"] == 0.0 < outcome.edit_distance["draft"]
    assert outcome.facts_changed == 0


def test_the_latest_reports_judge_and_never_teach(database: Engine, shelf: Shelf, pupil: Pupil) -> None:
    sign(database, "r17", 30)

    night(database, shelf, pupil)

    card = shelf.card(shelf.all()[0][0])
    assert card["learned_from"] == [preference_id(f"r17-{at}") for at in range(20)]
    assert card["judged_on"] == [preference_id(f"r17-{at}") for at in range(20, 30)]
    assert pupil.lessons == [20]


def test_a_second_run_of_the_same_night_trains_nothing_and_says_the_same(database: Engine, shelf: Shelf, pupil: Pupil) -> None:
    sign(database, "r17", 30)
    first = night(database, shelf, pupil)
    sent = events(database)

    again = night(database, shelf, pupil)

    assert again == first
    assert pupil.lessons == [20]
    assert events(database) == sent


def test_too_few_signed_reports_train_nobody(database: Engine, shelf: Shelf, pupil: Pupil) -> None:
    sign(database, "r17", 19)

    (outcome,) = night(database, shelf, pupil)

    assert outcome.verdict == "too_few"
    assert "19 signed reports" in outcome.reason
    assert shelf.all() == []


def test_a_candidate_that_is_no_better_stays_on_the_shelf_and_writes_nothing(
    database: Engine, shelf: Shelf, pupil: Pupil
) -> None:
    sign(database, "r17", 30)
    pupil.says = lambda draft: draft

    (outcome,) = night(database, shelf, pupil)

    assert outcome.verdict == "kept"
    assert shelf.promoted_for("r17") is None
    assert [state for _, state in shelf.all()] == ["kept"]


def test_one_radiologist_whose_training_fails_stops_nobody(
    database: Engine, shelf: Shelf, pupil: Pupil, caplog: pytest.LogCaptureFixture
) -> None:
    for radiologist in ("r16", "r17", "r18"):
        sign(database, radiologist, 30)
    teach, calls = pupil.teach, iter(["r16", "r17", "r18"])

    def teach_all_but_one(examples: Sequence[Example], pairs: Sequence[Pair], out: Path) -> dict[str, float]:
        if next(calls) == "r17":
            raise RuntimeError("words of a report: metastasis")
        return teach(examples, pairs, out)

    school = School(teach_all_but_one, pupil.write, "scripted")
    outcomes = train_tonight(PLAN, database=database, shelf=shelf, school=school, clock=lambda: NOON)

    assert [outcome.verdict for outcome in outcomes] == ["promoted", "failed", "promoted"]
    assert "RuntimeError" in outcomes[1].reason
    assert "metastasis" not in outcomes[1].reason + caplog.text


def test_a_promotion_is_told_proved_and_kept_in_one_transaction(database: Engine, shelf: Shelf, pupil: Pupil) -> None:
    sign(database, "r17", 30)

    night(database, shelf, pupil)

    told = events(database)
    assert [one["type"] for one in told] == ["impresario.adapter.promoted", "impresario.night.finished"]
    assert told[0]["subject"] == "r17"
    with reading(database) as session:  # the relay reads back what it has sent by this header
        sent = [dict(row.headers)["ce_id"] for row in session.scalars(select(Outbox).order_by(Outbox.number))]  # type: ignore[arg-type]
    assert sent == [one["id"] for one in told]
    with reading(database) as session:
        assert [row.state for row in adapters(session)] == ["promoted"]
        assert audit.verify(session) is None
        assert audit.head(session)[0] == 1
        ((date, _, outcomes),) = nights(session)
    assert (date, outcomes[0].verdict) == ("2026-11-21", "promoted")


def test_the_next_night_judges_against_the_present_adapter(database: Engine, shelf: Shelf, pupil: Pupil) -> None:
    sign(database, "r17", 30)
    night(database, shelf, pupil)
    present = shelf.promoted_for("r17")
    sign(database, "r17", 10, first=30)

    (outcome,) = night(database, shelf, pupil, Plan("2026-11-22", Gate.rehearsal(), enough=20, held_out=10, window=1000))

    assert outcome.verdict == "kept"
    assert "present adapter" in outcome.reason
    assert outcome.edit_distance["incumbent"] == 0.0
    assert shelf.promoted_for("r17") == present


def test_a_colleagues_words_are_measured_beside_ones_own(database: Engine, shelf: Shelf, pupil: Pupil) -> None:
    sign(database, "r17", 30)
    sign(database, "r18", 31)

    first, second = night(database, shelf, pupil)

    assert "other" not in first.edit_distance
    assert second.edit_distance["other"] == 0.0


def test_a_frozen_adapter_is_left_alone(database: Engine, shelf: Shelf, pupil: Pupil) -> None:
    sign(database, "r17", 30)
    night(database, shelf, pupil)
    shelf.freeze("r17")

    (outcome,) = night(database, shelf, pupil, Plan("2026-11-22", Gate.rehearsal(), enough=20, held_out=10, window=1000))

    assert (outcome.verdict, pupil.lessons) == ("kept", [20])
    assert "frozen" in outcome.reason


class Killed(BaseException):
    """The power goes."""


@pytest.mark.parametrize("step", ["compare", "promote", "record_promotion", "record_night", "night_finished"])
def test_a_night_killed_at_any_step_ends_as_if_it_had_not_been(
    step: str, database: Engine, shelf: Shelf, pupil: Pupil, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(database, "r17", 30)

    def power_cut(*args: object, **named: object) -> None:
        raise Killed

    with monkeypatch.context() as evening, pytest.raises(Killed):
        evening.setattr("engine.adapters.Shelf.promote" if step == "promote" else f"trainer.nightly.{step}", power_cut)
        night(database, shelf, pupil)

    (outcome,) = night(database, shelf, pupil)

    promoted = shelf.promoted_for("r17")
    assert promoted
    assert (outcome.verdict, outcome.adapter) == ("promoted", promoted.version)
    assert len(shelf.all()) == 1
    assert shelf.previous_for("r17") is None
    assert len(pupil.lessons) == (2 if step == "compare" else 1)
    assert [one["type"] for one in events(database)] == ["impresario.adapter.promoted", "impresario.night.finished"]
    with reading(database) as session:
        assert audit.head(session)[0] == 1
    assert not (shelf.root / ".workroom").exists()


def test_two_nights_never_train_at_once(database: Engine, shelf: Shelf, pupil: Pupil) -> None:
    with one_night_at_a_time(shelf.root), pytest.raises(NightUnderWay):
        night(database, shelf, pupil)


def test_only_the_one_who_is_asked_for_is_trained(database: Engine, shelf: Shelf, pupil: Pupil) -> None:
    sign(database, "r17", 30)
    sign(database, "r18", 30)

    outcomes = night(database, shelf, pupil, only="r18")

    assert [outcome.radiologist for outcome in outcomes] == ["r18"]


def test_what_was_signed_after_the_night_began_belongs_to_the_next(database: Engine, shelf: Shelf, pupil: Pupil) -> None:
    sign(database, "r17", 30)
    plan = Plan("2026-11-21", Gate.rehearsal(), enough=20, held_out=10, window=1000, before=MORNING + timedelta(minutes=25))

    (outcome,) = night(database, shelf, pupil, plan)

    assert outcome.preferences == 25


def test_an_adapter_made_for_another_base_takes_no_part(database: Engine, shelf: Shelf, pupil: Pupil) -> None:
    sign(database, "r17", 30)
    night(database, shelf, pupil)

    other_base = School(pupil.teach, pupil.write, "another base")
    plan = Plan("2026-11-22", Gate.rehearsal(), enough=20, held_out=10, window=1000)
    (outcome,) = train_tonight(plan, database=database, shelf=shelf, school=other_base, clock=lambda: NOON)

    assert "incumbent" not in outcome.edit_distance
    assert outcome.verdict == "promoted"
