"""Unconstrained demand: what a period in which stock ran out stands for, told by nothing that came after it.

Such a period shows what could be sold: demand was that much or more. Left out, the rest looks too low, since stock runs out where demand
is high; counted as sold, it looks lower still. So it counts as E[D | D >= sold] of a negative binomial around the level and the season as
they were known just before (the E-step of Nahmias 1994, Naval Research Logistics 41, taken once a period, forwards in time). A period
without any sale in which stock was out tells nothing and stays unknown. Estimates that look back from the end belong in censoring.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pipelines.forecasting.counts import moments_of_at_least

__all__ = ["HALF_LIFE_DAYS", "Unconstrained", "unconstrained", "with_unconstrained_demand"]

HALF_LIFE_DAYS = 14.0
"""Of levels of daily demand."""
_MOST_DISPERSION = 3.0
_PRIOR_UNITS = 50.0
"""All series' sales at a place in the season count as much as the season that they tell, against none, once they are so many."""
_FORGOTTEN = 8
"""Season, dispersion and the share of periods that ran out are remembered for so many times the half-life of levels."""
_OUTLIER = 4.0
"""An error counts up to so many deviations of a geometric count: one bulk order is no dispersion of all series."""
_MOST_ABOVE = 1.5
"""A period that ran out counts for at most so many times the most that its series ever sold in one."""
_ALWAYS_OUT, _CONTRADICTED = 0.8, 0.5
"""Of a series that runs out in more than this share of its periods, and that made this share of its sales right after such a period, the
books are not believed: it sold what they say was not there, so that what was sold is its demand."""


_LEAST = 0.5
"""Sales that contradict the books, the newest counting most, before anything follows from them."""


@dataclass(frozen=True)
class Unconstrained:
    """By series and period: demand, not a number where unknown, and the variance of what stands for it (None: all was seen)."""

    demand: np.ndarray
    variance: np.ndarray | None


def unconstrained(y: np.ndarray, is_censored: np.ndarray, half_life: float, season: int) -> Unconstrained:
    """Demand of what was sold (not a number before launch and where not recorded) and whether stock ran out, by series and period.

    A value depends on its own period and earlier ones alone, of its series and, for season and dispersion, of all. The first period of a
    series counts as sold. Of one that is nearly always out and sells all the same, all periods count as sold, also those without a sale;
    one that sold out and then sold nothing keeps its level.
    """
    if not is_censored.any():
        return Unconstrained(y, None)
    sold, is_out = np.ascontiguousarray(y.T), np.ascontiguousarray(is_censored.T)
    demand, variance = sold.copy(), np.zeros_like(sold)
    series, pooled = _Series(len(y), 0.5 ** (1.0 / half_life), half_life), _Pooled(season, 0.5 ** (1.0 / (_FORGOTTEN * half_life)))
    for period in range(len(sold)):
        here, spread = _period(sold[period].astype(np.float64), is_out[period], series, pooled, period % season)
        demand[period], variance[period] = here, spread
    return Unconstrained(np.ascontiguousarray(demand.T), np.ascontiguousarray(variance.T))


def with_unconstrained_demand(history: pl.DataFrame, half_life: float = HALF_LIFE_DAYS, season: int = 7) -> pl.DataFrame:
    """The rows (unique_id, ds, y, is_stock_out) in order, with demand and demand_variance; demand is null where unknown."""
    rows = history.sort("unique_id", "ds")
    if rows.is_empty():
        return rows.with_columns(demand=pl.lit(None, pl.Float64), demand_variance=pl.lit(None, pl.Float64))
    series = (rows["unique_id"].rank("dense") - 1).to_numpy()
    period = (rows["ds"] - rows["ds"].min()).dt.total_days().to_numpy()
    sold = np.full((series.max() + 1, period.max() + 1), np.nan, dtype=np.float32)
    is_out = np.zeros(sold.shape, dtype=bool)
    sold[series, period] = rows["y"].cast(pl.Float32).fill_null(float("nan")).to_numpy()
    is_out[series, period] = rows["is_stock_out"].fill_null(value=False).to_numpy()
    found = unconstrained(sold, is_out, half_life, season)
    spread = np.zeros(len(series)) if found.variance is None else found.variance[series, period]
    demand = pl.Series(found.demand[series, period].astype(np.float64)).fill_nan(None)
    return rows.with_columns(demand=demand, demand_variance=pl.Series(spread.astype(np.float64)))


@dataclass
class _Series:
    """What each series has shown by now: sums of demand and of the season's factors, newest counting most."""

    count: int
    decay: float
    half_life: float
    total: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.total, self.weight, self.squared_weight, self.most = np.zeros((4, self.count))
        self._seen, self._marked, self._selling, self._contradicted = np.zeros((4, self.count))
        self._was_marked = np.zeros(self.count, dtype=bool)
        self._slow = self.decay ** (1.0 / _FORGOTTEN)

    def level(self) -> np.ndarray:
        return np.divide(self.total, self.weight, out=np.zeros(self.count), where=self.weight > 0)

    def is_believed(self) -> np.ndarray:
        """Where what the books say of stock does not contradict what is sold."""
        is_always_out = (self._seen >= self.half_life) & (self._marked > _ALWAYS_OUT * self._seen)
        return ~(is_always_out & (self._contradicted >= np.maximum(_CONTRADICTED * self._selling, _LEAST)))

    def mark(self, sold: np.ndarray, is_marked: np.ndarray) -> None:
        """Take note of a period: whether it ran out, and whether it sold although the one before had."""
        is_there, sells = np.isfinite(sold), sold > 0
        noted = (is_there, is_marked, sells, sells & self._was_marked)
        kept = (self._seen, self._marked, self._selling, self._contradicted)
        self._seen, self._marked, self._selling, self._contradicted = (
            np.where(is_there, before * self._slow + now, before) for before, now in zip(kept, noted, strict=True)
        )
        self._was_marked = np.where(is_there, is_marked, self._was_marked)

    def take(self, here: np.ndarray, is_known: np.ndarray, factor: float) -> None:
        # Sums over sums: a sale on a day of the week on which nobody sells does not make a level of its own.
        self.total = np.where(is_known, self.total * self.decay + np.nan_to_num(here), self.total)
        self.weight = np.where(is_known, self.weight * self.decay + factor, self.weight)
        self.squared_weight = np.where(is_known, self.squared_weight * self.decay**2 + factor, self.squared_weight)


class _Pooled:
    """What all series have shown by now: the season, and how far demand spreads beyond chance."""

    def __init__(self, season: int, decay: float) -> None:
        self._units, self._expected, self._decay = np.zeros(season), np.zeros(season), decay
        self._excess = self._room = 0.0

    def factor(self, place: int) -> float:
        return float((self._units[place] + _PRIOR_UNITS) / (self._expected[place] + _PRIOR_UNITS))

    def dispersion(self) -> float:
        return min(max(self._excess / self._room, 0.0), _MOST_DISPERSION) if self._room > 0 else 0.0

    def take(self, here: np.ndarray, spread: np.ndarray, level: np.ndarray, squared_weight: np.ndarray, place: int) -> None:
        """`squared_weight` is that of the level, over its squared weight: the level itself is uncertain, which is no dispersion."""
        factor = self.factor(place)
        mean = level * factor
        error = np.minimum(np.square(here - mean), _OUTLIER**2 * (mean + np.square(mean))) + spread
        share = 1.0 / np.square(1.0 + mean)
        self._excess = self._excess * self._decay + float((share * (error - mean * (1 + factor * squared_weight))).sum())
        self._room = self._room * self._decay + float((share * np.square(mean)).sum())
        slow = self._decay ** len(self._units)
        most = mean + _OUTLIER * np.sqrt(mean + np.square(mean))
        self._units[place] = self._units[place] * slow + np.minimum(here, most).sum()
        self._expected[place] = self._expected[place] * slow + level.sum()


def _period(sold: np.ndarray, is_marked: np.ndarray, series: _Series, pooled: _Pooled, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Demand of a period and its variance; what was seen is taken into account for the next."""
    is_out = is_marked & series.is_believed()
    here, spread = np.where(is_out & ~(sold > 0), np.nan, sold), np.zeros(len(sold))
    is_known = np.isfinite(here)
    has_level = is_known & (series.weight > 0)
    level, factor = series.level(), pooled.factor(place)
    series.most = np.fmax(series.most, sold)
    ran_out = has_level & is_out
    if ran_out.any():
        expected, spread[ran_out] = moments_of_at_least(sold[ran_out], factor * level[ran_out], pooled.dispersion())
        here[ran_out] = np.maximum(np.minimum(expected, _MOST_ABOVE * series.most[ran_out]), sold[ran_out])
    uncertainty = series.squared_weight[has_level] / np.square(series.weight[has_level])
    pooled.take(here[has_level], spread[has_level], level[has_level], uncertainty, place)
    series.take(here, is_known, factor)
    series.mark(sold, is_marked)
    return here, spread
