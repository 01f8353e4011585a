"""Go or no-go: every criterion alone is enough to stop a wave."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from pipelines.params import read_params
from pipelines.rollout.decisions import decisions_of

KNOBS = read_params().rollout
MONDAY = date(2026, 6, 1)


def sites(**changed) -> pl.DataFrame:
    live = {
        "site_id": "S101", "wave_number": 1, "plan_status_name": "live", "planned_go_live_date": date(2026, 3, 2),
        "go_live_date": date(2026, 3, 2), "state_name": "live", "is_held": False,
    }  # fmt: skip
    later = {"plan_status_name": "planned", "go_live_date": None, "state_name": "waiting"}
    coming = [{**live, **later, "site_id": f"W10{k}", "wave_number": 1 + k, "planned_go_live_date": date(2026, 6, 10 + k)} for k in (1, 2)]
    return pl.DataFrame([live | changed, *coming])


def measures(off: float = 2.0) -> pl.DataFrame:
    row = {"site_id": "S101", "week_start_date": MONDAY, "tracking_name": "serial", "book_units": 100.0, "units_off": off}
    return pl.DataFrame([row, {**row, "week_start_date": date(2026, 3, 9), "units_off": 90.0}])


def effects(**bounds) -> pl.DataFrame:
    found = {
        "accuracy_share": (0.01, 0.05), "receipt_minutes_per_unit": (-0.3, -0.1), "transfer_minutes_per_unit": (-0.1, 0.05),
        "count_minutes_per_unit": (-0.6, -0.4),
    } | bounds  # fmt: skip
    rows = [{"measure_name": m, "scope_code": "all", "lower_bound": low, "upper_bound": high} for m, (low, high) in found.items()]
    return pl.DataFrame(rows)


def test_a_wave_goes_where_every_criterion_is_met():
    found = decisions_of(sites(), measures(), effects(), KNOBS)
    assert found["decision_code"].unique().to_list() == ["go"]
    assert found["is_met"].all()
    assert found["wave_number"].unique().to_list() == [2], "the next wave, not the one after"
    assert found["sites"].unique().to_list() == [1]
    accuracy = found.filter(pl.col("criterion_code") == "accuracy_of_live_sites")
    assert accuracy["value"].item() == pytest.approx(0.98), "of the last weeks alone"


@pytest.mark.parametrize(
    ("criterion", "given"),
    [
        ("held_sites", {"of_sites": {"state_name": "held", "is_held": True}}),
        ("unchecked_sites", {"of_sites": {"state_name": "loaded"}}),
        ("weeks_since_last_wave", {"of_sites": {"go_live_date": date(2026, 5, 18)}}),
        ("accuracy_of_live_sites", {"off": 6.0}),
        ("accuracy_effect", {"bounds": {"accuracy_share": (-0.01, 0.05)}}),
        ("receipt_minutes_effect", {"bounds": {"receipt_minutes_per_unit": (0.0, 0.12)}}),
        ("count_minutes_effect", {"bounds": {"count_minutes_per_unit": (None, None)}}),
    ],
)
def test_one_criterion_that_fails_or_is_not_known_is_a_no_go(criterion, given):
    found = decisions_of(sites(**given.get("of_sites", {})), measures(given.get("off", 2.0)), effects(**given.get("bounds", {})), KNOBS)
    assert found["decision_code"].unique().to_list() == ["no_go"]
    failed = found.filter(~pl.col("is_met"))
    assert failed["criterion_code"].to_list() == [criterion]
    # What to do is told after what was found.
    assert len(failed["verdict"].item().split(". ")) >= 2


def test_a_held_site_is_named():
    found = decisions_of(sites(state_name="held", is_held=True), measures(), effects(), KNOBS)
    assert "(S101): 1, wanted at most 0. Mend the loads" in found["verdict"][0]


def test_without_a_wave_ahead_or_measures_nothing_is_decided():
    assert decisions_of(sites().head(1), measures(), effects(), KNOBS).is_empty()
    assert decisions_of(sites(), measures().head(0), effects(), KNOBS).is_empty()
