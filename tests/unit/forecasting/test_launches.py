"""Cold start: a launch is forecast better than by the mean of its siblings, in the simulator's demand and in panels of other kinds."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines.forecasting.launches import launch_forecasts
from pipelines.simulator.config import SimulationConfig
from pipelines.simulator.demand import draw_demand
from pipelines.simulator.master import build_master

STEPS = 8
EFFECTS = ["category", "generic", "site", "color", "size"]


def _simulated(seed: int):
    """Weekly units of the simulator's demand by variant and store, with attributes and the day of launch."""
    config = SimulationConfig(seed=seed, stores=12, articles=96, days=420)
    master = build_master(config)
    articles, stores, weeks = master.articles, config.stores, config.days // 7
    counts = draw_demand(config, master).counts[:, :, : weeks * 7]
    sold = counts.reshape(stores, articles.variants, weeks, 7).sum(axis=3).transpose(1, 0, 2)
    variant, store, week = (a.ravel() for a in np.indices(sold.shape))
    monday = date(2026, 1, 5)
    statics = pl.DataFrame(
        {
            "unique_id": [f"V{v}/S{s}" for v in range(articles.variants) for s in range(stores)],
            "variant": np.repeat(np.arange(articles.variants), stores),
            "generic": np.repeat(articles.generic[: articles.variants], stores),
            "category": np.repeat(articles.category[: articles.variants].to_numpy(), stores),
            "color": np.repeat(articles.color[: articles.variants].to_numpy(), stores),
            "size": np.repeat(articles.size[: articles.variants].to_numpy(), stores),
            "site": np.tile(np.arange(stores), articles.variants),
            "launch_week": np.repeat(-(-articles.launch[: articles.variants] // 7), stores),
        }
    )
    panel = pl.DataFrame({"row": variant * stores + store, "ds": week, "y": sold.ravel().astype(float)})
    panel = panel.with_columns(pl.lit(monday).dt.offset_by(pl.format("{}w", "ds")).alias("ds"))
    names = statics.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    panel = panel.join(names.select("row", "unique_id", "launch_week"), on="row")
    launched = pl.lit(monday).dt.offset_by(pl.format("{}w", pl.col("launch_week").clip(lower_bound=0)))
    return panel.filter(pl.col("ds") >= launched).select("unique_id", "ds", "y"), statics, monday


def _mean_of_siblings(panel: pl.DataFrame, statics: pl.DataFrame, asked: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    """The last 8 weeks' mean at the same site: of the article's other variants, or of the category's where it has none."""
    recent = panel.filter((pl.col("ds") <= cutoff) & (pl.col("ds") > cutoff - timedelta(weeks=8))).join(statics, on="unique_id")
    recent = recent.filter(~pl.col("unique_id").is_in(asked["unique_id"].implode()))
    siblings = recent.group_by("generic", "site").agg(pl.col("y").mean().alias("of_article"))
    others = recent.group_by("category", "site").agg(pl.col("y").mean().alias("of_category"))
    found = asked.join(statics, on="unique_id").join(siblings, on=["generic", "site"], how="left").join(others, on=["category", "site"])
    return found.select("unique_id", pl.coalesce("of_article", "of_category").alias("siblings"))


def _judge(panel, statics, asked, cutoff, launch) -> pl.DataFrame:
    """Weeks 1 to 8 since launch of the series asked for, none of whose rows the forecast has seen."""
    others = panel.filter(~pl.col("unique_id").is_in(asked["unique_id"].implode()))
    launches = asked.with_columns(pl.lit(launch).alias("launch_ds"))
    made = launch_forecasts(others, statics, launches, STEPS, effects=EFFECTS, article="variant", category="category", cutoff=cutoff)
    known = _mean_of_siblings(panel, statics, asked, cutoff)
    return made.join(panel.select("unique_id", "ds", "y"), on=["unique_id", "ds"]).join(known, on="unique_id")


def _wape(judged: pl.DataFrame, column: str) -> float:
    return (judged["y"] - judged[column]).abs().sum() / judged["y"].sum()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_simulators_launches_beat_the_mean_of_siblings(seed):
    panel, statics, monday = _simulated(seed)
    weeks = sorted({w for w in statics["launch_week"].to_list() if w > 0})
    judged = []
    for week in weeks[1:]:  # before the first there is no launch to learn from
        cutoff = monday + timedelta(weeks=week - 1)
        asked = statics.filter(pl.col("launch_week") == week).select("unique_id")
        judged.append(_judge(panel, statics, asked, cutoff, cutoff + timedelta(weeks=1)))
    judged = pl.concat(judged)
    assert judged.height > 300
    assert _wape(judged, "expected_units") < 0.95 * _wape(judged, "siblings")


@pytest.mark.parametrize("seed", [1, 2])
def test_variants_left_out_one_by_one_beat_the_mean_of_siblings(seed):
    """The variant comes half a year after its siblings, at which its launch is put: all it may know is theirs."""
    panel, statics, sizes = _late_variants(seed)
    cutoff = max(sizes["launch"].to_list()) - timedelta(weeks=1)
    judged = []
    for variant in sizes.filter(pl.col("launch") > cutoff)["variant"].to_list():
        asked = statics.filter(pl.col("variant") == variant).select("unique_id")
        judged.append(_judge(panel, statics, asked, cutoff, cutoff + timedelta(weeks=1)))
    judged = pl.concat(judged)
    assert _wape(judged, "expected_units") < 0.9 * _wape(judged, "siblings")


def _late_variants(seed: int):
    """Weekly demand of 12 articles of 4 variants at 10 sites; the last variant of each comes later, with a launch of twice its level."""
    rng = np.random.default_rng(seed)
    generic, slot, site, week = (a.ravel() for a in np.indices((12, 4, 10, 110)))
    popularity, size = rng.gamma(6, 0.5, 12), rng.gamma(6, 1 / 6, 10)
    color, storage = np.array([1.4, 0.7])[slot // 2], np.array([1.2, 0.8])[slot % 2]
    launch = np.where(slot == 3, np.where(generic < 8, 20 + 5 * generic, 90), 0)
    age = week - launch
    mean = popularity[generic] * size[site] * color * storage * (1 + np.clip(1 - age / 6, 0, 1) * (launch > 0))
    frame = pl.DataFrame(
        {
            "unique_id": pl.select(pl.format("G{}-{}/S{}", pl.Series(generic), pl.Series(slot), pl.Series(site))).to_series(),
            "variant": generic * 4 + slot,
            "generic": generic,
            "category": np.where(generic % 2, "PHONE", "TABLET"),
            "color": slot // 2,
            "size": slot % 2,
            "site": site,
            "ds": [date(2024, 1, 1) + timedelta(weeks=int(w)) for w in week],
            "y": rng.poisson(mean).astype(float),
            "launch": [date(2024, 1, 1) + timedelta(weeks=int(w)) for w in launch],
        }
    ).filter(pl.col("ds") >= pl.col("launch"))
    statics = frame.select("unique_id", "variant", "generic", "category", "color", "size", "site").unique("unique_id").sort("unique_id")
    return frame.select("unique_id", "ds", "y"), statics, frame.select("variant", "launch").unique().sort("variant")


def test_own_sales_take_over_with_time():
    panel, statics, sizes = _late_variants(1)
    launch = sizes["launch"].max()
    asked = statics.filter(pl.col("variant") == 47).select("unique_id").with_columns(pl.lit(launch).alias("launch_ds"))
    doubled = panel.with_columns(
        pl.when(pl.col("unique_id").str.starts_with("G11-3/")).then(pl.col("y") * 3).otherwise(pl.col("y")).alias("y")
    )
    weights, gaps = [], []
    for weeks in (-1, 2, 15):
        frames = [
            launch_forecasts(
                p, statics, asked, 4, effects=EFFECTS, article="variant", category="category", cutoff=launch + timedelta(weeks=weeks)
            )
            for p in (panel, doubled)
        ]
        weights.append(frames[1]["own_weight"].mean())
        gaps.append(frames[1]["expected_units"].sum() / frames[0]["expected_units"].sum())
    assert weights[0] == 0.0
    assert weights == sorted(weights)
    assert weights[-1] > 0.5
    assert gaps[0] == 1.0
    assert gaps == sorted(gaps)
    assert gaps[-1] > 2


def test_a_predecessor_moves_the_level():
    panel, statics, _ = _late_variants(2)
    cutoff = date(2024, 1, 1) + timedelta(weeks=109)
    new = statics.with_columns(pl.col("unique_id").str.replace("G", "N"), pl.col("generic") + 100, pl.col("variant") + 100)
    both = pl.concat([statics, new])
    asked = new.select("unique_id", pl.col("unique_id").str.replace("N", "G").alias("predecessor_id"))
    asked = asked.with_columns(pl.lit(cutoff - timedelta(weeks=100)).alias("launch_ds"))
    truth = panel.filter(pl.col("ds") > cutoff - timedelta(weeks=13)).group_by("unique_id").agg(pl.col("y").mean())
    errors = []
    for launches in (asked.drop("predecessor_id"), asked):
        made = launch_forecasts(panel, both, launches, 1, effects=EFFECTS, cutoff=cutoff)
        judged = made.with_columns(pl.col("unique_id").str.replace("N", "G")).join(truth, on="unique_id")
        errors.append(_wape(judged, "expected_units"))
    assert errors[1] < 0.8 * errors[0]


def test_nothing_after_the_cutoff_enters_and_nothing_is_sold_before_launch():
    panel, statics, sizes = _late_variants(1)
    cutoff = sizes["launch"].max() - timedelta(weeks=3)
    asked = statics.filter(pl.col("variant") == 47).select("unique_id").with_columns(pl.lit(sizes["launch"].max()).alias("launch_ds"))
    options = {"effects": EFFECTS, "article": "variant", "category": "category", "cutoff": cutoff, "quantiles": [0.1, 0.5, 0.9]}
    made = launch_forecasts(panel, statics, asked, 6, **options)
    changed = panel.with_columns(pl.when(pl.col("ds") > cutoff).then(pl.col("y") * 7 + 1).otherwise(pl.col("y")).alias("y"))
    assert made.equals(launch_forecasts(changed, statics, asked, 6, **options))
    assert made.filter(pl.col("periods_since_launch") < 0)["expected_units"].to_list() == [0.0] * 20
    after = made.filter(pl.col("periods_since_launch") >= 0)
    assert after["expected_units"].min() > 0
    assert after.select((pl.col("units_p10") <= pl.col("units_p50")) & (pl.col("units_p50") <= pl.col("units_p90"))).to_series().all()


def test_daily_panels_keep_their_weekdays():
    rng = np.random.default_rng(1)
    days = np.arange(120)
    factor = np.where(days % 7 == 5, 3.0, 0.6)
    panel = pl.DataFrame(
        {
            "unique_id": np.repeat([f"S{n}" for n in range(10)], 120),
            "ds": [date(2026, 1, 5) + timedelta(days=int(d)) for d in days] * 10,
            "y": rng.poisson(np.tile(2 * factor, (10, 1))).ravel().astype(float),
        }
    )
    statics = pl.DataFrame({"unique_id": [*panel["unique_id"].unique().to_list(), "new"]})
    made = launch_forecasts(panel, statics, pl.DataFrame({"unique_id": ["new"]}), 14)
    by_weekday = made.group_by(pl.col("ds").dt.weekday()).agg(pl.col("expected_units").mean()).sort("ds")["expected_units"].to_list()
    assert by_weekday[5] == pytest.approx(6.0, rel=0.2)
    assert np.mean(by_weekday[:5]) == pytest.approx(1.2, rel=0.2)
