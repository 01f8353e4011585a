"""Unconstrained demand: what a period in which stock ran out stands for, told by nothing that came after it.

Such a period shows what could be sold: demand was that much or more. Left out, the rest looks too low, since stock runs out where demand
is high; counted as sold, it looks lower still. So it counts as E[D | D >= sold] of a negative binomial around the level and the season as
they were known just before (the E-step of Nahmias 1994, Naval Research Logistics 41, taken once a period, forwards in time). A period
without any sale in which stock was out tells nothing and stays unknown. Estimates that look back from the end belong in censoring.py.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.forecasting.counts import mean_of_at_least

__all__ = ["demand_given_forecast", "unconstrained_demand", "with_unconstrained_demand"]

_MOST_DISPERSION = 3.0
_PRIOR_UNITS = 50.0
"""All series' sales at a place in the season count as much as the season that they tell, against none, once they are so many."""


def unconstrained_demand(y: np.ndarray, is_censored: np.ndarray, half_life: float, season: int) -> np.ndarray:
    """Demand by series and period, not a number where unknown: before launch, not recorded, or out of stock all along.

    A value depends on its own period and earlier ones alone, of its series and, for season and dispersion, of all.
    """
    demand = np.where(is_censored & ~(y > 0), np.float32(np.nan), y).astype(np.float32)
    if not (is_censored & (y > 0)).any():
        return demand
    decay = 0.5 ** (1.0 / half_life)
    total, weight, squared_weight = (np.zeros(len(y)) for _ in range(3))
    units, expected_units = np.zeros(season), np.zeros(season)
    excess = room = 0.0
    for period in range(y.shape[1]):
        here, place = demand[:, period].astype(np.float64), period % season
        is_known = np.isfinite(here)
        has_level = is_known & (weight > 0)
        level = np.divide(total, weight, out=np.zeros(len(y)), where=weight > 0)
        factor = (units[place] + _PRIOR_UNITS) / (expected_units[place] + _PRIOR_UNITS)
        mean = level * factor
        out = has_level & is_censored[:, period]
        if out.any():
            dispersion = min(max(excess / room if room > 0 else 0.0, 0.0), _MOST_DISPERSION)
            here[out] = mean_of_at_least(here[out], mean[out], dispersion)
            demand[out, period] = here[out]
        seen = has_level
        # The level itself is uncertain: its variance is no dispersion of demand.
        uncertainty = squared_weight[seen] / np.square(weight[seen])
        excess += float((np.square(here[seen] - mean[seen]) - mean[seen] * (1 + factor * uncertainty)).sum())
        room += float(np.square(mean[seen]).sum())
        units[place] += here[has_level].sum()
        expected_units[place] += level[has_level].sum()
        total = np.where(is_known, total * decay + np.nan_to_num(here) / factor, total)
        weight = np.where(is_known, weight * decay + 1, weight)
        squared_weight = np.where(is_known, squared_weight * decay**2 + 1, squared_weight)
    return demand


def with_unconstrained_demand(history: pl.DataFrame, half_life: float, season: int = 7) -> pl.DataFrame:
    """The rows (unique_id, ds, y, is_stock_out) in order, with `demand` as unconstrained_demand gives it, null where unknown."""
    rows = history.sort("unique_id", "ds")
    if rows.is_empty():
        return rows.with_columns(demand=pl.lit(None, pl.Float64))
    series = (rows["unique_id"].rank("dense") - 1).to_numpy()
    period = (rows["ds"] - rows["ds"].min()).dt.total_days().to_numpy()
    sold = np.full((series.max() + 1, period.max() + 1), np.nan, dtype=np.float32)
    is_out = np.zeros(sold.shape, dtype=bool)
    sold[series, period] = rows["y"].fill_null(float("nan")).to_numpy()
    is_out[series, period] = rows["is_stock_out"].fill_null(value=False).to_numpy()
    found = unconstrained_demand(sold, is_out, half_life, season)[series, period]
    return rows.with_columns(demand=pl.Series(found.astype(np.float64)).fill_nan(None))


def demand_given_forecast(judged: pl.DataFrame) -> pl.Series:
    """Demand that judged forecasts (y, expected_units, is_stock_out) are held against, row by row, null where nothing is known.

    Where stock ran out it is what the forecast itself expects of at least as much as was sold, so that over all days a right forecast
    errs by nothing: the days that stayed in stock alone sold less than was expected (generalised residuals: Gourieroux, Monfort, Renault
    and Trognon 1987, Journal of Econometrics 34). Demand is taken as a Poisson count.
    """
    sold, expected = (judged[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in ("y", "expected_units"))
    is_out = judged["is_stock_out"].fill_null(value=False).to_numpy()
    found = np.where(is_out & ~(sold > 0), np.nan, sold)
    ran_out = is_out & (sold > 0)
    found[ran_out] = mean_of_at_least(sold[ran_out], np.maximum(expected[ran_out], 1e-9), 0.0)
    return pl.Series("demand", found).fill_nan(None)
