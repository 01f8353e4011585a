"""Summary: a backtest in a few tables for people, as frames; drawing them is the command's and the report's work."""

from __future__ import annotations

import polars as pl

from pipelines.forecasting.backtest import CHAMPION, EMPIRICAL, Backtest

__all__ = ["accuracy", "by_level", "by_segment", "quantiles_held", "serving"]

_FIGURES = ["mase", "rmsse", "revenue_rmsse", "wape", "bias", "vn1_score"]


def overall(metrics: pl.DataFrame) -> pl.DataFrame:
    """The rows of the metrics that are over all cut-offs, leads and segments."""
    return metrics.filter(pl.col("cutoff").is_null() & pl.col("lead").is_null() & pl.col("segment").is_null())


def accuracy(found: Backtest) -> pl.DataFrame:
    """One row per model, the champion first, then by WAPE."""
    rows = overall(found.metrics).filter((pl.col("level") == "series") & (pl.col("model_name") != EMPIRICAL))
    return rows.select("model_name", *_FIGURES).sort(pl.col("model_name") != CHAMPION, "wape")


def quantiles_held(found: Backtest) -> pl.DataFrame:
    """One row for the champion's quantiles and one for those of each series' own last periods: losses, and shares held."""
    rows = overall(found.metrics).filter((pl.col("level") == "series") & pl.col("model_name").is_in([CHAMPION, EMPIRICAL]))
    held = [name for name in rows.columns if name.startswith("held_")]
    return rows.select("model_name", "weighted_quantile_loss", "scaled_pinball_loss", *sorted(held, key=lambda name: int(name[6:])))


def by_segment(found: Backtest) -> pl.DataFrame:
    """One row per segment: how many series and periods, MASE and WAPE of the champion and of the best baseline there."""
    rows = found.metrics.filter(pl.col("segment").is_not_null() & (pl.col("level") == "series"))
    champion = rows.filter(pl.col("model_name") == CHAMPION).select("segment", "rows", "mase", "wape", "bias")
    baselines = rows.filter(pl.col("model_name").is_in(found.lineup.baselines))
    best = baselines.group_by("segment").agg(
        pl.col("mase").min().alias("best_baseline_mase"), pl.col("wape").min().alias("best_baseline_wape")
    )
    return champion.join(best, on="segment").sort("rows", descending=True)


def by_level(found: Backtest) -> pl.DataFrame:
    """One row per level of the hierarchy: the champion's figures."""
    return overall(found.metrics).filter(pl.col("model_name") == CHAMPION).select("level", "mase", "rmsse", "wape", "bias")


def serving(found: Backtest) -> pl.DataFrame:
    """One row per model that served at the newest cut-off: how many series, and how many of them as a fall-back."""
    newest = found.forecasts.filter((pl.col("cutoff") == found.forecasts["cutoff"].max()) & (pl.col("lead") == 1))
    counts = newest.group_by("model_name").agg(pl.len().alias("series"), pl.col("fallback_reason").is_not_null().sum().alias("fallbacks"))
    return counts.sort("series", "model_name", descending=[True, False])
