"""Every sentence shown says what it rests on: a place in what was dictated, a rule, or that the checker found nothing."""

from __future__ import annotations

import pytest

from bench.drafting import report_of
from demo.dictation import dictated_report
from demo.styles import RADIOLOGISTS, house_impression, signed_impression
from engine.adapters import Adapter
from engine.facts import read_facts
from engine.grounds import ADVICE_RULE, NO_FINDING_RULE
from engine.habits import Habits
from engine.hand import Hand
from engine.impression import Impression, Kind
from engine.write import write_impression
from ingest.report import Section
from tests.fakes.model import ScriptedModel, away
from tests.unit.test_engine_write import ADAPTER, DRAFT, report

REPORTS = 60


def written(whose: str, kind: Kind, number: int, hand: Hand) -> tuple[Impression, dict[Section, str]]:
    """A report of the demo, written by a model that says what its radiologist would."""
    latent, dictated = dictated_report(f"grounds/{number}")
    draft, own = house_impression(latent), signed_impression(latent, whose)
    model = ScriptedModel(away if kind is Kind.EXTRACTIVE else lambda prompt, adapter, n: [own if adapter else draft])
    dictation = report_of(f"{number}", dictated.dictation)
    adapter = ADAPTER if kind is Kind.OWN_WORDS else None
    impression = write_impression(dictation, model=model, adapter=adapter, deadline=60.0, hand=hand)
    assert impression is not None
    return impression, dict(dictation.sections)


def hand_of(whose: str) -> Hand:
    reports = [dictated_report(f"habits/{number}/{whose}") for number in range(60)]
    return Hand(Habits.of((signed_impression(latent, whose), dictated.exam) for latent, dictated in reports))


@pytest.mark.parametrize("kind", list(Kind))
def test_every_sentence_of_every_kind_rests_on_something(kind: Kind) -> None:
    for at, whose in enumerate(sorted(RADIOLOGISTS)):
        hand = hand_of(whose) if kind is Kind.OWN_WORDS else Hand()
        for number in range(at, REPORTS, len(RADIOLOGISTS)):
            impression, sections = written(whose, kind, number, hand)

            assert impression.sentences
            for sentence in impression.sentences:
                assert sentence.evidence or sentence.rule or sentence.status == "unsupported", number
                assert sentence.rule != NO_FINDING_RULE or not read_facts(sentence.text, section="impression"), number
                for place in sentence.evidence:
                    assert sections[Section(place.section)][place.start : place.end].strip(), number


def own_words(text: str) -> Impression:
    hand = Hand(Habits.of([("Small left pleural effusion. Recommend chest ultrasound.", "Chest X-ray")]))
    model = ScriptedModel(lambda prompt, adapter, n: [text if adapter else DRAFT])
    whose: Adapter = ADAPTER
    impression = write_impression(report(), model=model, adapter=whose, deadline=5.0, hand=hand)
    assert impression is not None and impression.kind is Kind.OWN_WORDS
    return impression


def test_advice_rests_on_the_finding_it_stands_beside() -> None:
    finding, advice = own_words("1. Small right pleural effusion. Recommend chest ultrasound.").sentences

    assert (advice.rule, advice.evidence) == (ADVICE_RULE, finding.evidence)
    assert finding.evidence and finding.rule is None


def test_a_closing_line_says_that_it_states_no_finding() -> None:
    *_, closing = own_words("Small right pleural effusion. Remainder as above.").sentences

    assert (closing.rule, closing.evidence) == (NO_FINDING_RULE, ())
