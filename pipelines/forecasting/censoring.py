"""Censoring: what was asked for on days on which stock ran out.

A day that closes without stock shows what could be sold: demand was that much or more. Such days are neither days without demand nor
days to leave out, for a day on which the last unit went is likelier one of high demand, and the rest then looks too low. So levels are
fitted on the censored likelihood (Tobin's idea for counts; Nahmias 1994, Naval Research Logistics 41), by expectation-maximisation, and
each such day gets E[D | D >= sold]. What a forecaster does with it is decided elsewhere.

Demand of a day is negative binomial around series' level x effects (weekday, period, and the columns named). Levels are drawn towards what
article and site let expect, the less is known the more (gamma-Poisson).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.forecasting.counts import log_probability, log_tail_probability, mean_of_at_least
from pipelines.params import CensoringParams, read_params

__all__ = ["CensoringReport", "with_expected_demand"]


@dataclass(frozen=True)
class CensoringReport:
    """How many periods were censored, units sold and expected in them, dispersion, rounds until the fit stood still."""

    periods: int
    units_sold: float
    expected_units: float
    dispersion: float
    rounds: int


def with_expected_demand(
    panel: pl.DataFrame,
    *,
    siblings: Sequence[str] = (),
    effects: Sequence[str] = (),
    params: CensoringParams | None = None,
) -> tuple[pl.DataFrame, CensoringReport]:
    """The panel with expected_demand (y, but E[demand | at least y] where is_stock_out) and demand_level (units a period without effects).

    `panel` holds unique_id, ds, y (sold) and is_stock_out; periods without y stay empty. `siblings` are static columns whose values size a
    level (article_id, site_id); `effects` further columns with few values that move demand (a campaign's discount, a holiday). The weekday
    is one where days are not all a week apart. The report tells how much was added.

    All periods given count for all others: in a backtest, give the panel up to the cut-off, or what came later enters what is expected.
    """
    params = params or read_params().censoring
    keyed, units, effect_names = _keyed(panel, siblings, effects, params)
    kinds = (
        keyed.filter(pl.col("y").is_not_null() & ~(pl.col("_out") & (pl.col("y") <= 0)))
        .group_by("_unit", *effect_names, "_out", "y")
        .agg(pl.len().alias("n"))
        .sort("_unit", *effect_names, "_out", "y")
    )
    fit = _Fit(kinds, units, effect_names, list(siblings), params)
    rounds = fit.run()
    mean = fit.means(keyed["_unit"].to_numpy(), [keyed[name].to_numpy() for name in effect_names])
    sold, out = keyed["y"].fill_null(0.0).to_numpy(), keyed["_out"].to_numpy() & keyed["y"].is_not_null().to_numpy()
    expected = np.where(out, sold, np.nan)
    expected[out] = mean_of_at_least(sold[out], mean[out], fit.dispersion)
    found = panel.with_columns(
        pl.when(pl.Series(out)).then(pl.Series(expected)).otherwise(pl.col("y")).alias("expected_demand"),
        pl.Series("demand_level", fit.level[keyed["_unit"].to_numpy()]),
    )
    return found, CensoringReport(int(out.sum()), float(sold[out].sum()), float(np.nansum(expected)), fit.dispersion, rounds)


def _keyed(
    panel: pl.DataFrame, siblings: Sequence[str], effects: Sequence[str], params: CensoringParams
) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    """The panel's rows with numbers of their unit (series and stretch of time) and effects; the series with numbers of their siblings."""
    series = panel.group_by("unique_id").agg(pl.col(name).cast(pl.String).fill_null("").first() for name in siblings).sort("unique_id")
    series = series.with_row_index("_series").with_columns(_numbered(name) for name in siblings)
    days = panel.select(pl.col("ds").cast(pl.Date).to_physical().cast(pl.Int32))["ds"]
    step = max(1, int(days.unique().sort().diff().drop_nulls().min() or 1))
    stretch = (days - (days.min() or 0)) // (step * params.level_periods)
    stretches = int(stretch.max() or 0) + 1
    index = panel.select("unique_id").join(series.select("unique_id", "_series"), on="unique_id", how="left", maintain_order="left")[
        "_series"
    ]
    frame = panel.select(
        (index.cast(pl.Int64) * stretches + stretch).alias("_unit"),
        (days % 7 if step < 7 else days * 0).alias("_weekday"),
        stretch.alias("_stretch"),
        *(_numbered(name).alias(f"_effect_{name}") for name in effects),
        pl.col("y").cast(pl.Float64),
        pl.col("is_stock_out").fill_null(value=False).alias("_out"),
    )
    units = series.select(pl.all().exclude("unique_id").repeat_by(stretches).explode())
    return frame, units, ["_weekday", "_stretch", *(f"_effect_{name}" for name in effects)]


def _numbered(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).fill_null("").rank("dense").cast(pl.Int32) - 1


class _Fit:
    """Levels by unit, effects and one dispersion, fitted on kinds of days: rows that agree in unit, effects, sales and censoring."""

    def __init__(self, kinds: pl.DataFrame, units: pl.DataFrame, effects: list[str], siblings: list[str], params: CensoringParams) -> None:
        self._params = params
        self._unit, self._series = kinds["_unit"].to_numpy(), units["_series"].to_numpy()
        self._effects = [kinds[name].to_numpy() for name in effects]
        self._siblings = [units[name].to_numpy() for name in siblings]
        self._out, self._y, self._n = kinds["_out"].to_numpy(), kinds["y"].to_numpy(), kinds["n"].to_numpy().astype(float)
        self._factors = [np.ones(codes.max() + 1 if codes.size else 1) for codes in self._effects]
        overall = (self._n @ self._y + 0.5) / (self._n.sum() + 1)
        self.level = np.full(units.height, overall)
        self.dispersion = params.dispersions[0]

    def means(self, unit: np.ndarray, effects: Sequence[np.ndarray]) -> np.ndarray:
        """Expected demand of a period of that unit with those effects; effects never seen count 1."""
        mean = self.level[unit]
        for factor, codes in zip(self._factors, effects, strict=True):
            mean = mean * np.where(codes < factor.size, factor[np.minimum(codes, factor.size - 1)], 1.0)
        return mean

    def run(self) -> int:
        """Repeat both steps until the expected demand stands still; returns the number of rounds."""
        before = np.zeros(self.level.size)
        for number in range(1, self._params.rounds + 1):
            mean = self.means(self._unit, self._effects)
            demand = self._y.copy()
            demand[self._out] = mean_of_at_least(self._y[self._out], mean[self._out], self.dispersion)
            self._take_effects(demand, mean)
            self._take_levels(demand)
            if number in {4, 9}:
                self.dispersion = self._likeliest_dispersion()
            moved = np.abs(self.level - before).sum() / max(self.level.sum(), 1e-12)
            before = self.level.copy()
            if number > 9 and moved < self._params.tolerance:
                break
        return number

    def _take_effects(self, demand: np.ndarray, mean: np.ndarray) -> None:
        """Each effect is demand over what all else lets expect, drawn towards 1."""
        weight = self._n / (1 + self.dispersion * mean)
        for position, codes in enumerate(self._effects):
            factor = self._factors[position]
            asked = np.bincount(codes, weight * demand, factor.size) + self._params.effect_events
            expected = np.bincount(codes, weight * mean, factor.size) + self._params.effect_events
            moved = asked / expected
            # The mean effect is 1: what all days have in common belongs to the level.
            weighed = weight * mean
            common = (weighed @ moved[codes] / weighed.sum()) if weighed.size else 1.0
            self._factors[position] = factor * moved / common
            mean = mean * moved[codes] / common
            weight = self._n / (1 + self.dispersion * mean)

    def _take_levels(self, demand: np.ndarray) -> None:
        """Levels are demand over exposure, drawn towards the series' own level of all time, and that towards its siblings'."""
        mean = self.means(self._unit, self._effects)
        exposure = mean / self.level[self._unit]
        weight = self._n / (1 + self.dispersion * mean)
        asked = np.bincount(self._unit, weight * demand, self.level.size)
        exposed = np.bincount(self._unit, weight * exposure, self.level.size)
        series_asked, series_exposed = np.bincount(self._series, asked), np.bincount(self._series, exposed)
        expected = self._level_by_siblings(series_asked, series_exposed)
        series_level = _drawn_in(series_asked, series_exposed, expected, self._params.least_spread)
        self.level = _drawn_in(asked, exposed, series_level[self._series], self._params.least_spread)

    def _level_by_siblings(self, asked: np.ndarray, exposed: np.ndarray) -> np.ndarray:
        """Level that the overall mean times one factor per kind of sibling lets expect, by series (iterative proportional fitting)."""
        expected = np.full(asked.size, max(asked.sum(), 1e-9) / max(exposed.sum(), 1e-9))
        first = np.unique(self._series, return_index=True)[1]
        groups = [codes[first] for codes in self._siblings]
        for _ in range(3 if len(groups) > 1 else 1):
            for codes in groups:
                ratio = (np.bincount(codes, asked) + 0.5) / (np.bincount(codes, exposed * expected) + 0.5)
                expected = expected * ratio[codes]
        return expected

    def _likeliest_dispersion(self) -> float:
        chosen = np.arange(self._y.size)
        if chosen.size > self._params.dispersion_rows:
            chosen = np.random.default_rng(self._params.seed).choice(chosen, self._params.dispersion_rows, replace=False)
        mean = self.means(self._unit, self._effects)[chosen]
        y, n, out = self._y[chosen], self._n[chosen], self._out[chosen]

        def likelihood(dispersion: float) -> float:
            return float(
                n[~out] @ log_probability(y[~out], mean[~out], dispersion) + n[out] @ log_tail_probability(y[out], mean[out], dispersion)
            )

        return max(self._params.dispersions, key=likelihood)


def _drawn_in(asked: np.ndarray, exposed: np.ndarray, expected: np.ndarray, least_spread: float) -> np.ndarray:
    """Gamma-Poisson means: the spread of levels around the expected ones, by the method of moments, is the weight of what was seen."""
    events = exposed * expected
    excess = (np.square(asked - events) - events).sum() / max(np.square(events).sum(), 1e-12)
    prior_events = 1 / np.clip(excess, least_spread, 10.0)
    return expected * (asked + prior_events) / (events + prior_events)
