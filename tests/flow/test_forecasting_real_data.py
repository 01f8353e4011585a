"""Forecasts of real retailers' demand, judged on held-back weeks beside the baselines: by the command's own code, no case for a file."""

from datetime import date

import polars as pl
import pytest

from pipelines.forecasting.command import run_backtest
from pipelines.forecasting.config import config_of
from pipelines.home import project_root

SHARED = project_root().parent / "shared" / "data"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} is absent: the real data is not part of the project"),
]

JUICE = {"horizon": 2, "cutoffs": 6, "cutoff_step": 2, "known": ["price", "deal", "feat"], "effects_by": "brand"}
SHOP = {"horizon": 4, "cutoffs": 5, "cutoff_step": 1, "minimum_history": 26}


def shop_panel() -> pl.DataFrame:
    """Weekly units per stock code of a British gift shop's till lines at home, cancellations left out, to its last complete week."""
    lines = pl.scan_parquet(SHARED / "online_retail_2009_2010.parquet").filter(
        (pl.col("Country") == "United Kingdom")
        & ~pl.col("Invoice").str.starts_with("C")
        & (pl.col("Quantity") > 0)
        & (pl.col("Price") > 0)
        & pl.col("StockCode").str.contains(r"^\d{5}")
    )
    money = (pl.col("Quantity") * pl.col("Price")).sum() / pl.col("Quantity").sum()
    weeks = lines.group_by("StockCode", pl.col("InvoiceDate").dt.truncate("1w").cast(pl.Date).alias("ds")).agg(
        pl.col("Quantity").sum().cast(pl.Float64).alias("y"), money.alias("price")
    )
    return weeks.rename({"StockCode": "unique_id"}).filter(pl.col("ds") <= date(2010, 11, 22)).collect()


def juice_panel() -> pl.DataFrame:
    """Weekly units of eleven orange juices in 83 stores, with the price, coupon and feature advertisement of each week."""
    rows = pl.read_parquet(SHARED / "orange_juice_yx.parquet")
    price = pl.coalesce(pl.when(pl.col("brand") == brand).then(pl.col(f"price{brand}")) for brand in range(1, 12))
    return rows.select(
        pl.format("{}/{}", "store", "brand").alias("unique_id"),
        (pl.lit(date(1989, 9, 14)) + pl.duration(weeks="week")).alias("ds"),
        pl.col("logmove").exp().round().alias("y"),
        price.alias("price"),
        "deal",
        "feat",
        pl.col("store", "brand").cast(pl.String),
    )


def _backtest(panel: pl.DataFrame, config: dict, folder):
    panel.write_parquet(folder / "panel.parquet")
    found, effects = run_backtest(folder / "panel.parquet", config_of(config), folder / "out")
    rows = found.metrics.filter(
        pl.col("cutoff").is_null() & pl.col("lead").is_null() & pl.col("segment").is_null() & (pl.col("level") == "series")
    )
    figures = {row["model_name"]: row for row in rows.iter_rows(named=True)}
    return found, effects, figures, {m: min(figures[b][m] for b in found.lineup.baselines) for m in ("mase", "wape", "revenue_rmsse")}


def test_a_plan_that_is_known_saves_a_fifth_of_the_error_and_its_effects_are_measured(tmp_path):
    found, effects, figures, best = _backtest(juice_panel(), JUICE, tmp_path)
    assert figures["champion"]["rows"] > 10_000
    assert figures["champion"]["wape"] < 0.8 * best["wape"]
    assert set(effects["covariate"]) == {"deal", "feat"}
    assert effects.filter(pl.col("covariate") == "feat").select((pl.col("factor_low") < pl.col("factor_high")).all()).item()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "champions.csv", "effects.csv", "forecasts.parquet", "metrics.csv", "metrics.parquet", "report.html", "timings.csv",
    }  # fmt: skip
    assert found.forecasts["fallback_reason"].drop_nulls().len() < 0.02 * found.forecasts.height


def test_the_champion_beats_the_best_baseline_where_the_money_is(tmp_path):
    _, _, figures, best = _backtest(shop_panel(), SHOP, tmp_path)
    served, empirical = figures["champion"], figures["empirical_quantiles"]
    assert served["mase"] <= best["mase"]
    assert served["wape"] <= 0.98 * best["wape"]
    assert served["revenue_rmsse"] <= 0.995 * best["revenue_rmsse"]
    # One year cannot tell that sales rise before Christmas: every forecaster of the line-up stays behind.
    assert abs(served["bias"]) <= 0.1
    assert served["weighted_quantile_loss"] <= 0.93 * empirical["weighted_quantile_loss"]
    # Slow sellers' upper quartile is zero, and holds more than it promises.
    for quantile, off in ((75, 0.04), (90, 0.03), (95, 0.03)):
        assert served[f"held_p{quantile}"] == pytest.approx(quantile / 100, abs=off)
