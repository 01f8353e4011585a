"""Marginals: what one unit more, or one less, is worth at a place, one row per unit.

The value of the n-th unit of a position belongs here; who gives and who gets follows from it (allocation.py, rebalancing.py). A unit is
worth the margin that is lost without it, times the chance that demand comes that far: it falls with every unit, so that the best choice is
always that of the most valuable units first.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.replenishment.distributions import negative_binomial

__all__ = ["units_more", "units_spare"]


def units_more(places: pl.DataFrame, most: pl.Expr) -> pl.DataFrame:
    """One row per unit that a place could get, up to `most`: `unit_number` 1, 2, ... and its `unit_value`, money.

    `places` has position_units (on hand and on order), mean_units and variance_units of the demand to cover, and lost_margin.
    """
    rows = _numbered(places, most)
    return _valued(rows, rows["position_units"].to_numpy() + rows["unit_number"].to_numpy())


def units_spare(places: pl.DataFrame, most: pl.Expr) -> pl.DataFrame:
    """One row per unit that a place could give, up to `most`: `unit_number` 1, 2, ... and the `unit_value` that it loses by it."""
    rows = _numbered(places, most)
    return _valued(rows, rows["position_units"].to_numpy() - rows["unit_number"].to_numpy() + 1)


def _numbered(places: pl.DataFrame, most: pl.Expr) -> pl.DataFrame:
    count = places.with_columns(_most=most.cast(pl.Int64).clip(lower_bound=0))
    return (
        count.filter(pl.col("_most") > 0)
        .with_columns(unit_number=pl.int_ranges(1, pl.col("_most") + 1))
        .explode("unit_number")
        .drop("_most")
    )


def _valued(rows: pl.DataFrame, place_in_line: np.ndarray) -> pl.DataFrame:
    demand = negative_binomial(rows["mean_units"].to_numpy(), rows["variance_units"].to_numpy())
    return rows.with_columns(unit_value=pl.Series(rows["lost_margin"].to_numpy() * demand.beyond(place_in_line - 1)))
