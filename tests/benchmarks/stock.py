"""Stock benchmark: `python -m tests.benchmarks.stock` plays the product's policy on the simulated retailer, beside what it replaces.

The retailer's true demand is known, that which found no unit included. Forecasts are made at weekly cut-offs from what was seen alone: the
sales of shops that run by minimum and maximum levels, with their stock-outs, and campaigns three weeks before they start. Lead times and
spreads are learned, and the ratio calibrated, on days before the held-back ones. All policies meet the same demand, the same delivery days
and the same transits; the days of the warm-up are played and not counted.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from rich.console import Console

from pipelines.forecasting.engine import forecast_panel
from pipelines.forecasting.panel import panel_of
from pipelines.forecasting.unconstrained import with_unconstrained_demand
from pipelines.models.demand import demand_config, learn
from pipelines.params import Params, read_params
from pipelines.replenishment.base_stock import lost_sales_ratio
from pipelines.replenishment.calibration import calibrated_shifts
from pipelines.replenishment.classes import with_classes
from pipelines.replenishment.distributions import Demand, level_of, negative_binomial
from pipelines.replenishment.frontier import by_class, outcome_row
from pipelines.replenishment.newsvendor import critical_ratio
from pipelines.replenishment.policy_simulator import Outcome, Supply, Tariff, best_constant_levels, simulate_policy
from pipelines.replenishment.spreads import over_dispersion, window_sums
from pipelines.replenishment.targets import cumulated_forecast, shifted
from pipelines.replenishment.unseen import likely_demand
from pipelines.simulator.calendar import trading_calendar
from pipelines.simulator.config import SimulationConfig
from pipelines.simulator.demand import draw_demand
from pipelines.simulator.master import CENTRES, build_master
from pipelines.simulator.replenishing import MinMaxPolicy, arrivals, delivery_days, flow_frame, flow_of
from pipelines.simulator.supply import build_routes
from pipelines.summary import table_of

WARM_UP, HELD_BACK, VALIDATION, STEP = 14, 56, 56, 7
_PLANNED_AHEAD = 21


@dataclass(frozen=True)
class Retailer:
    """Series that run over the whole window, their true demand by [series, day], and when orders of an evening arrive."""

    series: pl.DataFrame
    frame: pl.DataFrame
    demand: np.ndarray
    rates: np.ndarray
    reviews: np.ndarray
    lead_times: np.ndarray
    flow_cost: dict[str, np.ndarray]
    start: date


def retailer_of(config: SimulationConfig) -> Retailer:
    """The simulated retailer under its own minimum and maximum levels."""
    master = build_master(config)
    drawn, routes = draw_demand(config, master), build_routes(config)
    flow = flow_of(config, master, drawn, routes, MinMaxPolicy())
    frame = flow_frame(config, master, drawn, flow)
    begin = config.start + timedelta(days=config.days - HELD_BACK - VALIDATION - 2 * WARM_UP - 56)
    whole = frame.group_by("unique_id").agg(pl.col("ds").min()).filter(pl.col("ds") <= begin).select("unique_id")
    frame = frame.join(whole, on="unique_id", how="semi").sort("unique_id", "ds")
    series = frame.select("unique_id", "article", "site").unique().sort("unique_id")
    price = pl.DataFrame({"article": master.articles.plain, "price": master.articles.price / 100.0})
    series = series.join(price.unique("article"), on="article", how="left", maintain_order="left")
    store = pl.DataFrame({"site": master.sites.code, "store": np.arange(len(master.sites.code)) - CENTRES})
    position = series.join(store, on="site", how="left", maintain_order="left")["store"].to_numpy()
    days = config.days
    arrival, review = arrivals(routes, days), delivery_days(routes, days)
    # An order of the evening is one of the next morning; what would arrive after the end never does.
    lead = np.concatenate([np.zeros((len(arrival), 1), dtype=int), np.minimum(arrival[:, :-1], days) - np.arange(1, days)], axis=1)
    morning = np.concatenate([np.zeros((len(review), 1), dtype=bool), review[:, :-1]], axis=1)
    arrays = {name: _by_day(frame, series, name, config.start, days) for name in ("demand", "stock", "lost", "sold", "expected_demand")}
    rates = arrays.pop("expected_demand")
    return Retailer(series, frame, arrays.pop("demand"), rates, morning[position], lead[position], arrays, config.start)


def _by_day(frame: pl.DataFrame, series: pl.DataFrame, column: str, start: date, days: int) -> np.ndarray:
    """A column as [series, day]; 0 before a series starts."""
    rows = frame.join(series.with_row_index("row").select("row", "unique_id"), on="unique_id")
    found = np.zeros((series.height, days))
    found[rows["row"].to_numpy(), (rows["ds"] - start).dt.total_days().to_numpy()] = rows[column].to_numpy()
    return found


def seen_panel(retailer: Retailer, config: SimulationConfig) -> pl.DataFrame:
    """What the retailer could see: sales, stock-outs, campaigns from three weeks before, the calendar."""
    calendar = trading_calendar(config.start, config.days).rename({"calendar_date": "ds"}).drop("holiday_name")
    return retailer.frame.join(calendar, on=["ds", "region"], how="left").select(
        "unique_id",
        "ds",
        article_id="article",
        site_id="site",
        y=pl.col("sold").cast(pl.Float64),
        is_stock_out="is_stock_out",
        is_holiday="is_holiday",
        is_open="is_open",
        campaign_discount_pct=pl.col("discount_pct").cast(pl.Float64).fill_null(0.0),
        campaign_discount_pct_planned_at=pl.when(pl.col("discount_pct") > 0).then(pl.col("ds") - pl.duration(days=_PLANNED_AHEAD)),
    )


def forecasts_at(panel: pl.DataFrame, cutoffs: list[date], params: Params, *, learn_every: int) -> pl.DataFrame:
    """cutoff, unique_id, ds, lead, expected_units at each cut-off, from what was seen by then; learned anew at every n-th."""
    found, learned = [], None
    for number, cutoff in enumerate(cutoffs):
        is_known = pl.col("ds") <= cutoff
        known = panel.with_columns(y=pl.when(is_known).then("y"), is_stock_out=pl.col("is_stock_out") & is_known)
        known = known.filter(pl.col("ds") <= cutoff + timedelta(days=params.demand.horizon_days))
        if number % learn_every == 0:
            learned = learn(known, params)
        forecast = forecast_panel(learned.engine, panel_of(known, demand_config(params, known.columns)))
        found.append(forecast.select(pl.lit(cutoff).alias("cutoff"), "unique_id", "ds", "lead", "expected_units"))
    return pl.concat(found)


def intervals(retailer: Retailer, until: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of the days that a level has to last, per series: from a review to the arrival of the next order, as seen."""
    mean, deviation = np.zeros(len(retailer.series)), np.zeros(len(retailer.series))
    days = np.arange(retailer.reviews.shape[1])
    arrival = days[None] + retailer.lead_times
    keys = retailer.series["site"].to_numpy()
    for site in np.unique(keys):
        rows = np.flatnonzero(keys == site)
        at = np.flatnonzero(retailer.reviews[rows[0], :until])
        lasts = arrival[rows[0], at[1:]] - at[:-1]
        lasts = lasts[arrival[rows[0], at[1:]] < until]
        mean[rows], deviation[rows] = lasts.mean(), lasts.std()
    return mean, deviation


def demands(
    retailer: Retailer, forecasts: pl.DataFrame, first: int, last: int, *, spread: np.ndarray, lasts: np.ndarray, deviation: np.ndarray
) -> Demand:
    """Demand over the interval after each day's review, [series, days]: by the newest forecast of the evening before."""
    mean = np.zeros((len(retailer.series), last - first))
    for (cutoff,), part in forecasts.group_by("cutoff", maintain_order=True):
        cumulated = cumulated_forecast(part, retailer.series["unique_id"])
        known_until = (cutoff - retailer.start).days
        for day in range(max(known_until + 1, first), min(known_until + 1 + STEP, last)):
            gone = day - known_until - 1
            grid = np.arange(cumulated.shape[1])
            ends = np.minimum(gone + lasts, grid[-1])
            low = np.floor(ends).astype(int)
            rows = np.arange(len(mean))
            high = np.minimum(low + 1, grid[-1])
            at_end = cumulated[rows, low] + (cumulated[rows, high] - cumulated[rows, low]) * (ends - low)
            mean[:, day - first] = at_end - cumulated[:, gone]
    a_day = mean / lasts[:, None]
    return negative_binomial(mean, mean + spread[:, None] * mean**2 + (deviation[:, None] * a_day) ** 2)


@dataclass(frozen=True)
class Judged:
    """What was found: cost by policy, and the product's by class against the best constant levels in hindsight, of the days that came and
    of days as they might have come.
    """

    policies: pl.DataFrame
    classes: pl.DataFrame
    expected: pl.DataFrame
    shifts: pl.DataFrame


def judged(config: SimulationConfig, params: Params, *, learn_every: int = 9, paths: int = 30) -> Judged:
    """Play all policies on the held-back days."""
    knobs = params.replenishment
    retailer = retailer_of(config)
    panel = seen_panel(retailer, config)
    first = config.days - HELD_BACK - VALIDATION - WARM_UP
    cutoffs = [config.start + timedelta(days=day - 1) for day in range(first, config.days, STEP)]
    forecasts = forecasts_at(panel, cutoffs, params, learn_every=learn_every)
    lasts, deviation = intervals(retailer, first)
    begin, held_back = first, config.days - HELD_BACK
    known = [cutoff for cutoff in cutoffs if cutoff + timedelta(days=8) < config.start + timedelta(days=held_back - WARM_UP)]
    matched = forecasts.filter(pl.col("cutoff").is_in(known)).join(
        with_unconstrained_demand(panel).select("unique_id", "ds", "demand", "demand_variance"), on=["unique_id", "ds"]
    )
    dispersed = over_dispersion(
        window_sums(matched, window_days=max(round(lasts.mean()), 1)), bins=knobs.dispersion_bins, prior_windows=knobs.prior_windows
    )
    spread = retailer.series.join(dispersed, on="unique_id", how="left", maintain_order="left")["over_dispersion"].fill_null(0.1).to_numpy()
    value = retailer.series["price"].to_numpy() * (1 - knobs.lost_margin_share)
    tariff = Tariff(value * knobs.holding_share_per_year / 365, value * knobs.lost_margin_share)
    series = with_classes(_past(retailer, begin), value_shares=knobs.value_shares, variations=knobs.variations).sort("unique_id")
    theory = lost_sales_ratio(tariff.holding, tariff.shortage, lasts)
    demand_of = {"spread": spread, "lasts": lasts, "deviation": deviation}

    validated = demands(retailer, forecasts, begin, held_back, **demand_of)
    sold = retailer.flow_cost["sold"][:, begin:held_back]
    out = retailer.flow_cost["stock"][:, begin:held_back] == 0
    likely = likely_demand(sold, out, validated.mean / lasts[:, None], spread, paths=knobs.validation_paths, seed=knobs.seed)
    codes = series["class_code"].to_list()
    shifts = calibrated_shifts(
        likely, codes, lambda shift: level_of(validated, shifted(theory[:, None], shift))[:, None, :], knobs.shifts,
        supply=_supply(retailer, begin, held_back), tariff=tariff, minimum_series=knobs.minimum_class_series, warm_up=WARM_UP,
    )  # fmt: skip
    shift = series.join(shifts, on="class_code", how="left", maintain_order="left")["ratio_shift"].to_numpy()

    begin = held_back - WARM_UP
    truth = retailer.demand[:, begin:][:, None, :]
    supply = _supply(retailer, begin, config.days)
    interval = demands(retailer, forecasts, begin, config.days, **demand_of)
    plain = critical_ratio(tariff.holding, tariff.shortage)

    # What might have come as well: the truth that demand was drawn from, drawn again. One level per series has to serve all of it.
    shape = (len(theory), paths, WARM_UP + HELD_BACK)
    likely_paths = np.random.default_rng(knobs.seed).poisson(np.round(retailer.rates[:, begin:], 6)[:, None, :], shape)

    def played(levels: np.ndarray) -> tuple[Outcome, Outcome]:
        came, might = (
            simulate_policy(days, levels[:, None, :], supply=supply, tariff=tariff, warm_up=WARM_UP) for days in (truth, likely_paths)
        )
        return came, might

    rate = interval.mean / lasts[:, None]
    policies = {
        "product: calibrated ratio": played(level_of(interval, shifted(theory, shift)[:, None])),
        "corrected ratio, not calibrated": played(level_of(interval, theory[:, None])),
        "plain newsvendor ratio": played(level_of(interval, plain[:, None])),
        "mean x cover, 7 days": played(np.ceil(rate * (lasts[:, None] + 7))),
        "mean x cover, 14 days": played(np.ceil(rate * (lasts[:, None] + 14))),
    }
    window = np.ones(int(np.ceil(lasts.max())) + 4)
    highest = np.array([np.convolve(row, window).max() for row in likely_paths.max(axis=1)])
    _, best_expected = best_constant_levels(likely_paths, supply=supply, tariff=tariff, highest=highest, warm_up=WARM_UP)
    _, hindsight = best_constant_levels(truth, supply=supply, tariff=tariff, highest=highest, warm_up=WARM_UP)
    flow = {name: each[:, held_back:].mean(axis=1) for name, each in retailer.flow_cost.items()}
    own = {
        "cost": float((tariff.holding * flow["stock"] + tariff.shortage * flow["lost"]).sum()),
        "fill": float(flow["sold"].sum() / (flow["sold"] + flow["lost"]).sum()),
        "stock": float(flow["stock"].sum()),
        "turns": float(flow["sold"].sum() / flow["stock"].sum()),
        "cycle_service": None,
    }
    rows = [{"policy": "min/max, as the retailer runs it", **own}]
    rows += [{"policy": name, **outcome_row(came), "expected_cost": float(might.cost.sum())} for name, (came, might) in policies.items()]
    best = {"cost": float(hindsight.sum()), "expected_cost": float(best_expected.sum())}
    rows.append({"policy": "best constant level of each series, in hindsight", **best})
    table = pl.DataFrame(rows, infer_schema_length=None).with_columns(against_min_max=pl.col("cost") / own["cost"] - 1)
    came, might = policies["product: calibrated ratio"]
    return Judged(table, by_class(came, hindsight, codes), by_class(might, best_expected, codes), shifts)


def _supply(retailer: Retailer, first: int, last: int) -> Supply:
    lead = np.minimum(retailer.lead_times[:, first:last], last - first)[:, None, :]
    return Supply(lead, review=retailer.reviews[:, first:last][:, None, :])


def _past(retailer: Retailer, until: int) -> pl.DataFrame:
    """value and variation of the weeks that were seen before the validation begins."""
    sold = retailer.flow_cost["sold"][:, until - 56 : until].reshape(len(retailer.series), 8, 7).sum(axis=2)
    mean = sold.mean(axis=1)
    return retailer.series.with_columns(
        value=pl.Series(mean * retailer.series["price"].to_numpy()),
        variation=pl.Series(np.divide(sold.std(axis=1), mean, out=np.full(len(mean), np.nan), where=mean > 0)),
    )


def main() -> None:
    """Run, and print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seed", type=int, default=7)
    arguments.add_argument("--days", type=int, default=364)
    arguments.add_argument("--stores", type=int, default=10)
    arguments.add_argument("--articles", type=int, default=24)
    arguments.add_argument("--learn-every", type=int, default=9)
    given = arguments.parse_args()
    begin = time.perf_counter()
    config = SimulationConfig(days=given.days, stores=given.stores, articles=given.articles, seed=given.seed)
    found = judged(config, read_params(), learn_every=given.learn_every)
    console = Console(width=170)
    rounded = {name: pl.col(name).round(3) for name in ("fill", "turns", "cycle_service")}
    policies = found.policies.with_columns(pl.col("cost", "expected_cost", "stock").round(1), pl.col("against_min_max").round(3), **rounded)
    console.print(table_of("Held-back days, money and units a day", policies))
    titles = {"of days as they might have come, which know the true rates": found.expected, "of the very days that came": found.classes}
    for title, table in titles.items():
        rows = table.with_columns(pl.col("cost", "hindsight_cost", "stock").round(2), pl.col("regret").round(3), **rounded)
        console.print(table_of(f"The product by class, beside the best constant level of each series in hindsight: {title}", rows))
    console.print(
        table_of(
            "Shift of the ratio by class", found.shifts.with_columns(pl.col("cost", "cost_unshifted").round(2), pl.col("fill").round(3))
        )
    )
    console.print(f"{time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
