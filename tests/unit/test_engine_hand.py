"""Until a night has trained an adapter, a few signatures show how somebody lays out an impression, and say nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.adapters import Adapter
from engine.hand import FEWEST, NO_MANNER, Hand, Manner
from engine.impression import Impression, Kind
from engine.prompts import LIKE_THESE, Dictation, Example
from engine.write import PromptTooLong, write_impression
from tests.fakes.model import ScriptedModel
from tests.unit.test_engine_write import ADAPTER, DRAFT, FINDINGS, report

CHEST, HEAD = "Chest X-ray", "CT head"
SIGNED = (
    ("There is a small left pleural effusion. There is cardiomegaly.", "1. Small left pleural effusion.\n2. Cardiomegaly."),
    ("There are bilateral pleural effusions.", "1. Bilateral pleural effusions."),
    ("There is an 8 mm right upper lobe nodule. There is emphysema.", "1. 8 mm RUL nodule.\n2. Emphysema."),
    ("No acute cardiopulmonary abnormality.", "1. No acute abnormality."),
    ("There is a right pneumothorax. There are rib fractures.", "1. Right pneumothorax.\n2. Rib fractures."),
)
TWO = "There is a small right pleural effusion. There is a left rib fracture."


def examples(signed: Sequence[tuple[str, str]] = SIGNED, exam: str = CHEST) -> list[Example]:
    return [Example(Dictation(exam, draft), draft, text) for draft, text in signed]


def ending(closer: str) -> list[Example]:
    return examples([(draft, f"{text}\n{closer}") for draft, text in SIGNED])


def written(model: ScriptedModel, hand: Hand, adapter: Adapter | None = None) -> Impression:
    impression = write_impression(report(FINDINGS), model=model, adapter=adapter, deadline=5.0, hand=hand)
    assert impression is not None
    return impression


def test_who_numbers_and_never_says_there_is_gets_a_numbered_list_without_it() -> None:
    manner = Manner.of(examples())

    assert manner.lay_out(TWO) == "1. Small right pleural effusion.\n2. Left rib fracture."
    assert manner.lay_out("There is a small right pleural effusion.") == "1. Small right pleural effusion."


def test_who_numbers_only_several_statements_gets_one_without_a_number() -> None:
    alone = examples([(draft, text if "\n" in text else text.removeprefix("1. ")) for draft, text in SIGNED] + [SIGNED[0]])
    alone += examples([("There is cardiomegaly.", "Cardiomegaly.")])

    manner = Manner.of(alone)

    assert manner.lay_out("There is emphysema.") == "Emphysema."
    assert manner.lay_out(TWO).startswith("1. ")


def test_dashes_and_small_letters_leave_abbreviations_as_they_are() -> None:
    lowered = [(d, "\n".join("- " + line[3:4].lower() + line[4:] for line in s.split("\n"))) for d, s in SIGNED]

    manner = Manner.of(examples(lowered))

    assert manner.lay_out("There is a RUL nodule. There is L4-L5 stenosis. Cardiomegaly.") == (
        "- RUL nodule.\n- L4-L5 stenosis.\n- cardiomegaly."
    )


def test_what_begins_and_ends_every_impression_does_so_again() -> None:
    prose = examples([(d, f"In summary: {d} Correlate clinically.") for d, _ in SIGNED])

    assert Manner.of(prose).lay_out(TWO) == f"In summary: {TWO} Correlate clinically."


@pytest.mark.parametrize(
    ("closer", "is_style"),
    [
        ("Correlate clinically.", True),
        ("Findings discussed with the clinical team.", False),
        ("I agree with the resident's interpretation.", False),
        ("Recommend annual screening CT.", False),  # never signed beside an effusion
    ],
)
def test_a_closing_line_is_taken_over_where_it_is_style_alone(closer: str, is_style: bool) -> None:
    no_effusions = ending(closer)[2:]

    impression = written(ScriptedModel(lambda prompt, adapter, n: [DRAFT]), Hand.of(no_effusions))

    assert (closer in impression.text) is is_style


@pytest.mark.parametrize("closer", ["Old granulomatous disease.", "No other acute abnormality."])
def test_a_closing_line_that_states_a_finding_is_not_taken_over(closer: str) -> None:
    assert Manner.of(ending(closer)).lay_out(TWO) == "1. Small right pleural effusion.\n2. Left rib fracture."


def test_the_examination_somebody_reads_most_opens_no_draft_of_another() -> None:
    headed = examples([(d, f"Chest X-ray: {s}") for d, s in SIGNED])

    assert "Chest" not in Manner.of(headed).lay_out(TWO)


def test_a_heading_of_the_draft_is_no_opener_and_stays() -> None:
    draft = "Right kidney: 4 mm calculus. There is a left renal cyst."

    assert Manner.of(examples()).lay_out(draft) == "1. Right kidney: 4 mm calculus.\n2. Left renal cyst."


def test_who_does_now_this_and_now_that_keeps_the_drafts_layout() -> None:
    mixed = examples([(d, s if n % 2 else d) for n, (d, s) in enumerate(SIGNED * 2)])

    assert Manner.of(mixed).lay_out("- Effusion.\n- Fracture.") == "- Effusion.\n- Fracture."


def test_too_few_signatures_show_no_manner() -> None:
    assert Manner.of(examples()[: FEWEST - 1]) == NO_MANNER
    assert NO_MANNER.lay_out(TWO) == TWO


def test_without_an_adapter_the_draft_is_shown_in_its_radiologists_layout() -> None:
    impression = written(ScriptedModel(lambda prompt, adapter, n: [f"There is a {DRAFT.lower()}"]), Hand.of(examples()))

    assert (impression.kind, impression.text) == (Kind.OWN_WORDS, "1. Small right pleural effusion.")
    assert (impression.adapter, impression.fell_back) == (None, "no-adapter")
    assert impression.sentences[0].evidence
    assert impression.coarse == "There is a small right pleural effusion."


def test_another_signature_that_changes_the_text_changes_its_id() -> None:
    model = ScriptedModel(lambda prompt, adapter, n: [DRAFT])
    before, after = Hand.of(examples()), Hand.of(ending("Correlate clinically."))

    assert written(model, before).draft_id == written(model, before).draft_id
    assert written(model, before).draft_id != written(model, after).draft_id


def test_a_base_model_reads_the_nearest_examples_last_and_the_draft_again() -> None:
    far, near = examples(exam=HEAD), examples([SIGNED[0], *SIGNED[2:]])
    model = ScriptedModel(lambda prompt, adapter, n: ["1. Small R pleural effusion." if LIKE_THESE in prompt else DRAFT])

    impression = written(model, Hand.of([*near, *far], may_read=True))

    (coarse, _, _), (fine, adapter, _) = model.asked
    assert fine.startswith(f"{coarse} {DRAFT}\n{LIKE_THESE}")
    assert fine.endswith(f"{SIGNED[0][1]}\n\nDRAFT: {DRAFT}\nIMPRESSION:")
    assert adapter is None
    assert (impression.kind, impression.text, impression.adapter) == (Kind.OWN_WORDS, "1. Small R pleural effusion.", None)


def test_examples_that_do_not_fit_are_left_out_whole_the_farthest_first() -> None:
    def script(prompt: str, adapter: Adapter | None, n: int) -> list[str]:
        if prompt.count("DRAFT:") > 4:
            raise PromptTooLong("the prompt is longer than the model's context")
        return [DRAFT]

    model = ScriptedModel(script)

    written(model, Hand.of(examples(), may_read=True))

    fine = model.asked[-1][0]
    assert fine.count("DRAFT:") == 4
    assert SIGNED[0][1] in fine  # of all the nearest


def test_when_the_base_model_changes_the_side_the_draft_is_laid_out_instead() -> None:
    model = ScriptedModel(lambda prompt, adapter, n: ["1. Small L pleural effusion."] * n if LIKE_THESE in prompt else [DRAFT])

    impression = written(model, Hand.of(examples(), may_read=True))

    assert (impression.kind, impression.text) == (Kind.OWN_WORDS, f"1. {DRAFT}")


def test_what_signing_changed_in_the_facts_is_no_example_of_style() -> None:
    changed = [Example(one.dictation, one.draft, one.signed, is_style_alone=False) for one in examples()]

    assert Hand.of(changed, may_read=True).examples == ()


def test_an_adapter_writes_as_before_whatever_is_known_of_the_hand() -> None:
    model = ScriptedModel(lambda prompt, adapter, n: ["1. Small R pleural effusion." if adapter else DRAFT])

    impression = written(model, Hand.of(examples(), may_read=True), ADAPTER)

    assert [LIKE_THESE in prompt for prompt, _, _ in model.asked] == [False, False]
    assert (impression.adapter, impression.fell_back) == (ADAPTER.version, None)


def test_no_word_of_a_signature_is_seen_where_a_hand_is_printed() -> None:
    printed = repr(Hand.of(ending("Correlate clinically."), may_read=True))

    assert "effusion" not in printed and "Correlate" not in printed
