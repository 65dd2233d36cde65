"""What the simulated integration engine sends, our own readers read back without loss."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from demo.dictation import dictated_report
from demo.feeds import VENDORS, Examination, dictated_event, signed_event
from demo.styles import RADIOLOGISTS, signed_impression
from engine.prompts import one_line
from ingest.read import read
from ingest.report import Report, Section, Status

MADE_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def examination(seed: int) -> Examination:
    latent, dictated = dictated_report(f"feed {seed}")
    return Examination(f"DEMO{seed:05d}", "RAD102", latent, dictated, MADE_AT)


def read_back(value: bytes) -> Report:
    [reading] = read(value, patient_key=b"a test key")
    assert reading.report is not None, reading.message
    return reading.report


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_same_examination_is_sent_with_the_same_key_and_bytes(vendor: str) -> None:
    assert dictated_event(vendor, examination(1)) == dictated_event(vendor, examination(1))
    assert dictated_event(vendor, examination(1))[0] == signed_event(vendor, examination(1), "Normal study.")[0] == "DEMO00001"


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("seed", range(40))
def test_what_was_dictated_is_read_back_word_for_word(vendor: str, seed: int) -> None:
    sent = examination(seed)

    report = read_back(dictated_event(vendor, sent)[2])

    assert report.awaits_impression
    assert not report.is_signed
    assert report.status is Status.PRELIMINARY
    assert report.accessions == (sent.accession,)
    assert report.radiologist is not None and report.radiologist.id == "RAD102"
    assert one_line(report.findings) == one_line(sent.dictated.findings)
    # "Reason for exam:" is a heading of its own to our reader.
    said = one_line(sent.dictated.indication).removeprefix("Reason for exam: ")
    assert one_line(report.sections.get(Section.INDICATION, "")).removeprefix("Reason for exam: ") == said
    assert one_line(report.sections.get(Section.COMPARISON, "")) == one_line(sent.dictated.comparison)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("radiologist", RADIOLOGISTS)
def test_what_was_signed_is_read_back_word_for_word(vendor: str, radiologist: str) -> None:
    for seed in range(15):
        sent = examination(seed)
        impression = signed_impression(sent.latent, radiologist)

        report = read_back(signed_event(vendor, sent, impression)[2])

        assert report.is_signed
        assert not report.awaits_impression
        assert one_line(report.impression) == one_line(impression)
        assert one_line(report.findings) == one_line(sent.dictated.findings)
        assert report.id == read_back(dictated_event(vendor, sent)[2]).id


def test_a_separator_in_the_text_stays_text() -> None:
    latent, dictated = dictated_report("separators")
    sent = Examination("DEMO77", "RAD101", latent, replace(dictated, findings="Ratio R|L ^ 2 & ~3 mm \\ end of line."), MADE_AT)

    for vendor in VENDORS:
        assert read_back(dictated_event(vendor, sent)[2]).findings.strip() == "Ratio R|L ^ 2 & ~3 mm \\ end of line."
