"""Difference in differences: exact where it can be computed by hand, and honest about chance."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines.params import read_params
from pipelines.rollout.effects import Panel, effects_of, estimate, panel_of

KNOBS = replace(read_params().rollout, draws=199)
MONDAY = date(2026, 1, 5)
WEEKS = 20


def random_panel(seed: int, effect: float, *, live: int = 6, waiting: int = 8, growth: float = 0.0) -> Panel:
    """Sites with levels of their own, a common wandering trend, noise, and an effect that differs by site and may grow by week."""
    rng = np.random.default_rng(seed)
    changed = np.concatenate([np.resize([7, 10, 13], live), np.full(waiting, WEEKS)])
    since = np.arange(WEEKS)[None] - changed[:, None]
    values = rng.normal(0, 0.4, live + waiting)[:, None] + np.cumsum(rng.normal(0.02, 0.05, WEEKS))[None]
    values = values + rng.normal(0, 0.06, values.shape)
    values += np.where(since >= 0, effect + rng.normal(0, 0.03, live + waiting)[:, None] + growth * since, 0)
    return Panel(values, changed, changed.copy(), np.concatenate([np.resize([1, 2, 3], live), np.full(waiting, 4)]))


def test_without_noise_the_effect_is_exact():
    panel = random_panel(1, 0.0)
    level, trend = np.arange(14.0)[:, None], np.sin(np.arange(WEEKS))[None]
    exact = replace(panel, values=level + trend + np.where(np.arange(WEEKS)[None] >= panel.changed[:, None], -0.3, 0))
    found = estimate(exact, KNOBS)
    assert found.effect == pytest.approx(-0.3)
    assert found.standard_error == pytest.approx(0, abs=1e-9)
    assert estimate(exact, KNOBS, is_placebo=True).effect == pytest.approx(0, abs=1e-9)


def test_an_effect_that_grows_is_not_blurred_by_sites_that_went_live_before():
    # Two-way fixed effects take early sites as comparison for late ones, and find too little, or the wrong sign.
    panel = random_panel(2, 0.0)
    since = np.arange(WEEKS)[None] - panel.changed[:, None]
    growing = replace(panel, values=np.where(since >= 0, 0.1 * (since + 1), 0.0))
    wanted = np.mean([0.1 * (week + 1) for changed in panel.changed[:6] for week in range(WEEKS - changed)])
    assert estimate(growing, KNOBS).effect == pytest.approx(wanted)


@pytest.mark.parametrize("effect", [0.0, -0.2])
def test_intervals_hold_what_they_promise(effect):
    found = [estimate(random_panel(seed, effect), KNOBS).interval(0.95) for seed in range(60)]
    covered = sum(lower <= effect <= upper for lower, upper in found)
    # 95 % of 60 are 57; 52 or fewer would come by chance once in a hundred.
    assert covered >= 53
    significant = sum(not lower <= 0 <= upper for lower, upper in found)
    assert significant <= 7 if effect == 0 else significant >= 57


def measured(panel: Panel, *, midweek: bool = False) -> pl.DataFrame:
    """The panel as rows of rollout_measures, one measure."""
    day = timedelta(days=2 if midweek else 0)
    rows = [
        {
            "site_id": f"S{site}",
            "week_start_date": MONDAY + timedelta(weeks=week),
            "go_live_date": MONDAY + timedelta(weeks=int(panel.changed[site])) + day if panel.changed[site] < WEEKS else None,
            "wave_number": int(panel.wave[site]),
            "receipt_minutes_per_unit": float(np.exp(panel.values[site, week])),
        }
        for site in range(len(panel.changed))
        for week in range(WEEKS)
    ]
    return pl.DataFrame(rows)


def test_rows_in_any_order_give_the_same_effects():
    knobs = replace(KNOBS, measures={"receipt_minutes_per_unit": "log"})
    rows = measured(random_panel(3, -0.2))
    effects = effects_of(rows, knobs)
    assert effects.equals(effects_of(rows.sample(fraction=1.0, shuffle=True, seed=5), knobs))
    assert effects["scope_code"].to_list() == ["all", "wave_1", "wave_2", "wave_3"]
    everything = effects.row(0, named=True)
    assert everything["live_sites"] == 6
    assert everything["waiting_sites"] == 12, "sites of later waves are a comparison until they go live themselves"
    assert everything["is_significant"] is True
    assert everything["relative_effect_pct"] == pytest.approx(np.expm1(everything["effect"]) * 100)
    assert effects.filter(pl.col("live_sites") == 2)["lower_bound"].null_count() == 0


def test_the_week_of_a_go_live_in_its_midst_is_neither_before_nor_after():
    panel = panel_of(measured(random_panel(4, -0.2), midweek=True), "receipt_minutes_per_unit", scale="log")
    assert np.isnan(panel.values[0, panel.changed[0]])
    assert panel.live[0] == panel.changed[0] + 1


def test_too_few_sites_give_no_interval_and_no_comparison_gives_no_effect():
    one = estimate(random_panel(5, -0.2, live=1), KNOBS)
    assert one.effect is not None
    assert one.interval(0.95) == (None, None)
    alone = estimate(random_panel(6, -0.2, live=1, waiting=1), KNOBS)
    assert (alone.effect, alone.live_sites, alone.site_weeks) == (None, 0, 0)
    assert effects_of(measured(random_panel(7, 0.0)).head(0), replace(KNOBS, measures={"receipt_minutes_per_unit": "log"})).is_empty()
