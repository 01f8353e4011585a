"""Promotion: whether a challenger replaces the champion, judged on nights that both forecast and that have matured.

The trial and its verdict belong here: paired losses by series, and the rule. Forecasts of past nights come from memory.py; moving
the alias is in aliases.py. The test: the share of resamples of series in which the challenger loses less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from pipelines.models.intervals import drawn_ratios
from pipelines.models.metrics import held
from pipelines.params import PromotionParams

__all__ = ["Verdict", "judge_trial", "paired_losses"]


@dataclass(frozen=True)
class Verdict:
    """Outcome of a trial: None while too few nights have matured, else whether the challenger wins; and why, in words."""

    is_won: bool | None
    reason: str
    nights: int
    loss_difference: float | None = None
    upper_bound: float | None = None
    worst_segment: str | None = None


def paired_losses(
    remembered: pl.DataFrame, actual: pl.DataFrame, *, champion: str, challenger: str, params: PromotionParams
) -> pl.DataFrame:
    """One row per night, series and day that both models forecast within the lead times that count, on the last matured nights.

    `remembered`: unique_id, cutoff, ds, lead, expected_units, model_version, and `segment` where known. `actual`: unique_id, ds and
    demand, null where it is not known. Adds y (demand), champion_loss and challenger_loss (absolute errors, units).
    """
    near = remembered.filter(pl.col("lead") <= params.lead_time_days).unique(["model_version", "unique_id", "cutoff", "ds"])
    own, rival = (near.filter(pl.col("model_version") == version) for version in (champion, challenger))
    keys = ["unique_id", "cutoff", "ds"]
    segment = pl.col("segment") if "segment" in remembered.columns else pl.lit("all")
    pairs = rival.with_columns(segment=segment.fill_null("all")).join(
        own.select(*keys, champion_units="expected_units"), on=keys, how="inner"
    )
    known = actual.filter(pl.col("demand").is_not_null()).select("unique_id", "ds", y="demand")
    last = known["ds"].max()
    if last is None:
        return pairs.clear().with_columns(y=0.0, champion_loss=0.0, challenger_loss=0.0)
    matured = pairs.filter(pl.col("cutoff").dt.offset_by(f"{params.lead_time_days}d") <= last)
    nights = matured["cutoff"].unique().sort().tail(params.nights)
    return (
        matured.filter(pl.col("cutoff").is_in(nights.implode()))
        .join(known, on=["unique_id", "ds"], how="inner")
        .with_columns(
            champion_loss=(pl.col("y") - pl.col("champion_units")).abs(), challenger_loss=(pl.col("y") - pl.col("expected_units")).abs()
        )
    )


def judge_trial(
    pairs: pl.DataFrame, params: PromotionParams, *, quantiles: Mapping[str, float], tolerated_coverage_error: float, seed: int
) -> Verdict:
    """The verdict on paired losses: the challenger wins if it is better beyond chance, worse in no segment, and calibrated.

    Better beyond chance: the upper bound, one-sided at the confidence level, of its loss less the champion's, as a share of the
    champion's, lies below 0 (block bootstrap by series).
    """
    nights = pairs["cutoff"].n_unique()
    if nights < params.nights:
        return Verdict(None, f"{nights} of {params.nights} nights have matured", nights)
    sums = pairs.group_by("segment", "unique_id").agg(pl.col("champion_loss", "challenger_loss").sum()).sort("segment", "unique_id")
    by_series = sums.group_by("unique_id", maintain_order=True).agg(pl.col("champion_loss", "challenger_loss").sum())
    own, rival = by_series["champion_loss"].to_numpy(), by_series["challenger_loss"].to_numpy()
    difference = float((rival - own).sum() / own.sum()) if own.sum() else 0.0
    drawn = drawn_ratios(rival - own, own, draws=params.draws, seed=seed)
    upper = float(pl.Series(drawn).drop_nans().quantile(params.confidence_level) or 0.0)
    told = f"{100 * difference:+.1f} % loss against the champion on {nights} matured nights, at most {100 * upper:+.1f} %"
    worst = (
        sums.group_by("segment")
        .agg(series=pl.len(), growth=pl.col("challenger_loss").sum() / pl.col("champion_loss").sum() - 1)
        .filter((pl.col("series") >= params.minimum_segment_series) & pl.col("growth").is_finite())
        .sort("growth", "segment")
        .tail(1)
    )
    segment = f"{worst['segment'][0]} {100 * worst['growth'][0]:+.1f} %" if worst.height else None
    faults = []
    if upper >= 0:
        faults.append("not better beyond chance")
    if worst.height and worst["growth"][0] > params.tolerated_segment_loss:
        faults.append(f"worse in segment {segment}")
    faults += _uncovered(pairs, quantiles, tolerated_coverage_error)
    return Verdict(not faults, "; ".join([told, *faults]), nights, difference, upper, segment)


def _uncovered(pairs: pl.DataFrame, quantiles: Mapping[str, float], tolerated: float) -> list[str]:
    """Quantiles of 0.5 and above that hold too many or too few days; lower ones cannot be covered where many days sell nothing."""
    judged = {name: level for name, level in quantiles.items() if level >= 0.5 and name in pairs.columns}
    shares = {name: pairs.select(held(pairs, name, judged).mean()).item() for name in judged}
    return [f"quantile {level} held {shares[name]:.3f}" for name, level in judged.items() if abs(shares[name] - level) > tolerated]
