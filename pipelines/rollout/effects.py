"""Effects: difference in differences for sites that go live one after the other, each compared with those that still wait.

Group-time effects after Callaway and Sant'Anna, "Difference-in-Differences with multiple time periods", Journal of Econometrics 225
(2021), with not-yet-treated sites as comparison and the aggregation that weighs every live site and week alike. No live site is ever a
comparison for another, which is what goes wrong with two-way fixed effects when effects grow with time (Goodman-Bacon, same volume).
Two things are ours: the baseline is the mean of the last weeks before a go-live instead of the very last one, and the interval is
Student's with the smaller number of sites less one as degrees of freedom, since roll-outs begin with few.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import t as student

from pipelines.params import RolloutParams

__all__ = ["Estimate", "Panel", "effects_of", "estimate", "panel_of"]


@dataclass(frozen=True)
class Panel:
    """One measure by site and week, NaN where it was not measured. Weeks count from the first one.

    `changed` is the week of a site's go-live, `live` the first whole week with serial numbers, both beyond the last week where it waits.
    """

    values: np.ndarray
    changed: np.ndarray
    live: np.ndarray
    wave: np.ndarray


@dataclass(frozen=True)
class Estimate:
    """An average effect with its standard error; None where too few sites can be compared."""

    effect: float | None
    standard_error: float | None
    live_sites: int
    waiting_sites: int
    site_weeks: int

    def interval(self, level: float) -> tuple[float, float] | tuple[None, None]:
        """Confidence interval; None twice where there is no standard error."""
        if self.effect is None or self.standard_error is None:
            return None, None
        width = float(student.ppf((1 + level) / 2, min(self.live_sites, self.waiting_sites) - 1)) * self.standard_error
        return self.effect - width, self.effect + width


def panel_of(measures: pl.DataFrame, measure: str, *, scale: str) -> Panel | None:
    """The panel of one measure of `rollout_measures`; None where nothing was measured. Scale log takes the natural logarithm."""
    known = measures.filter(pl.col(measure).is_not_null() & ((pl.col(measure) > 0) if scale == "log" else True))
    if known.is_empty():
        return None
    value = pl.col(measure).cast(pl.Float64).log() if scale == "log" else pl.col(measure).cast(pl.Float64)
    first = known["week_start_date"].min()
    week = (pl.col("week_start_date") - first).dt.total_days() // 7
    rows = known.select("site_id", week.alias("week"), value.alias("value"))
    sites = known.group_by("site_id").agg(pl.col("go_live_date", "wave_number").first()).sort("site_id").with_row_index("row")
    weeks = int(rows["week"].max()) + 1
    values = np.full((sites.height, weeks), np.nan)
    placed = rows.join(sites.select("site_id", "row"), on="site_id")
    values[placed["row"].to_numpy(), placed["week"].to_numpy()] = placed["value"].to_numpy()
    monday = pl.col("go_live_date").dt.truncate("1w")
    changed = sites.select(((monday - first).dt.total_days() // 7).fill_null(weeks)).to_series().to_numpy()
    is_whole = sites.select((monday == pl.col("go_live_date")).fill_null(value=True)).to_series().to_numpy()
    live = np.where(is_whole, changed, changed + 1)
    # The week of the change is neither before nor after.
    torn = (changed >= 0) & (changed < weeks) & ~is_whole
    values[np.flatnonzero(torn), changed[torn]] = np.nan
    return Panel(values, changed, live, sites["wave_number"].to_numpy())


def estimate(panel: Panel, knobs: RolloutParams, *, wave: int | None = None, is_placebo: bool = False) -> Estimate:
    """The average effect on live sites, all or those of one wave; as placebo, the trend before the baseline instead.

    Sites are drawn with replacement, whole, so that a site's weeks stay together; a draw without a comparison is left out.
    """
    sites, weeks = panel.values.shape
    draws = np.random.default_rng(knobs.seed).multinomial(sites, np.full(sites, 1 / sites), knobs.draws)
    weights = np.vstack([np.ones(sites), draws]).astype(np.float64)
    total, size = np.zeros(len(weights)), np.zeros(len(weights))
    live_sites, waiting_sites, site_weeks = np.zeros(sites, dtype=bool), np.zeros(sites, dtype=bool), 0
    reach = knobs.baseline_weeks
    for changed in np.unique(panel.changed[(panel.changed > 0) & (panel.changed < weeks)]):
        group = (panel.changed == changed) & ((panel.wave == wave) if wave is not None else True)
        live = int(panel.live[panel.changed == changed][0])
        compared = np.arange(max(0, changed - 2 * reach), max(0, changed - reach)) if is_placebo else np.arange(live, weeks)
        difference = panel.values[:, compared] - _mean(panel.values[:, max(0, changed - reach) : changed])[:, None]
        known = np.isfinite(difference)
        treated = known & group[:, None]
        waiting = known & (panel.changed[:, None] > np.maximum(compared, changed)[None])
        usable = treated.any(axis=0) & (waiting.sum(axis=0) >= knobs.minimum_sites)
        treated, waiting, difference = treated[:, usable], waiting[:, usable], np.where(known, difference, 0.0)[:, usable]
        of_treated, of_waiting = weights @ treated, weights @ waiting
        is_drawn = (of_treated > 0) & (of_waiting > 0)
        expected = of_treated * (weights @ (difference * waiting)) / np.where(is_drawn, of_waiting, 1.0)
        total += np.where(is_drawn, weights @ (difference * treated) - expected, 0.0).sum(axis=1)
        size += np.where(is_drawn, of_treated, 0.0).sum(axis=1)
        live_sites |= treated.any(axis=1)
        waiting_sites |= waiting.any(axis=1)
        site_weeks += int(treated.sum())
    if not site_weeks:
        return Estimate(None, None, 0, 0, 0)
    effect = total[0] / size[0]
    resampled = (total[1:] / np.where(size[1:] > 0, size[1:], np.nan))[size[1:] > 0]
    few = min(int(live_sites.sum()), int(waiting_sites.sum()))
    error = float(resampled.std(ddof=1) * np.sqrt(few / (few - 1))) if few >= max(2, knobs.minimum_sites) else None
    sign = -1.0 if is_placebo else 1.0
    return Estimate(sign * float(effect), error, int(live_sites.sum()), int(waiting_sites.sum()), site_weeks)


def effects_of(measures: pl.DataFrame, knobs: RolloutParams) -> pl.DataFrame:
    """One row per measure and scope, in the columns of `rollout_effects`; no rows where nothing can be compared."""
    rows = []
    for measure, scale in knobs.measures.items():
        panel = panel_of(measures, measure, scale=scale)
        if panel is None:
            continue
        as_of = measures.filter(pl.col(measure).is_not_null())["week_start_date"].max()
        for wave in [None, *sorted({int(w) for w in panel.wave[panel.changed < panel.values.shape[1]]})]:
            found = estimate(panel, knobs, wave=wave)
            if found.effect is None:
                continue
            lower, upper = found.interval(knobs.confidence_level)
            before = estimate(panel, knobs, wave=wave, is_placebo=True)
            before_lower, before_upper = before.interval(knobs.confidence_level)
            rows.append(
                {
                    "measure_name": measure,
                    "scope_code": "all" if wave is None else f"wave_{wave}",
                    "scale_code": scale,
                    "effect": found.effect,
                    "standard_error": found.standard_error,
                    "lower_bound": lower,
                    "upper_bound": upper,
                    "is_significant": None if lower is None else not lower <= 0 <= upper,
                    "relative_effect_pct": float(np.expm1(found.effect) * 100) if scale == "log" else None,
                    "trend_before": before.effect,
                    "trend_before_lower_bound": before_lower,
                    "trend_before_upper_bound": before_upper,
                    "live_sites": found.live_sites,
                    "waiting_sites": found.waiting_sites,
                    "site_weeks": found.site_weeks,
                    "confidence_level": knobs.confidence_level,
                    "as_of_date": as_of,
                }
            )
    return pl.DataFrame(rows)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean by row over what is known; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)
