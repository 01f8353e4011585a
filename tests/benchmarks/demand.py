"""The forecast's benchmark: many daily series, learned from and forecast, with the seconds of each stage and the peak of memory.

`python -m tests.benchmarks.demand --series 30000 --days 1900` simulates weekly and yearly seasons, launches, stock-outs and a promotion
known ahead (all from one seed), then chooses champions on one earlier origin, fits, measures the spread, and forecasts 28 days.
"""

from __future__ import annotations

import argparse
import resource
import time
from datetime import date, timedelta

import numpy as np
import polars as pl
from rich.console import Console

from pipelines.forecasting.champion import choose_champions
from pipelines.forecasting.config import ForecastConfig
from pipelines.forecasting.engine import DemandEngine, forecast_panel
from pipelines.forecasting.features import FeatureMaker
from pipelines.forecasting.frequency import FREQUENCIES
from pipelines.forecasting.origins import Timings, choose_lineup, forecast_origin, known_at
from pipelines.forecasting.panel import KnownAhead, Panel
from pipelines.forecasting.serving import calibrated
from pipelines.forecasting.trees import fit_trees
from pipelines.summary import table_of

HORIZON = 28
_CHUNK = 2000


def simulated_panel(series: int, days: int, seed: int = 20260302) -> Panel:
    """Daily demand of so many series: gamma levels, a weekly and a yearly season, launches, and a promotion on one day in 25."""
    generator = np.random.default_rng(seed)
    whole = days + HORIZON
    promotion = np.zeros((series, whole), dtype=np.float32)
    y = np.zeros((series, days), dtype=np.float32)
    first = np.where(generator.random(series) < 0.7, 0, generator.integers(0, max(1, days - 200), series))
    weekday = np.array([0.8, 0.8, 0.9, 1.0, 1.2, 1.5, 0.8], dtype=np.float32)[np.arange(whole) % 7]
    season = 1 + 0.4 * np.sin(2 * np.pi * np.arange(whole) / 364).astype(np.float32)
    for start in range(0, series, _CHUNK):
        rows = slice(start, min(start + _CHUNK, series))
        count = rows.stop - rows.start
        level = generator.gamma(0.6, 2.0, (count, 1)).astype(np.float32) + 0.05
        promotion[rows] = np.repeat(generator.random((count, whole // 7 + 1)) < 0.04, 7, axis=1)[:, :whole]
        mean = level * weekday * season * (1 + promotion[rows])
        y[rows] = generator.poisson(mean[:, :days])
    y[np.arange(days)[None, :] < first[:, None]] = np.nan
    first_sale = np.where((y > 0).any(axis=1), np.argmax(y > 0, axis=1), days - 1).astype(np.int32)
    y[np.arange(days)[None, :] < first_sale[:, None]] = np.nan
    names = [f"{n:06d}" for n in range(series)]
    static = pl.DataFrame({"site_id": [f"site{n % 60}" for n in range(series)], "category": [f"c{n % 25}" for n in range(series)]})
    ds = pl.Series("ds", [date(2020, 1, 6) + timedelta(days=n) for n in range(whole)])
    return Panel(
        pl.Series("unique_id", names), ds, days, y, first_sale, np.zeros(y.shape, dtype=bool), static,
        {"promotion": KnownAhead(promotion, None)}, {}, None, FREQUENCIES["daily"], [],
    )  # fmt: skip


def demand_rows(series: int, days: int) -> list[dict]:
    """One row per stage: seconds, and the peak of memory up to its end."""
    rows, config = [], ForecastConfig()
    begin = time.perf_counter()

    def done(stage: str) -> None:
        nonlocal begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        rows.append({"stage": stage, "seconds": f"{time.perf_counter() - begin:,.1f}", "peak GiB": f"{peak:.1f}"})
        begin = time.perf_counter()

    panel = simulated_panel(series, days)
    done("simulate")
    maker, last = FeatureMaker(panel), days - 1
    _ = maker.levels, maker.group_sums, maker.smooth_known
    done("levels")
    earlier = last - HORIZON
    lineup = choose_lineup(maker, earlier, config)
    trees = fit_trees(maker, earlier, HORIZON, config)
    done("fit at an earlier origin")
    ledger = [forecast_origin(maker, earlier, trees, lineup, HORIZON, config.quantiles, Timings())]
    done("forecast from it with all models")
    known = known_at(ledger, maker, last, lineup.models)
    champions = choose_champions(known, lineup.models, lineup.baselines)
    done("choose champions")
    calibration = calibrated(known, champions, last, config, maker)
    done("measure spread and bias")
    engine = DemandEngine(fit_trees(maker, last, HORIZON, config), champions, calibration, HORIZON)
    done("fit")
    forecast = forecast_panel(engine, panel)
    done(f"forecast {forecast.height:,} days of series")
    rows.append(
        {"stage": "all after simulation", "seconds": f"{sum(float(r['seconds'].replace(',', '')) for r in rows[1:]):,.1f}", "peak GiB": ""}
    )
    for name, reason in lineup.left_out.items():
        rows.append({"stage": f"left out: {name}, {reason}", "seconds": "", "peak GiB": ""})
    return rows


def main() -> None:
    """Run and print one table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--series", type=int, default=3000)
    arguments.add_argument("--days", type=int, default=1900)
    asked = arguments.parse_args()
    rows = demand_rows(asked.series, asked.days)
    Console(width=140).print(table_of(f"{asked.series:,} series x {asked.days:,} days", pl.DataFrame(rows)))


if __name__ == "__main__":
    main()
