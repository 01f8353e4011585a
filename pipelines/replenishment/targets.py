"""Targets: reorder and order-up-to level of each series in whole units, from the forecast of its days.

From expected days to demand over lead time and review, to a level, and to what packs, shelves and age allow belongs here, frame in, frame
out. What is right by theory is set right by simulation before (calibration.py); where the frames come from is planning.py's.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import special

from pipelines.params import ReplenishmentParams
from pipelines.replenishment.base_stock import backorder_ratio, fill_rate, level_for_fill, lost_sales_ratio
from pipelines.replenishment.distributions import Demand, level_of, negative_binomial
from pipelines.replenishment.newsvendor import cost_of

__all__ = ["CENTRE", "cumulated_forecast", "demand_over", "economics", "levels", "policy_levels", "shifted", "theoretical_ratio"]

CENTRE = "distribution_centre"
"""Kind of a site that stores wait for."""
_DAYS_A_YEAR = 365.0


def cumulated_forecast(forecasts: pl.DataFrame, series: pl.Series) -> np.ndarray:
    """Expected units of the first 0, 1, 2, ... days by [series, days], in the order of `series`; 0 where a series has no forecast.

    `forecasts` has unique_id, lead (1 is the first day) and expected_units.
    """
    horizon = int(forecasts["lead"].max() or 1)
    position = pl.DataFrame({"unique_id": series, "row": np.arange(len(series))})
    known = forecasts.join(position, on="unique_id")
    days = np.zeros((len(series), horizon + 1))
    days[known["row"].to_numpy(), known["lead"].to_numpy()] = known["expected_units"].to_numpy()
    return np.cumsum(days, axis=1)


def demand_over(cumulated: np.ndarray, days: np.ndarray, *, over_dispersion: np.ndarray, days_deviation: np.ndarray) -> Demand:
    """Demand over so many days from now, which may be a fraction; beyond the horizon it goes on at its mean.

    Variance = mean + a mean^2, and the variance of the days times the square of a day's demand.
    """
    rows, last = np.arange(len(cumulated)), cumulated.shape[1] - 1
    whole = np.minimum(np.floor(days).astype(int), last)
    after = np.minimum(whole + 1, last)
    mean = cumulated[rows, whole] + (cumulated[rows, after] - cumulated[rows, whole]) * (days - whole)
    mean = np.where(days > last, cumulated[:, last] / max(last, 1) * days, mean)
    a_day = np.divide(mean, days, out=np.zeros_like(mean), where=days > 0)
    return negative_binomial(mean, mean + over_dispersion * mean**2 + (days_deviation * a_day) ** 2)


def economics(series: pl.DataFrame, knobs: ReplenishmentParams) -> pl.DataFrame:
    """The series with holding_per_day and lost_margin, money a unit.

    Needs unit_value (what a unit is valued at), is_ageing, and holding_share_per_year and margin_share where a rule tells them. An ageing
    article loses what its price falls to when it is cleared, too.
    """
    ageing = pl.when("is_ageing").then(knobs.ageing_loss_per_year * (1 - knobs.salvage_share)).otherwise(0.0)
    yearly = pl.col("holding_share_per_year").fill_null(knobs.holding_share_per_year) + ageing
    margin = pl.col("margin_share").fill_null(knobs.lost_margin_share)
    return series.with_columns(holding_per_day=pl.col("unit_value") * yearly / _DAYS_A_YEAR, lost_margin=pl.col("unit_value") * margin)


def theoretical_ratio(series: pl.DataFrame, knobs: ReplenishmentParams) -> np.ndarray:
    """Probability of covering lead time and review that theory asks for: demand is lost at stores, and waits at centres."""
    holding, margin = series["holding_per_day"].to_numpy(), series["lost_margin"].to_numpy()
    days = (series["lead_time_days"] + series["review_days"]).to_numpy()
    at_store = lost_sales_ratio(holding, margin, days)
    at_centre = backorder_ratio(holding, margin * knobs.late_share_per_day)
    return np.where((series["site_kind"] == CENTRE).to_numpy(), at_centre, at_store)


def shifted(ratio: np.ndarray, shift: np.ndarray | float) -> np.ndarray:
    """A ratio moved on the scale of logits, where one step means the same near 0.5 as near 1."""
    return special.expit(special.logit(np.clip(ratio, 1e-6, 1 - 1e-6)) + shift)


def policy_levels(series: pl.DataFrame, interval: Demand, lead: Demand, knobs: ReplenishmentParams) -> tuple[np.ndarray, np.ndarray]:
    """Working ratio and order-up-to level of each series, before packs and shelves.

    By cost: the ratio of theory, moved by what calibration found (`ratio_shift`). By service (`mode_code` service): the level for the
    fill rate asked of its class, moved the same way; the ratio is what that level covers.
    """
    shift = series["ratio_shift"].to_numpy()
    by_cost = shifted(theoretical_ratio(series, knobs), shift)
    level = level_of(interval, by_cost)
    is_service = (series["mode_code"] == "service").to_numpy()
    if is_service.any():
        asked = shifted(series["asked_fill"].to_numpy(), shift)
        level = np.where(is_service, level_for_fill(interval, lead, asked), level)
    return np.where(is_service, interval.cumulated(level), by_cost), level


def levels(series: pl.DataFrame, cumulated: np.ndarray, knobs: ReplenishmentParams) -> pl.DataFrame:
    """The series with expected_units and units_deviation over lead time and review, working_ratio, reorder_units, order_up_to_units,
    expected_fill and expected_cost (money a day); display_units becomes 0 where nothing is displayed any more.

    Needs lead_time_days, lead_time_deviation_days, review_days, over_dispersion, site_kind, mode_code, asked_fill, ratio_shift,
    holding_per_day, lost_margin, display_units, pack_units, capacity_units, is_ageing.

    Order at or below the reorder level, up to the order-up-to level. Without a cost per order they lie one unit apart, and with one by the
    economic order quantity; whole packs round what is ordered up, and the level by as much. An ageing article is covered for so many
    days at most; a shelf holds at most its capacity; a display is never less than its units.
    """
    lead_days, review = (series[name].to_numpy() for name in ("lead_time_days", "review_days"))
    spread = {"over_dispersion": series["over_dispersion"].to_numpy(), "days_deviation": series["lead_time_deviation_days"].to_numpy()}
    interval = demand_over(cumulated, lead_days + review, **spread)
    lead = demand_over(cumulated, lead_days, **spread)
    ratio, level = policy_levels(series, interval, lead, knobs)
    is_sold = cumulated[:, -1] >= knobs.least_expected_units
    level = np.where(is_sold, level, 0)
    cover = np.ceil(demand_over(cumulated, lead_days + review + knobs.ageing_cover_days, **spread).mean).astype(np.int64)
    level = np.where(series["is_ageing"].to_numpy(), np.minimum(level, cover), level)
    display = np.where(series["is_ageing"].to_numpy() | ~is_sold, 0, series["display_units"].to_numpy())
    base = np.maximum(level, display)
    batch = _batch(series, interval, lead_days + review, knobs)
    capacity = series["capacity_units"].to_numpy()
    up_to = np.where(base > 0, base - 1 + batch, 0)
    up_to = np.where(capacity > 0, np.minimum(up_to, np.maximum(capacity, display)), up_to)
    reorder = np.where(up_to > 0, np.minimum(base - 1, up_to - 1), -1)
    holding, margin = series["holding_per_day"].to_numpy(), series["lost_margin"].to_numpy()
    cost = cost_of(interval, up_to, holding=holding, shortage=margin / np.maximum(review, 1.0))
    return series.with_columns(
        expected_units=pl.Series(interval.mean),
        units_deviation=pl.Series(np.sqrt(interval.variance)),
        working_ratio=pl.Series(ratio),
        reorder_units=pl.Series(reorder, dtype=pl.Int32),
        order_up_to_units=pl.Series(up_to, dtype=pl.Int32),
        display_units=pl.Series(display, dtype=pl.Int32),
        expected_fill=pl.Series(fill_rate(interval, lead, up_to)),
        expected_cost=pl.Series(cost),
    )


def _batch(series: pl.DataFrame, interval: Demand, days: np.ndarray, knobs: ReplenishmentParams) -> np.ndarray:
    """Units of an order at least: the economic order quantity where an order costs something, in whole packs."""
    a_day, holding = interval.mean / days, np.maximum(series["holding_per_day"].to_numpy(), 1e-9)
    fixed = np.where((series["site_kind"] == CENTRE).to_numpy(), knobs.centre_order_cost, knobs.store_order_cost)
    quantity = np.maximum(np.round(np.sqrt(2 * fixed * a_day / holding)), 1)
    pack = series["pack_units"].to_numpy()
    return (np.ceil(quantity / pack) * pack).astype(np.int64)
