"""Promotion: whether a challenger replaces the champion, judged on nights of both that have matured.

The rule belongs here; the losses of both on the same rows come from pairs.py, and moving the alias is in aliases.py. The test: the share of
resamples of series in which the challenger loses less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from pipelines.models.intervals import drawn_ratios
from pipelines.params import PromotionParams

__all__ = ["Trial", "Verdict", "judge_trial"]


@dataclass(frozen=True)
class Trial:
    """What a verdict is found on.

    `pairs`: one row per case with `cutoff` (its night), `unique_id` (what is resampled), `segment`, `champion_loss` and `challenger_loss`.
    `nights`: that have to have matured. `faults`: why the challenger could not serve, however little it loses.
    """

    pairs: pl.DataFrame
    nights: int
    faults: Sequence[str] = ()


@dataclass(frozen=True)
class Verdict:
    """Outcome of a trial: None while too few nights have matured, else whether the challenger wins; and why, in words."""

    is_won: bool | None
    reason: str
    nights: int
    loss_difference: float | None = None
    upper_bound: float | None = None
    worst_segment: str | None = None


def judge_trial(trial: Trial, params: PromotionParams, *, seed: int) -> Verdict:
    """The verdict on paired losses: the challenger wins if it is better beyond chance, worse in no segment, and without fault.

    Better beyond chance: the upper bound, one-sided at the confidence level, of its loss less the champion's, as a share of the
    champion's, lies below 0 (block bootstrap by series).
    """
    pairs, nights = trial.pairs, trial.pairs["cutoff"].n_unique()
    if nights < trial.nights:
        return Verdict(None, f"{nights} of {trial.nights} nights have matured", nights)
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
    faults += trial.faults
    return Verdict(not faults, "; ".join([told, *faults]), nights, difference, upper, segment)
