"""Explaining: the reasons of each forecast that trees had a part in.

A forecast is the level, times what the regression makes of it, times what the trees make of that: both parts' contributions to the
logarithm are added by feature. Words are in reasons.py. A series that a baseline serves alone is its own smoothed past, and has none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from pipelines.forecasting.features import FeatureMaker
from pipelines.forecasting.reasons import reasons_of
from pipelines.forecasting.trees import LeadBlock, TreeModel

__all__ = ["contributions_of", "forecast_reasons"]

_PERIODS = {"daily": "day", "weekly": "week", "monthly": "month"}


def forecast_reasons(
    trees: TreeModel, maker: FeatureMaker, origin: int, *, leads: Sequence[int] | None = None, series: np.ndarray | None = None
) -> pl.DataFrame:
    """One row per series and lead: unique_id, lead, reason_1 to reason_5.

    `leads` defaults to the first of each block of lead times, whose trees are the same for all of it: TreeSHAP costs some tenths of a
    millisecond a row, and reasons hardly change within a block. `series` are row numbers of the panel (default: all that have begun).
    """
    leads = leads or [block.first for block in trees.blocks]
    alive = np.flatnonzero(maker.is_alive(origin))
    rows = alive if series is None else np.intersect1d(alive, series)
    history = maker.history(origin)[1]
    period = _PERIODS.get(maker.panel.frequency.name, "period")
    marks = [name for name, is_mark in maker.is_mark.items() if is_mark]
    frames = []
    for lead in leads:
        block = next(block for block in trees.blocks if lead <= block.last)
        matrix = maker.rows(origin, lead, history)[rows]
        told = reasons_of(contributions_of(trees, block, matrix), matrix, trees.features, period=period, marks=marks)
        keys = pl.DataFrame({"unique_id": maker.panel.unique_id.gather(rows)}).with_columns(pl.lit(lead, pl.Int32).alias("lead"))
        frames.append(pl.concat([keys, told], how="horizontal"))
    return pl.concat(frames).sort("unique_id", "lead")


def contributions_of(trees: TreeModel, block: LeadBlock, matrix: np.ndarray) -> np.ndarray:
    """Contributions to the logarithm of forecast over level by row and feature; the last column is what all rows have in common.

    Each row adds up to that logarithm, but where the regression's correction was cut to what is believed.
    """
    found = trees.shrinkage * block.booster.predict(matrix, pred_contrib=True, num_threads=1)
    regression = block.regression
    found[:, regression.columns] += np.nan_to_num(matrix[:, regression.columns]) / regression.scales * regression.coefficients
    return found
