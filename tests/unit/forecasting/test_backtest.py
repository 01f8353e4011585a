from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from pipelines.forecasting.backtest import CHAMPION, backtest
from pipelines.forecasting.config import config_of
from pipelines.forecasting.engine import DemandEngine, forecast_panel, learn_panel
from pipelines.forecasting.panel import panel_of
from pipelines.forecasting.trees import TreeModel
from tests.unit.forecasting.panels import weekly_panel

QUICK = {"cutoffs": 2, "validation_cutoffs": 3, "trees": {"iterations": 20, "maximum_rows": 4000, "minimum_leaf_rows": 20}, "threads": 1}


@pytest.fixture(scope="module")
def learned():
    config = config_of({**QUICK, "known": ["feature"], "hierarchy": ["category"]})
    panel = panel_of(weekly_panel(promotions=True), config)
    found, engine = learn_panel(panel, config)
    return panel, config, found, engine


def _overall(found, level="series"):
    rows = found.metrics.filter(
        pl.col("cutoff").is_null() & pl.col("lead").is_null() & pl.col("segment").is_null() & (pl.col("level") == level)
    )
    return {row["model_name"]: row for row in rows.iter_rows(named=True)}


def test_a_known_plan_beats_every_baseline_that_does_not_see_it(learned):
    _, _, found, _ = learned
    figures = _overall(found)
    assert figures[CHAMPION]["wape"] < 0.85 * min(figures[name]["wape"] for name in found.lineup.baselines)
    assert figures[CHAMPION]["weighted_quantile_loss"] < figures["empirical_quantiles"]["weighted_quantile_loss"]


def test_every_grouping_is_judged(learned):
    _, _, found, _ = learned
    metrics = found.metrics.filter(pl.col("model_name") == CHAMPION)
    assert set(metrics["level"]) == {"series", "total", "category"}
    assert metrics.filter(pl.col("cutoff").is_not_null() & pl.col("lead").is_not_null() & (pl.col("level") == "series")).height == 8
    assert metrics["segment"].drop_nulls().n_unique() > 1


def test_quantiles_rise_and_every_series_says_who_served_it(learned):
    _, _, found, _ = learned
    names = [name for name in found.forecasts.columns if name.startswith("units_p")]
    assert names == ["units_p05", "units_p10", "units_p25", "units_p50", "units_p75", "units_p90", "units_p95"]
    values = found.forecasts.select(names).to_numpy()
    assert (np.diff(values, axis=1) >= 0).all()
    assert found.forecasts["model_name"].null_count() == 0
    assert found.forecasts["segment"].null_count() == 0


def test_nothing_after_a_cutoff_changes_what_was_forecast_at_it(learned):
    _, config, found, _ = learned
    cutoff = found.cutoffs[0]
    frame = weekly_panel(promotions=True)
    after = pl.col("ds") > found.panel.ds[cutoff]
    changed = panel_of(frame.with_columns(pl.when(after).then(pl.col("y") * 3 + 1).otherwise("y").alias("y")), config)
    again = backtest(changed, config).forecasts
    columns = ["unique_id", "ds", "expected_units", "units_p90", "model_name"]
    first = found.panel.ds[cutoff]
    assert again.filter(pl.col("cutoff") == first).select(columns).equals(found.forecasts.filter(pl.col("cutoff") == first).select(columns))


def test_the_same_panel_in_any_order_gives_the_same_engine(learned):
    _, config, _, engine = learned
    shuffled = panel_of(weekly_panel(promotions=True).sample(fraction=1, shuffle=True, seed=2), config)
    assert learn_panel(shuffled, config)[1].as_texts() == engine.as_texts()


def test_the_kept_engine_forecasts_as_the_learned_one(learned):
    panel, _, _, engine = learned
    forecast = forecast_panel(engine, panel)
    assert forecast.equals(forecast_panel(DemandEngine.of_texts(engine.as_texts()), panel))
    assert forecast.height == panel.series * engine.horizon
    assert forecast["ds"].min() > panel.ds[panel.observed - 1]


def test_a_panel_of_three_columns_needs_no_configuration():
    config = config_of({"trees": QUICK["trees"], "threads": 1, "cutoffs": 2})
    found = backtest(panel_of(weekly_panel(series=12, weeks=45).select("unique_id", "ds", "y"), config), config)
    assert np.isfinite(_overall(found)[CHAMPION]["mase"])


def test_a_short_panel_is_served_by_baselines_and_says_so():
    config = config_of({"horizon": 2, "cutoffs": 2})
    found = backtest(panel_of(weekly_panel(series=6, weeks=16), config), config)
    assert found.lineup.learned == []
    assert any("trees is left out" in note for note in found.notes)


def test_a_champion_that_gives_no_number_is_replaced_and_the_reason_told(learned):
    from pipelines.forecasting.features import FeatureMaker
    from pipelines.forecasting.serving import serve_origin

    _, _, found, engine = learned
    one = found.ledger[found.cutoffs[-1]]
    broken = replace(one, forecasts={name: values.copy() for name, values in one.forecasts.items()})
    champions = engine.champions.with_columns(pl.lit("trees").alias("model_name"))
    broken.forecasts["trees"][0] = np.nan
    broken.forecasts["trees"][1] = 1e9
    served = serve_origin(broken, champions, FeatureMaker(found.panel))
    assert np.isfinite(served.expected).all()
    assert served.fallback_reason[0] == "the champion gives no forecast"
    assert "most ever sold" in served.fallback_reason[1]
    assert served.fallback_reason[2] is None


def test_a_feature_is_told_as_the_reason_for_a_forecast_that_it_raised(learned):
    panel, _, _, engine = learned
    forecast = forecast_panel(engine, panel, with_reasons=True)
    told = forecast.filter(pl.col("model_name").str.contains("trees|regression"))
    assert told["reason_1"].null_count() < 0.05 * told.height
    assert forecast.filter(~pl.col("model_name").str.contains("trees|regression"))["reason_1"].drop_nulls().is_empty()


def test_reasons_are_made_once_per_block_and_only_for_series_that_trees_serve(learned, monkeypatch):
    panel, _, _, engine = learned
    asked = []
    monkeypatch.setattr(
        TreeModel,
        "contributions",
        lambda self, maker, origin, lead, rows, is_by_trees: (
            asked.append((lead, len(rows), int(is_by_trees.sum()))) or (np.zeros((len(rows), len(self.features))),) * 2
        ),
    )
    champions = engine.champions.with_columns(
        pl.when(pl.col("cell") == "all").then(pl.lit("trees")).otherwise(pl.lit("ses")).alias("model_name")
    )
    forecast_panel(replace(engine, champions=champions), panel, with_reasons=True)
    assert asked == []
    everyone = engine.champions.with_columns(pl.lit("trees").alias("model_name"))
    forecast_panel(replace(engine, champions=everyone), panel, with_reasons=True)
    assert asked == [(block.first, panel.series, panel.series) for block in engine.trees.blocks]
