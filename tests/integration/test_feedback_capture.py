"""What was shown, signed and taught, kept in SQLite and in PostgreSQL alike."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlmodel import Session

from engine.impression import Impression
from feedback.capture import (
    draft_of,
    moves_forward,
    preferences_of,
    radiologists_with_enough,
    record_draft,
    record_signature,
    record_version,
)
from feedback.database import open_database, reading, transaction
from feedback.inbox import count_by_outcome, message, messages, record_arrival, record_outcome
from feedback.nights import counts, learning_curve
from feedback.outbox import count_waiting
from feedback.preference import Preference
from feedback.tables import Draft, Signature
from ingest.report import Radiologist, Report, Section, Status
from tests.integration.feedback_books import FINDINGS, NOON, dictated, drafted, later, message_of, signed


@pytest.fixture(params=["sqlite", "postgresql"])
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    where = f"sqlite:///{tmp_path}/books.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_database(where)
    yield engine
    engine.dispose()


def show(books: Engine, report: Report, words: str = "No acute disease.", minute: float = 1) -> Impression | None:
    impression = drafted(report, words)
    with transaction(books) as session:
        record_version(session, report, arrival_id=None, at=later(minute))
        return record_draft(session, report, impression, [message_of(impression)], later(minute))


def sign(books: Engine, report: Report, minute: float = 20) -> Preference | None:
    with transaction(books) as session:
        record_version(session, report, arrival_id=None, at=later(minute))
        return record_signature(session, report, later(minute))


# Arrivals


def arrive(session: Session, raw: bytes = b"MSH|1", offset: int = 7) -> tuple[bool, bool, int]:
    arrival = record_arrival(
        session,
        topic="radiology.reports",
        partition=2,
        offset=offset,
        key=b"\xffA1",
        headers=[("source", b"caf\xc3\xa9\xff")],
        raw=raw,
        content_type=None,
        source="scout",
        at=NOON,
    )
    return arrival.is_new, arrival.is_handled, arrival.starts


def test_a_message_is_stored_as_the_bytes_it_came_in(books: Engine) -> None:
    with transaction(books) as session:
        arrive(session, raw=b"\x00\xff\xfe MSH")

    with reading(books) as session:
        (stored,) = messages(session)

    assert (stored.raw, stored.key, stored.headers) == (b"\x00\xff\xfe MSH", b"\xffA1", (("source", b"caf\xc3\xa9\xff"),))
    assert (stored.topic, stored.partition, stored.offset, stored.source) == ("radiology.reports", 2, 7, "scout")
    assert stored.received_at == NOON


def test_a_redelivery_without_an_outcome_is_known_and_counted(books: Engine) -> None:
    with transaction(books) as session:
        first = arrive(session)
    with transaction(books) as session:
        second = arrive(session)

    assert first == (True, False, 1)
    assert second == (False, False, 2)


def test_a_redelivery_of_handled_work_has_nothing_left_to_do(books: Engine) -> None:
    with transaction(books) as session:
        arrive(session)
        record_outcome(session, 1, "unreadable", at=NOON, code="truncated")

    with transaction(books) as session:
        again = arrive(session)
        dead = list(messages(session, outcome="unreadable", code="truncated"))

    assert again == (False, True, 1)
    assert [letter.id for letter in dead] == [1]


def test_a_topic_made_anew_counts_from_zero_and_loses_nothing(books: Engine) -> None:
    with transaction(books) as session:
        arrive(session, raw=b"of the old topic", offset=0)
        other = arrive(session, raw=b"of the new topic", offset=0)

    assert other == (True, False, 1)


def test_a_message_can_be_read_again_by_its_number(books: Engine) -> None:
    with transaction(books) as session:
        arrive(session, offset=1)
        arrive(session, offset=2)
        record_outcome(session, 2, "report", at=NOON, report_id="r-2")

    with reading(books) as session:
        one, none = message(session, 2), message(session, 99)
        counted = count_by_outcome(session)

    assert one is not None and (one.outcome, one.report_id, one.offset) == ("report", "r-2", 2)
    assert none is None
    assert counted == {"waiting": 1, "report": 1}


# Versions


def test_a_preliminary_that_comes_after_the_final_is_old_news(books: Engine) -> None:
    with transaction(books) as session:
        assert record_version(session, signed("No acute disease."), arrival_id=None, at=NOON)

        assert not record_version(session, dictated(), arrival_id=None, at=later(1))


def test_a_resent_report_is_no_news(books: Engine) -> None:
    with transaction(books) as session:
        record_version(session, dictated(), arrival_id=None, at=NOON)

        assert not moves_forward(session, replace(dictated(), message_id="another", issued=later(5)))


def test_of_two_preliminaries_the_one_issued_later_stands(books: Engine) -> None:
    first, second = dictated(issued=NOON), dictated(findings=FINDINGS + " A new nodule.", issued=later(5))
    with transaction(books) as session:
        record_version(session, second, arrival_id=None, at=NOON)

        assert not moves_forward(session, first)


def test_without_times_the_order_of_arrival_decides(books: Engine) -> None:
    with transaction(books) as session:
        record_version(session, dictated(issued=None), arrival_id=None, at=NOON)

        assert moves_forward(session, dictated(findings="Otherwise.", issued=None))


def test_an_addendum_alone_does_not_keep_the_late_body_out(books: Engine) -> None:
    addendum = dictated(
        status=Status.APPENDED,
        is_addendum=True,
        sections={Section.ADDENDUM: "Read with the prior."},
        text="ADDENDUM: Read with the prior.",
    )
    with transaction(books) as session:
        assert record_version(session, addendum, arrival_id=None, at=NOON)

        assert moves_forward(session, signed("No acute disease."))


def test_nothing_follows_a_cancelled_exam(books: Engine) -> None:
    with transaction(books) as session:
        record_version(session, dictated(status=Status.CANCELLED, text="", sections={}), arrival_id=None, at=NOON)

        assert not moves_forward(session, signed("No acute disease."))


# Drafts


def test_what_is_stored_is_what_is_shown(books: Engine) -> None:
    report = dictated()

    shown = show(books, report)

    with reading(books) as session:
        assert draft_of(session, report) == shown == drafted(report)


def test_a_resent_preliminary_is_shown_the_same_words_and_sent_no_second_message(books: Engine) -> None:
    show(books, dictated(), "No acute disease.")

    again = show(books, replace(dictated(), message_id="resent"), "Other words of another try.")

    assert again is not None and again.text == "No acute disease."
    with reading(books) as session:
        assert counts(session)["drafts"] == 1
        assert count_waiting(session) == 1


def test_findings_dictated_anew_are_drafted_anew(books: Engine) -> None:
    show(books, dictated(), "No acute disease.")
    mended = dictated(findings="There is a 9 mm nodule in the right upper lobe.", issued=later(2))

    show(books, mended, "Right upper lobe nodule, 9 mm.", minute=2)

    with reading(books) as session:
        old, new = draft_of(session, dictated()), draft_of(session, mended)
    assert old is not None and old.text == "No acute disease."
    assert new is not None and new.text == "Right upper lobe nodule, 9 mm."


def test_a_report_signed_while_it_was_being_drafted_shows_nothing(books: Engine) -> None:
    report = dictated()
    sign(books, signed("Normal chest."))

    assert show(books, report) is None

    with reading(books) as session:
        assert counts(session)["drafts"] == 0
        assert count_waiting(session) == 0


def test_two_agents_drafting_one_report_at_once_show_one_draft(books: Engine) -> None:
    report = dictated()
    together = threading.Barrier(4)
    shown: list[str] = []

    def agent(name: str) -> None:
        together.wait()
        impression = show(books, report, f"The words of agent {name}.")
        assert impression is not None
        shown.append(impression.text)

    agents = [threading.Thread(target=agent, args=(name,)) for name in "abcd"]
    for one in agents:
        one.start()
    for one in agents:
        one.join()

    assert len(shown) == 4
    assert len(set(shown)) == 1
    with reading(books) as session:
        assert session.execute(select(func.count()).select_from(Draft)).scalar_one() == 1
        assert count_waiting(session) == 1


def test_a_draft_of_a_transaction_that_failed_was_never_written(books: Engine) -> None:
    with pytest.raises(RuntimeError), transaction(books) as session:
        record_draft(session, dictated(), drafted(dictated()), [message_of(drafted(dictated()))], NOON)
        raise RuntimeError("the process is killed here")

    with reading(books) as session:
        assert draft_of(session, dictated()) is None
        assert count_waiting(session) == 0


def test_words_no_database_can_keep_do_not_stop_a_report(books: Engine) -> None:
    report = dictated(findings="Clear\x00 lungs.")

    shown = show(books, report, "Clear\x00 \ud800lungs.")

    assert shown is not None
    with reading(books) as session:
        stored = draft_of(session, report)
    assert stored is not None and stored.text == "Clear ?lungs."


# Signatures


def test_a_signature_equal_to_the_draft_counts_and_changes_nothing(books: Engine) -> None:
    show(books, dictated(), "No acute disease.")

    taught = sign(books, signed("No acute disease."))

    assert taught is not None
    assert (taught.change, taught.edit_distance, taught.is_pair) == ("none", 0.0, False)


def test_a_signature_teaches_what_was_signed_instead_of_what_was_shown(books: Engine) -> None:
    show(books, dictated(), "No acute disease.")

    taught = sign(books, signed("No acute cardiopulmonary disease."))

    assert taught is not None
    assert (taught.rejected, taught.chosen) == ("No acute disease.", "No acute cardiopulmonary disease.")
    assert (taught.radiologist, taught.dictation.findings, taught.signed_at) == ("r1", FINDINGS, later(10))
    with reading(books) as session:
        assert preferences_of(session, "r1", 10) == [taught]


def test_the_same_signature_twice_teaches_once(books: Engine) -> None:
    show(books, dictated())
    first = sign(books, signed("Normal chest.", issued=None), minute=20)

    second = sign(books, signed("Normal chest.", issued=None), minute=30)

    assert first == second
    with reading(books) as session:
        assert counts(session)["preferences"] == 1


def test_a_correction_takes_the_place_of_the_first_signature(books: Engine) -> None:
    show(books, dictated())
    sign(books, signed("Normal chest."))

    sign(books, signed("Small left effusion.", issued=later(30), status=Status.CORRECTED), minute=31)

    with reading(books) as session:
        assert [preference.chosen for preference in preferences_of(session, "r1", 10)] == ["Small left effusion."]


def test_a_late_first_signature_does_not_undo_the_correction(books: Engine) -> None:
    show(books, dictated())
    sign(books, signed("Small left effusion.", issued=later(30), status=Status.CORRECTED), minute=31)

    assert sign(books, signed("Normal chest."), minute=40) is None

    with reading(books) as session:
        assert [preference.chosen for preference in preferences_of(session, "r1", 10)] == ["Small left effusion."]


def test_an_addendum_alone_keeps_what_the_body_taught(books: Engine) -> None:
    show(books, dictated())
    sign(books, signed("Normal chest."))
    addendum = dictated(
        status=Status.APPENDED,
        is_addendum=True,
        sections={Section.ADDENDUM: "Called."},
        text="ADDENDUM: Called.",
        issued=later(40),
    )

    assert sign(books, addendum, minute=41) is None

    with reading(books) as session:
        assert [preference.chosen for preference in preferences_of(session, "r1", 10)] == ["Normal chest."]


def test_a_final_without_its_text_signs_the_text_that_came_before(books: Engine) -> None:
    show(books, dictated())
    with transaction(books) as session:
        record_version(session, signed("Normal chest.", status=Status.PRELIMINARY), arrival_id=None, at=later(11))

    taught = sign(books, dictated(status=Status.FINAL, sections={}, text="", issued=later(12)))

    assert taught is not None and taught.chosen == "Normal chest."


def test_a_final_whose_text_never_came_teaches_nothing(books: Engine) -> None:
    show(books, dictated())

    assert sign(books, dictated(status=Status.FINAL, sections={}, text="", issued=later(12))) is None


def test_a_signature_finds_its_draft_by_any_accession(books: Engine) -> None:
    show(books, dictated("A2"))

    taught = sign(books, signed("Normal chest.", "A1", accessions=("A1", "A2")))

    assert taught is not None and taught.report_id == dictated("A2").id


def test_an_accession_shared_by_two_dictations_is_not_guessed_at(books: Engine) -> None:
    show(books, dictated("A1", report_group="chest"))
    show(books, dictated("A1", report_group="abdomen"))

    assert sign(books, signed("Normal chest.", "A1")) is None


def test_a_report_nobody_saw_a_draft_of_teaches_nothing_and_is_kept(books: Engine) -> None:
    assert sign(books, signed("Normal chest.")) is None

    with reading(books) as session:
        assert session.execute(select(func.count()).select_from(Signature)).scalar_one() == 1


def test_the_one_who_signs_is_the_one_who_teaches(books: Engine) -> None:
    show(books, dictated())

    taught = sign(books, signed("Normal chest.", radiologist=Radiologist("r2", "principal")))

    assert taught is not None and taught.radiologist == "r2"


def test_a_signature_rests_on_the_findings_that_were_signed(books: Engine) -> None:
    show(books, dictated())

    taught = sign(books, signed("Right nodule.", findings="A 9 mm nodule in the right lung."))

    assert taught is not None and taught.dictation.findings == "A 9 mm nodule in the right lung."


def test_nobody_signs_tomorrow(books: Engine) -> None:
    show(books, dictated())

    taught = sign(books, signed("Normal chest.", issued=later(60 * 24 * 365)), minute=20)

    assert taught is not None and taught.signed_at == later(20)


# Preferences


def teach(books: Engine, number: int, radiologist: str = "r1") -> None:
    who = Radiologist(radiologist, "principal")
    show(books, dictated(f"{radiologist}-{number}", radiologist=who), minute=number)
    words = f"Normal chest {number}."
    sign(books, signed(words, f"{radiologist}-{number}", issued=later(number), radiologist=who), minute=2000)


def test_preferences_are_the_most_recent_oldest_first(books: Engine) -> None:
    for number in (3, 1, 2, 4):
        teach(books, number)

    with reading(books) as session:
        recent = [preference.chosen for preference in preferences_of(session, "r1", 3)]
        before = [preference.chosen for preference in preferences_of(session, "r1", 3, before=later(3))]

    assert recent == ["Normal chest 2.", "Normal chest 3.", "Normal chest 4."]
    assert before == ["Normal chest 1.", "Normal chest 2."]


def test_only_who_has_signed_enough_is_trained_tonight(books: Engine) -> None:
    for number in (1, 2):
        teach(books, number, "r1")
    teach(books, 1, "r2")

    with reading(books) as session:
        assert radiologists_with_enough(session, 2) == ["r1"]
        assert radiologists_with_enough(session, 1) == ["r1", "r2"]
        assert radiologists_with_enough(session, 2, before=later(2)) == []


def test_training_text_has_no_people_in_it_and_the_kept_text_does(books: Engine) -> None:
    findings = "Compared with the CT of 01/02/2024 the nodule is unchanged."
    show(books, dictated(findings=findings), "Unchanged since 01/02/2024.")
    sign(books, signed("Unchanged nodule. Discussed with Dr. Example.", findings=findings))

    with reading(books) as session:
        (taught,) = preferences_of(session, "r1", 10)
        kept = draft_of(session, dictated(findings=findings))

    assert "2024" not in taught.dictation.findings + taught.rejected
    assert "Example" not in taught.chosen
    assert kept is not None and kept.text == "Unchanged since 01/02/2024."


def test_the_learning_curve_is_told_in_the_order_of_signing(books: Engine) -> None:
    show(books, dictated("B1"), "One two.")
    show(books, dictated("B2"), "One two.")
    sign(books, signed("One two.", "B2", issued=later(12)))
    sign(books, signed("Three four.", "B1", issued=later(11)))

    with reading(books) as session:
        curve = learning_curve(session, "r1")
        told = counts(session)

    assert curve == [pytest.approx(2 / 3), 0.0]
    assert told == {"reports": 2, "drafts": 2, "signed": 2, "preferences": 2, "dead_letters": 0}
