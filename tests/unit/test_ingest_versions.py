"""Versions of a report: which one counts when they come twice, late, or out of order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.report import Report, Status
from ingest.versions import Relation, VersionKey, relation

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def version(status: Status, text: str = "Normal.", minutes: int = 0, **more: Any) -> VersionKey:
    values: dict[str, Any] = {"message_id": f"M{minutes}", "accessions": ("A1",), **more}
    return VersionKey.of(
        Report(
            kind="hl7v2",
            message_type="ORU^R01",
            version="2.5",
            status=status,
            text=text,
            issued=NOON + timedelta(minutes=minutes),
            **values,
        )
    )


def test_the_same_message_twice_is_a_duplicate() -> None:
    assert relation(version(Status.FINAL), version(Status.FINAL)) is Relation.DUPLICATE


def test_the_same_text_in_another_message_is_a_resend() -> None:
    assert relation(version(Status.FINAL), version(Status.FINAL, minutes=5)) is Relation.RESEND


def test_a_signature_is_newer_than_the_dictation_even_without_text() -> None:
    assert relation(version(Status.PRELIMINARY), version(Status.FINAL, minutes=5)) is Relation.NEWER
    assert relation(version(Status.PRELIMINARY), version(Status.FINAL, text="", minutes=5)) is Relation.NEWER


def test_a_dictation_that_arrives_after_the_signature_is_late() -> None:
    assert relation(version(Status.FINAL, minutes=5), version(Status.PRELIMINARY, text="Nearly.")) is Relation.LATE


def test_among_equal_versions_the_older_is_late() -> None:
    assert relation(version(Status.PRELIMINARY, minutes=5), version(Status.PRELIMINARY, text="Earlier.")) is Relation.LATE
    assert relation(version(Status.PRELIMINARY), version(Status.PRELIMINARY, text="Later.", minutes=5)) is Relation.NEWER


def test_an_addendum_adds_to_a_signed_report() -> None:
    assert (
        relation(version(Status.FINAL), version(Status.APPENDED, "Also seen in 2020.", 9, is_addendum=True)) is Relation.ADDENDUM
    )


def test_another_accession_is_another_report_unless_tied() -> None:
    assert relation(version(Status.FINAL), version(Status.FINAL, "Other.", 1, accessions=("A2",))) is Relation.OTHER
    tied = version(Status.FINAL, "Other.", 1, accessions=("A2",), report_group="G")
    assert relation(version(Status.FINAL, report_group="G"), tied) is Relation.NEWER


def test_one_message_per_accession_with_the_same_text_is_one_dictation_when_ordered_together() -> None:
    first, second = version(Status.FINAL, order_group="G"), version(Status.FINAL, minutes=1, accessions=("A2",), order_group="G")

    assert relation(first, second) is Relation.RESEND
    assert relation(first, version(Status.FINAL, "Knee.", 1, accessions=("A2",), order_group="G")) is Relation.OTHER


def test_a_withdrawal_is_newer_than_everything() -> None:
    assert relation(version(Status.CORRECTED), version(Status.ENTERED_IN_ERROR, minutes=1)) is Relation.NEWER
