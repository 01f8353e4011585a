"""Intervals: how sure a loss is, by resampling whole series.

Days of one series are alike, so that series are drawn, not days (block bootstrap): Davison and Hinkley, Bootstrap Methods, 1997,
chapter 8. What is done with an interval is decided elsewhere (promotion.py, cards.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl

__all__ = ["drawn_ratios", "segment_losses"]

_CELLS = 4_000_000
"""Numbers drawn at a time."""


def drawn_ratios(numerator: np.ndarray, denominator: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """Sum of the numerators over sum of the denominators in each resample of the blocks, one entry of the arrays per block.

    `numerator` may have several columns; the result has one row per draw and the same columns. Resamples whose denominator is 0
    give nan.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    columns = np.column_stack([numerator, denominator]).astype(np.float64)
    blocks = len(columns)
    step = max(1, _CELLS // max(1, blocks))
    sums = [
        rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=min(step, draws - done)).astype(np.float64) @ columns
        for done in range(0, draws, step)
    ]
    drawn = np.concatenate(sums)
    below = drawn[:, -1:]
    ratios = np.divide(drawn[:, :-1], below, out=np.full_like(drawn[:, :-1], np.nan), where=below != 0)
    return ratios if np.ndim(numerator) > 1 else ratios[:, 0]


def segment_losses(losses: pl.DataFrame, *, draws: int, confidence_level: float, seed: int) -> pl.DataFrame:
    """One row per segment and for `all`: blocks, loss and baseline_loss, and the interval of the loss and of the skill.

    Takes one row per judged case with `block` (what is resampled), `segment`, `loss`, `baseline_loss` and `weight`; a segment's
    loss is the sum of its losses over the sum of its weights, its skill 1 - loss / baseline_loss.
    """
    every = pl.concat([losses.with_columns(segment=pl.lit("all")), losses.filter(pl.col("segment") != "all")])
    # A sum depends on the order of its terms in its last digits, and threads keep none: the same data have to give the same figures.
    totals = pl.col("loss", "baseline_loss", "weight").sum().round(9)
    sums = every.group_by("segment", "block").agg(totals).sort("segment", "block")
    tails = [(1 - confidence_level) / 2, (1 + confidence_level) / 2]
    rows = []
    for (segment,), part in sums.group_by("segment", maintain_order=True):
        own, base, weight = (part[name].to_numpy() for name in ("loss", "baseline_loss", "weight"))
        drawn = drawn_ratios(np.column_stack([own, base]), weight, draws=draws, seed=seed)
        skill = 1 - np.divide(drawn[:, 0], drawn[:, 1], out=np.full(len(drawn), np.nan), where=drawn[:, 1] != 0)
        total = weight.sum()
        low, high = _quantiles(drawn[:, 0], tails)
        skill_low, skill_high = _quantiles(skill, tails)
        rows.append(
            {
                "segment": segment, "blocks": part.height,
                "loss": own.sum() / total if total else None, "baseline_loss": base.sum() / total if total else None,
                "loss_low": low, "loss_high": high, "skill_low": skill_low, "skill_high": skill_high,
            }
        )  # fmt: skip
    kinds = {"segment": pl.String, "blocks": pl.Int64}
    figures = ("loss", "baseline_loss", "loss_low", "loss_high", "skill_low", "skill_high")
    return pl.DataFrame(rows, schema=kinds | dict.fromkeys(figures, pl.Float64))


def _quantiles(drawn: np.ndarray, tails: list[float]) -> tuple[float | None, float | None]:
    known = drawn[np.isfinite(drawn)]
    return tuple(float(value) for value in np.quantile(known, tails)) if len(known) else (None, None)
