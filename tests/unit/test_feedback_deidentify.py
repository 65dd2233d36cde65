"""No person in what a model learns from, and no medicine lost on the way. Every name and number here is made up."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.impression import Kind
from engine.prompts import Dictation
from feedback.deidentify import deidentified, fit_for_training
from feedback.preference import Preference

NAMES = ["Quimbly", "O'Fallon", "van der Berg", "Marisol Quimbly", "J. R. Quimbly", "Abara-Quimbly"]
DATES = [
    "01/02/2024", "1/2/24", "13.02.2024", "2024-02-13", "January 5, 2024", "Jan 5 2024", "5 January 2024", "5-Jan-2024",
    "March 3rd, 2024", "February 2024", "12-31-23",
]  # fmt: skip
SAID_TO = ["Dr. {}", "Dr {}", "DR. {}", "Doctor {}", "Mr. {}", "Mrs. {}", "Prof. {}", "Drs. {} and Zander"]
TOLD = ["discussed with {}", "communicated to {}", "Reported by phone to {}", "relayed to {}", "notified {}", "paged {}"]
LABELS = [
    "Dictated by: {}",
    "Electronically signed by: {}",
    "Attending: {}",
    "Resident: {}, MD",
    "Patient name: {}",
    "Referring physician: {}",
]
NUMBERS = [
    "MRN: 00712345", "MRN 712345", "Accession number: AC-2024-7712", "accession A7712345", "DOB: 01/02/1950",
    "NHS number 943 476 5919",    "Account no. 55512", "Patient ID 7712", "555-010-7712", "(555) 010-7712", "+1 555 010 7712", "pager 77123", "ext. 7712",
    "quimbly@example.org", "https://example.org/7712", "7712345", "AB7712345", "SSN 123-45-6789",
]  # fmt: skip
PLACES = [
    "Quimbly Hospital",
    "St. Quimbly's Hospital",
    "Quimbly General Hospital",
    "Quimbly Medical Center",
    "QUIMBLY HOSPITAL",
    "Quimbly Clinic",
]
TIMES = ["at 3:45 pm", "at 14:30", "at 1430 hours", "@ 9:05 AM", "at approximately 11 am"]

#: Nothing here points to anybody: not one letter may change.
MEDICINE = [
    "T2/FLAIR hyperintensity at L4-5, 3/5 power, 1.5 x 2.3 x 4.1 cm.",
    "Mass at the 12:00 position, 4 cm from the nipple; another at 3:30 o'clock.",
    "Fleischner Society 2017 guidelines: no follow-up.",
    "MR brain and DR chest; MS plaques; image 45 of series 3.",
    "Nodules of 5/10/15 mm. BI-RADS 4. PI-RADS 2.1. HU of 2000 HU.",
    "Blood pressure 120/80. Ratio 1/2. Grade 2/3. C5-6, C6-7, T12-L1.",
    "No May-Thurner configuration. Known Crohn disease, reported Hill-Sachs lesion, Baker cyst.",
    "The mass may 10 mm anteriorly. 68-year-old woman. March fracture.",
    "Gleason 3+4=7. T1 hypointense. 25-30 degrees. Ejection fraction 55-60%.",
    "Central venous catheter tip at 4 cm above the carina. ETT at T3.",
    "Normal. Prof: none. Patient: supine.",
]  # fmt: skip


def every(*lists: list[str]) -> list[tuple[str, ...]]:
    return list(itertools.product(*lists))


def leaks(text: str, *secrets: str) -> list[str]:
    plain = deidentified(text).lower()
    return [word for secret in secrets for word in secret.lower().split() if len(word) > 2 and word in plain]


@pytest.mark.parametrize(("way", "name"), every(SAID_TO, NAMES))
def test_a_titled_name_is_not_learnt(way: str, name: str) -> None:
    text = f"Unchanged nodule. Findings were seen by {way.format(name)}. No effusion."

    assert leaks(text, name, "Zander") == []
    assert deidentified(text).startswith("Unchanged nodule.")
    assert deidentified(text).endswith("No effusion.")


@pytest.mark.parametrize(("way", "name"), every(TOLD, NAMES))
def test_who_was_told_is_not_learnt(way: str, name: str) -> None:
    assert leaks(f"Critical result {way.format(name)}.", name) == []


@pytest.mark.parametrize(("label", "name"), every(LABELS, NAMES))
def test_a_labelled_name_is_not_learnt(label: str, name: str) -> None:
    assert leaks(f"No acute disease.\n{label.format(name)}\nClear lungs.", name) == []
    assert "Clear lungs." in deidentified(f"No acute disease.\n{label.format(name)}\nClear lungs.")


@pytest.mark.parametrize(("place", "frame"), every(PLACES, ["CT from {} shows the same nodule.", "Prior at {}."]))
def test_a_hospital_is_not_learnt(place: str, frame: str) -> None:
    assert leaks(frame.format(place), "Quimbly") == []


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_that_points_to_a_person_is_not_learnt(number: str) -> None:
    plain = deidentified(f"Clear lungs. {number}. No effusion.")

    assert not any(digits in plain for digits in ("7712", "712345", "1950", "943", "555", "6789", "quimbly", "55512"))
    assert plain.startswith("Clear lungs.")
    assert plain.endswith("No effusion.")


@pytest.mark.parametrize("date", DATES)
@pytest.mark.parametrize(
    ("frame", "plain"),
    [
        ("Comparison: CT of {}.", "Comparison: CT."),
        ("CT chest dated {} and prior films.", "CT chest and prior films."),
        ("Unchanged since {}.", "Unchanged since the prior examination."),
        ("Stable compared to {}, no new nodule.", "Stable compared to the prior examination, no new nodule."),
        ("Prior ({}) shows the same.", "Prior shows the same."),
        ("{}: clear lungs.", "clear lungs."),
    ],
)
def test_a_day_becomes_what_a_radiologist_could_have_said(frame: str, plain: str, date: str) -> None:
    assert deidentified(frame.format(date)) == plain


@pytest.mark.parametrize("time", TIMES)
def test_an_hour_is_not_learnt(time: str) -> None:
    assert deidentified(f"Discussed by telephone {time}.") == "Discussed by telephone."


def test_very_old_people_are_ninety() -> None:
    assert deidentified("A 97-year-old man, 101 y/o wife.") == "A 90-year-old man, 90 y/o wife."


@pytest.mark.parametrize("text", MEDICINE)
def test_medicine_is_left_as_dictated(text: str) -> None:
    assert deidentified(text) == text


@given(
    st.lists(st.sampled_from([*MEDICINE, *(f"Seen on {date} by Dr. Quimbly." for date in DATES), *NUMBERS, *PLACES]), max_size=6)
)
def test_once_is_enough(pieces: list[str]) -> None:
    once = deidentified("\n".join(pieces))

    assert deidentified(once) == once


def test_the_whole_lesson_is_made_fit_and_the_numbers_of_it_kept() -> None:
    dated = "Nodule as on 01/02/2024, told to Dr. Quimbly."
    taught = Preference(
        "p1", "r1", "who", Dictation(dated, dated, dated, "01/02/2024."), dated, dated, dated, Kind.DRAFT, None, "style", 0.5,
        datetime(2026, 3, 2, tzinfo=UTC),
    )  # fmt: skip

    fit = fit_for_training(taught)

    texts = [fit.dictation.exam, fit.dictation.findings, fit.dictation.indication, fit.coarse, fit.rejected, fit.chosen]
    assert set(texts) == {"Nodule as, told to the physician."}
    assert fit.dictation.comparison == "Prior examination."
    assert (fit.id, fit.edit_distance, fit.change, fit.signed_at) == (taught.id, 0.5, "style", taught.signed_at)
