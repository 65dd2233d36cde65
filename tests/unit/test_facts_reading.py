"""What is read from dictation: polarity, doubt, side, place, size, change, and where it was read."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.facts import Fact, forget, read_facts
from engine.lexicon import WEIGHTS, lexicon
from engine.sentences import sentences_of, tokens_of


def the(text: str, concept: str) -> Fact:
    found = [fact for fact in read_facts(text) if fact.concept == concept]
    assert len(found) == 1, [fact.concept for fact in read_facts(text)]
    return found[0]


@pytest.mark.parametrize(
    ("text", "concept", "present"),
    [
        ("No pneumothorax.", "pneumothorax", False),
        ("No focal consolidation, effusion, or pneumothorax.", "pneumothorax", False),
        ("No pneumothorax, small left effusion.", "effusion", True),
        ("Without evidence of hydronephrosis.", "hydronephrosis", False),
        ("Pneumothorax is not seen.", "pneumothorax", False),
        ("Pleural effusion has resolved.", "pleural_effusion", False),
        ("No change in the pleural effusion.", "pleural_effusion", True),
        ("No acute abnormality other than a rib fracture.", "rib_fracture", True),
        ("The heart is not enlarged. Pneumonia cannot be excluded.", "pneumonia", True),
        ("Pneumothorax: none.", "pneumothorax", False),
        ("Negative for pulmonary embolism.", "pulmonary_embolism", False),
        ("Vascular engorgement is within normal limits.", "vascular_congestion", False),
    ],
)
def test_negation_reaches_as_far_as_it_is_meant(text: str, concept: str, present: bool) -> None:
    assert the(text, concept).is_present is present


@pytest.mark.parametrize(
    ("text", "concept", "certainty"),
    [
        ("Possible pneumonia.", "pneumonia", 2),
        ("Likely pneumonia.", "pneumonia", 3),
        ("Findings consistent with pneumonia.", "pneumonia", 4),
        ("Pneumonia.", "pneumonia", 5),
        ("Pneumonia is unlikely.", "pneumonia", 1),
        ("Appendicitis cannot be excluded.", "appendicitis", 2),
    ],
)
def test_doubt_has_degrees(text: str, concept: str, certainty: int) -> None:
    assert the(text, concept).certainty == certainty


def test_atelectasis_versus_infiltrate_is_a_doubt_about_both() -> None:
    text = "Atelectasis versus infiltrate."

    assert the(text, "atelectasis").certainty == the(text, "infiltrate").certainty == 2


def test_two_sides_with_two_extents_are_two_facts() -> None:
    found = [(fact.side, fact.severity) for fact in read_facts("Small left and moderate right pleural effusions.")]

    assert found == [("left", 2), ("right", 3)]


def test_one_opacity_in_two_lobes_is_two_facts() -> None:
    found = {(fact.side, fact.place) for fact in read_facts("Opacities in the left lower and right upper lobes.")}

    assert found == {("left", "lower_lobe"), ("right", "upper_lobe")}


def test_it_measures_speaks_of_the_nodule_before() -> None:
    nodule = the("There is a nodule in the right upper lobe. It measures 6 mm.", "pulmonary_nodule")

    assert (nodule.side, nodule.place, nodule.sizes) == ("right", "upper_lobe", ((6.0,),))


@pytest.mark.parametrize(
    ("text", "millimetres"),
    [
        ("1.2 x 0.8 cm nodule", (12.0, 8.0)),
        ("6-mm nodule", (6.0,)),
        ("nodule of 3-5 mm", (3.0, 5.0)),
        ("nodule measuring .9 cm", (9.0,)),
    ],
)
def test_sizes_are_read_in_millimetres(text: str, millimetres: tuple[float, ...]) -> None:
    assert read_facts(text)[0].sizes == (millimetres,)


def test_an_earlier_size_is_not_the_size() -> None:
    aneurysm = the("Abdominal aortic aneurysm of 5.8 cm, previously 5.2 cm.", "abdominal_aortic_aneurysm")

    assert (aneurysm.sizes, aneurysm.earlier_sizes) == (((58.0,),), ((52.0,),))


def test_the_place_makes_the_finding() -> None:
    made = [
        read_facts(text)[0].concept
        for text in ("Nodule in the thyroid.", "Nodule in the left upper lobe.", "The heart is enlarged.")
    ]

    assert made == ["thyroid_nodule", "pulmonary_nodule", "cardiomegaly"]


def test_what_lies_beside_a_finding_is_not_its_place() -> None:
    assert read_facts("Opacity overlying the sixth rib.")[0].place is None


def test_a_level_at_the_start_holds_for_the_sentences_after_it() -> None:
    found = {(fact.concept, fact.levels) for fact in read_facts("L4-5: Disc bulge. Mild canal stenosis. L5-S1: Disc protrusion.")}

    assert ("canal_stenosis", ("L4-L5",)) in found and ("disc_protrusion", ("L5-S1",)) in found


def test_t2_signal_is_no_vertebra() -> None:
    assert read_facts("T2 hyperintensity in the left frontal lobe.")[0].levels == ()


def test_a_normal_statement_is_a_fact_about_a_place() -> None:
    fact = read_facts("The right kidney is normal.")[0]

    assert (fact.concept, fact.place, fact.side, fact.is_absent) == ("abnormality", "kidney", "right", True)


def test_a_finding_named_only_in_advice_is_no_finding() -> None:
    assert read_facts("Recommend CT to exclude malignancy.") == ()


def test_printed_lines_and_numbered_items_are_sentences() -> None:
    text = "1. Small effusion\n2. No PTX\n- Heart is\nenlarged. Measures 1.2 cm."
    spans = sentences_of(text, tokens_of(text))

    assert [text[span.start : span.end].split(maxsplit=1)[0] for span in spans] == ["1", "2", "Heart", "Measures"] or len(
        spans
    ) == 4


def test_offsets_point_into_the_text_as_given_even_behind_odd_letters() -> None:
    text = "İstanbul clinic.\r\n  Small  LEFT\teffusion – new."
    fact = next(fact for fact in read_facts(text) if fact.concept == "effusion")

    assert text[fact.start : fact.end].endswith("new") and "LEFT" in text[fact.start : fact.end]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read_without_falling(text: str) -> None:
    for fact in read_facts(text):
        assert 0 <= fact.start < fact.end <= len(text)


def test_reading_is_linear_in_the_length() -> None:
    sentence = "No focal consolidation, small left pleural effusion and a 6 mm nodule in the right upper lobe. "

    def seconds(times: int) -> float:
        best = 9e9
        for _ in range(3):
            forget()
            started = time.process_time()
            read_facts(sentence * times)
            best = min(best, time.process_time() - started)
        return best

    read_facts(sentence)

    assert seconds(400) < 4 * 10 * max(seconds(40), 1e-3)


def test_the_lexicon_knows_at_least_nine_hundred_concepts_and_every_name_it_uses() -> None:
    words = lexicon()

    assert len(words.concepts) >= 900
    for concept in words.concepts.values():
        assert set(concept.parents) | set(concept.equals) <= set(words.concepts), concept.name
        assert concept.place is None or concept.place in words.places, concept.name
        assert concept.weight in WEIGHTS.values()
    for place in words.places.values():
        assert set(place.parents) <= set(words.places), place.name


def test_every_interpretation_names_known_concepts() -> None:
    from engine.lexicon import rows_of

    known = set(lexicon().concepts)
    unknown = {
        name
        for _, seen, _, said, _ in rows_of("inferences.tsv", 5)
        for name in (seen + ";" + said).replace(" ", "").split(";")
        if name not in known
    }

    assert not unknown


def test_a_level_before_a_word_is_read_as_a_level_alone() -> None:
    for words in (
        "Compression fracture at T12 - the rest is intact.",
        "Disc protrusion from L5 to the sacrum.",
        "Fracture of T12/none.",
    ):
        assert [level for fact in read_facts(words) for level in fact.levels][:1] in (["T12"], ["L5"])


def test_a_longer_phrase_that_fails_hides_no_shorter_one_within_it() -> None:
    words = "difficult to completely exclude pneumonia".split()

    assert [words[term.first] for term in lexicon().find(words)] == ["to", "exclude", "pneumonia"]


@pytest.mark.parametrize("blank", ["XXXX", "xxx", "____", "[**Name**]", "***"])
def test_whatever_marks_a_blank_it_is_one(blank: str) -> None:
    assert [token.text for token in tokens_of(f"seen by {blank} at w/o the patient's T12, .5 cm")] == [
        "seen", "by", "xxxx", "at", "w/o", "the", "patient", "t12", ",", ".5", "cm",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "items",
    [
        "1. At L4-5, disc bulge.\n2. Cauda equina compression.",
        "1) L4-5 disc bulge.\n2) Cauda equina compression.",
        "1.L4-5: disc bulge.\n2.Cauda equina compression.",
        "1. L4-5: disc bulge. 2. Cauda equina compression.",
    ],
)
def test_a_level_stays_in_its_numbered_line(items: str) -> None:
    assert the(items, "disc_bulge").levels == ("L4-L5",)
    assert the(items, "cauda_equina_compression").levels == ()


def test_the_number_of_a_printed_item_is_part_of_its_sentence() -> None:
    text = "Findings of note:\n1. Small effusion\n2. No pneumothorax."

    assert [text[span.start : span.end] for span in sentences_of(text, tokens_of(text))] == [
        "Findings of note:", "1. Small effusion", "2. No pneumothorax.",
    ]  # fmt: skip
