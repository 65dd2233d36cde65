"""The probes count a neighbour's impression as a trick only where it says something else."""

from __future__ import annotations

from bench import safety_probes as probes


def report(number: int, findings: str, impression: str) -> probes.Row:
    told = {"indication": "", "comparison": "", "mesh": [f"code {number}"]}
    return {"id": f"made/{number}", "findings": findings, "impression": impression, **told}


ROWS = [
    report(1, "Left lung hyperexpanded. Heart normal. Large left pneumothorax.", "Large left pneumothorax."),
    report(2, "Left lung hyperexpanded. Heart normal. Large left pneumothorax today.", "There is a large left pneumothorax."),
    report(3, "Fracture of the right clavicle. Lungs clear.", "Right clavicle fracture."),
    report(4, "Fracture of the right clavicle again. Lungs clear. Heart normal.", "Left clavicle fracture."),
]


def test_a_neighbour_who_says_the_same_is_counted_apart_from_one_who_says_otherwise() -> None:
    tricks = probes.measure(ROWS, ROWS, 0)["tricks"]

    assert tricks["neighbour"]["asked"] == 4
    assert tricks["neighbour of other facts"]["asked"] == 2


def test_the_cheap_tricks_lose_to_what_was_written_for_the_report() -> None:
    tricks = probes.measure(ROWS[:3], ROWS, 0)["tricks"]

    assert all(tricks[name]["loses"] == 1.0 for name in ("constant", "denials", "findings copied", "every concept"))


def test_a_planted_error_scores_below_the_untouched_impression() -> None:
    figures = probes.planted(ROWS[:3], seed=7)

    assert figures["asked"] >= 5
    assert figures["lower"] == 1.0
