"""Validation: the newest days played again, so that ratios are set by what they would have cost.

Bringing history into the simulator's arrays, what was likely asked for on days without stock, and the levels that a policy would have had
day by day belong here; choosing among ratios is calibration.py's. Stores and centres are played apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from pipelines.params import ReplenishmentParams
from pipelines.replenishment.base_stock import level_for_fill
from pipelines.replenishment.calibration import calibrated_shifts
from pipelines.replenishment.distributions import Demand, level_of, negative_binomial
from pipelines.replenishment.frontier import frontier
from pipelines.replenishment.policy_simulator import Supply, Tariff
from pipelines.replenishment.targets import CENTRE, shifted, theoretical_ratio
from pipelines.replenishment.unseen import likely_demand

__all__ = ["Validation", "validation_of"]


@dataclass(frozen=True)
class Validation:
    """The newest days of the sites of a kind: demand [series, paths, days], and the rate a day that was expected on the evening before."""

    series: pl.DataFrame
    demand: np.ndarray
    rate: np.ndarray
    supply: Supply
    tariff: Tariff
    knobs: ReplenishmentParams

    def shifts(self) -> pl.DataFrame:
        """One row per class with its ratio_shift, as calibrated_shifts gives it."""
        service = self.knobs.mode == "service"
        asked = self.series["asked_fill"].to_numpy()
        return calibrated_shifts(
            self.demand,
            self.series["class_code"].to_list(),
            self._levels_at,
            self.knobs.shifts,
            supply=self.supply,
            tariff=self.tariff,
            asked_fill=asked if service else None,
            minimum_series=self.knobs.minimum_class_series,
            warm_up=self.knobs.warm_up_days,
        )

    def frontier(self) -> pl.DataFrame:
        """Fill and stock of quantile levels by their ratio, beside days of cover, the rule that needs no spread."""
        interval, _ = self._demands()
        days = self.supply_days()
        families = {
            "quantile of the forecast": lambda ratio: level_of(interval, ratio)[:, None, :],
            "days of cover": lambda cover: np.ceil(self.rate * (days[:, None] + cover))[:, None, :],
        }
        settings = {"quantile of the forecast": self.knobs.frontier_ratios, "days of cover": [0, 1, 2, 4, 7, 10, 14, 21]}
        return frontier(self.demand, families, settings, supply=self.supply, tariff=self.tariff, warm_up=self.knobs.warm_up_days)

    def supply_days(self) -> np.ndarray:
        """Days from one order until the delivery of the next, per series."""
        return (self.series["lead_time_days"] + self.series["review_days"]).to_numpy()

    def _levels_at(self, shift: float) -> np.ndarray:
        interval, lead = self._demands()
        if self.knobs.mode == "service":
            asked = np.broadcast_to(shifted(self.series["asked_fill"].to_numpy(), shift)[:, None], interval.mean.shape)
            return level_for_fill(interval, lead, asked)[:, None, :]
        return level_of(interval, shifted(theoretical_ratio(self.series, self.knobs), shift)[:, None])[:, None, :]

    def _demands(self) -> tuple[Demand, Demand]:
        spread = self.series["over_dispersion"].to_numpy()[:, None]
        deviation = self.series["lead_time_deviation_days"].to_numpy()[:, None]
        found = []
        for days in (self.supply_days()[:, None], self.series["lead_time_days"].to_numpy()[:, None]):
            mean = self.rate * days
            found.append(negative_binomial(mean, mean + spread * mean**2 + (deviation * self.rate) ** 2))
        return found[0], found[1]


def validation_of(
    series: pl.DataFrame, history: pl.DataFrame, as_of: date, knobs: ReplenishmentParams, *, site_kind: str = "store"
) -> Validation | None:
    """The sites of a kind with enough days behind them, as they were; None where there is none.

    On a day that ended without stock at least as much was asked for as was sold: what that may have been is drawn (unseen.py). The rate is
    the mean demand of the trailing days (unconstrained.py). Customers of stores do not wait; stores wait for their centre, whose demand is
    theirs, day by day.
    """
    window = knobs.validation_days + knobs.warm_up_days
    of_kind = series.filter(pl.col("site_kind") == site_kind)
    begin = as_of - timedelta(days=window - 1)
    first = history.group_by("unique_id").agg(pl.col("ds").min())
    ready = of_kind.join(first, on="unique_id").filter(pl.col("ds") <= begin - timedelta(days=knobs.trailing_days // 2)).drop("ds")
    if ready.is_empty():
        return None
    rated = history.sort("unique_id", "ds").with_columns(
        rate=pl.col("demand").rolling_mean(knobs.trailing_days, min_samples=1).shift(1).over("unique_id")
    )
    rated = rated.with_columns(rate=pl.col("rate").forward_fill().over("unique_id").fill_null(0.0))
    rows = ready.with_row_index("row").select("unique_id", "row")
    cells = rated.filter(pl.col("ds") >= begin).join(rows, on="unique_id").with_columns(day=(pl.col("ds") - begin).dt.total_days())
    sold, rate, is_out = (np.zeros((ready.height, window)) for _ in range(3))
    at = cells["row"].to_numpy(), cells["day"].to_numpy()
    # Where the books are not believed, sales were the demand.
    unseen = pl.col("is_stock_out") & (pl.col("demand").is_null() | (pl.col("demand_variance") > 0))
    sold[at], rate[at], is_out[at] = (cells.select(each).to_series().to_numpy() for each in ("y", "rate", unseen))
    spread = ready["over_dispersion"].to_numpy()
    is_lost = site_kind != CENTRE
    # What stores would have sold on days without stock is no whole number.
    demand = likely_demand(np.round(sold), is_out > 0, rate, spread, paths=knobs.validation_paths if is_lost else 1, seed=knobs.seed)
    # The simulator plays whole days; the spread of lead times is in the levels already.
    lead = np.maximum(np.round(ready["lead_time_days"].to_numpy()), 0).astype(int)
    review = max(round(float(ready["review_days"].median())), 1)
    tariff = Tariff(ready["holding_per_day"].to_numpy(), ready["lost_margin"].to_numpy() * (1 if is_lost else knobs.late_share_per_day))
    return Validation(ready, demand, rate, Supply(lead, review=review, is_lost_sales=is_lost), tariff, knobs)
