"""Some hundred schedules of crashes and pauses on the agent's own code; bench/chaos_simulation.py plays as many as one has time for."""

from __future__ import annotations

import pytest

from bench.chaos_simulation import BUGS, simulate


@pytest.mark.timeout(600)
def test_no_schedule_of_crashes_loses_repeats_or_reorders_a_draft() -> None:
    played, crashes, failures = simulate(150, first_seed=0, seconds=60)

    assert failures == {}
    assert played >= 20
    assert crashes > played, "the crashes happened"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug != "none"])
def test_a_planted_mistake_is_found(bug: str) -> None:
    _, _, failures = simulate(3000, first_seed=0, bug=bug, seconds=240)

    assert failures, f"{bug} went unnoticed"
