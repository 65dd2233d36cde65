"""Every code of tables 0123, 0085, 0038, 0271 and 0273, and the words of the field."""

from __future__ import annotations

import pytest

from ingest.report import Status
from ingest.tables import STATUS_BY_OBR25, STATUS_BY_OBX11, STATUS_BY_ORC5, STATUS_BY_TXA17, STATUS_BY_TXA19
from tests.unit.test_ingest_feeds import MSH, PID, hl7, obr, only_report, tx


def test_the_tables_hold_every_code_of_the_standard() -> None:
    assert set(STATUS_BY_OBR25) == set("OISAPRCFXMNYZ")
    assert set(STATUS_BY_OBX11) == set("ABCDFINOPRSUVWX")
    assert set(STATUS_BY_ORC5) == {"A", "CA", "CM", "DC", "ER", "HD", "IP", "RP", "SC"}
    assert set(STATUS_BY_TXA17) == {"DI", "DO", "IN", "IP", "PA", "AU", "LA"}
    assert set(STATUS_BY_TXA19) == {"AV", "CA", "OB", "UN"}


@pytest.mark.parametrize("code", sorted(STATUS_BY_OBR25))
def test_obr25_speaks_for_the_report(code: str) -> None:
    report = only_report(hl7(MSH, PID, obr(status=code), tx(1, "IMPRESSION: Normal.", status="F")))

    assert report.status is STATUS_BY_OBR25[code]
    assert report.raw_status == code


@pytest.mark.parametrize("code", [code for code, status in STATUS_BY_OBX11.items() if status])
def test_obx11_speaks_where_obr25_is_silent(code: str) -> None:
    assert only_report(hl7(MSH, PID, obr(status=""), tx(1, "IMPRESSION: Normal.", status=code))).status is STATUS_BY_OBX11[code]


@pytest.mark.parametrize(
    ("word", "status"),
    [("Final", Status.FINAL), ("Prelim", Status.PRELIMINARY), ("Wet Read", Status.PRELIMINARY), ("VAQ", Status.REGISTERED), ("Addendum", Status.APPENDED),
     ("Vorläufig", Status.PRELIMINARY), ("Validé", Status.FINAL), ("f", Status.FINAL), ("Corrected", Status.CORRECTED), ("Mystery", Status.FINAL),
     ("Godkänd", Status.FINAL), ("Verified - Final", Status.FINAL), ("Nicht freigegeben", Status.PRELIMINARY), ("Da validare", Status.PRELIMINARY),
     ("Non validé", Status.PRELIMINARY), ("Rectificado", Status.CORRECTED), ("Transmission error", Status.FINAL)],
)  # fmt: skip
def test_words_of_the_field_are_known_and_a_mystery_asks_the_next_place(word: str, status: Status) -> None:
    report = only_report(hl7(MSH, PID, obr(status=word), tx(1, "IMPRESSION: Normal.", status="F")))

    assert report.status is status
    assert report.raw_status == word


def test_the_least_advanced_line_counts() -> None:
    raw = hl7(MSH, PID, obr(status=""), tx(1, "FINDINGS: Clear.", status="F"), tx(2, "IMPRESSION: Normal.", status="P"))

    assert only_report(raw).status is Status.PRELIMINARY


def test_an_order_detail_line_says_nothing() -> None:
    raw = hl7(MSH, PID, obr(status=""), "OBX|1|ST|DOSE||x||||||O", tx(2, "IMPRESSION: Normal.", status="F"))

    assert only_report(raw).status is Status.FINAL


def test_nothing_said_is_unknown_and_neither_drafts_nor_teaches() -> None:
    report = only_report(hl7(MSH, PID, obr(status=""), tx(1, "FINDINGS: Clear.", status="")))

    assert report.status is Status.UNKNOWN
    assert not report.awaits_impression and not report.is_signed


def test_a_deleted_document_was_entered_in_error() -> None:
    raw = hl7(MSH.replace("ORU^R01", "MDM^T04"), PID, "TXA|1|DI|TX|20260102|||||77^S|||D1||P|ACC1||AU||CA")

    assert only_report(raw).status is Status.ENTERED_IN_ERROR
