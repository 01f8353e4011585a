"""Reconciliation: forecasts of all levels that add up, exactly.

Only this module imports hierarchicalforecast; what adds up to what is in hierarchy.py, days into weeks in weeks.py. Methods: bottom-up, and
MinTrace with structural weights (Wickramasuriya et al. 2019, JASA 114; non-negative: Wickramasuriya et al. 2020, Statistics and
Computing 30), which takes from upper levels what they know better than the sum of many small series.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import sparse

from pipelines.forecasting.hierarchy import BOTTOM, HierarchyError, Levels, node_members
from pipelines.forecasting.spread import quantile_columns, quantiles_of_sums

__all__ = ["METHODS", "reconcile"]

METHODS = ("bottom_up", "min_trace")


def reconcile(
    forecasts: pl.DataFrame, statics: pl.DataFrame, levels: Levels, *, method: str = "bottom_up", correlation: float = 0.0, threads: int = 2
) -> pl.DataFrame:
    """Coherent forecasts: one row per level, node and period; the columns of `forecasts` with `level` in front.

    `forecasts` holds unique_id, ds (and cutoff), expected_units and any quantile columns, for bottom series and, where made, for the nodes
    of upper levels (ids as node_members gives them). Only bottom series that `statics` lists count; a missing upper node is the sum of its
    series. expected_units add up at every level, and are never negative.

    Quantiles are scaled by how far reconciliation moved the mean; those of upper nodes without a forecast of their own come from the sum of
    their series, whose errors correlate by `correlation`. They rise with the quantile, but do not add up: quantiles of sums are not
    sums of quantiles. Raises HierarchyError for an unknown method or a series without statics.
    """
    if method not in METHODS:
        raise HierarchyError(f"unknown method {method!r}; choose one of {', '.join(METHODS)}")
    keys = [key for key in ("cutoff", "ds") if key in forecasts.columns]
    members = node_members(statics, levels)
    bottom_ids, upper_ids = statics["unique_id"].sort(), members["node_id"].unique().sort()
    unknown = forecasts.filter(~pl.col("unique_id").is_in(bottom_ids.implode()) & ~pl.col("unique_id").is_in(upper_ids.implode()))
    if unknown.height:
        raise HierarchyError(f"series {unknown['unique_id'][0]} is in no level; list it among the statics or leave it out")
    grid = _Grid(forecasts, pl.concat([upper_ids, bottom_ids]), keys)
    summing = _summing_matrix(members, upper_ids, bottom_ids)
    base = grid.values("expected_units")
    bottom = np.nan_to_num(base[upper_ids.len() :])
    sums = np.vstack([summing @ bottom, bottom])
    if method == "min_trace" and upper_ids.len():
        bottom = _min_trace(np.where(np.isnan(base), sums, base), summing, threads)
    means = np.vstack([summing @ bottom, bottom])
    names = quantile_columns(forecasts.columns)
    coherent = grid.frame({"expected_units": means} | _quantiles(grid, names, base, means, summing, correlation))
    return _with_other_columns(coherent, forecasts, _levels_of(members, bottom_ids), keys)


class _Grid:
    """Forecasts as matrices: a row per node (upper before bottom), a column per period (of a cut-off)."""

    def __init__(self, forecasts: pl.DataFrame, ids: pl.Series, keys: list[str]) -> None:
        self._ids = ids
        self._periods = forecasts.select(keys).unique().sort(keys)
        numbered = forecasts.join(pl.DataFrame({"unique_id": ids}).with_row_index("node"), on="unique_id")
        self._cells = numbered.join(self._periods.with_row_index("period"), on=keys)
        if self._cells.select(pl.struct("node", "period").is_duplicated().any()).item():
            raise HierarchyError("a series and period stands twice among the forecasts; leave one")

    def values(self, column: str) -> np.ndarray:
        """The column by node and period; NaN where there is no forecast."""
        matrix = np.full((self._ids.len(), self._periods.height), np.nan)
        matrix[self._cells["node"].to_numpy(), self._cells["period"].to_numpy()] = self._cells[column].cast(pl.Float64).to_numpy()
        return matrix

    def frame(self, columns: dict[str, np.ndarray]) -> pl.DataFrame:
        """The matrices as columns, a row per node and period."""
        nodes, periods = self._ids.len(), self._periods.height
        index = pl.DataFrame({"unique_id": self._ids.gather(np.repeat(np.arange(nodes), periods))})
        when = self._periods[np.tile(np.arange(periods), nodes)]
        return pl.concat([index, when, pl.DataFrame({name: values.ravel() for name, values in columns.items()})], how="horizontal")


def _summing_matrix(members: pl.DataFrame, upper_ids: pl.Series, bottom_ids: pl.Series) -> sparse.csr_matrix:
    """Rows of upper nodes, columns of bottom series, 1 where the series is in the node."""
    rows = members.join(pl.DataFrame({"node_id": upper_ids}).with_row_index("row"), on="node_id", maintain_order="left")["row"]
    columns = members.join(pl.DataFrame({"unique_id": bottom_ids}).with_row_index("column"), on="unique_id", maintain_order="left")[
        "column"
    ]
    ones = np.ones(members.height)
    return sparse.csr_matrix((ones, (rows.to_numpy(), columns.to_numpy())), shape=(upper_ids.len(), bottom_ids.len()))


def _min_trace(base: np.ndarray, summing: sparse.csr_matrix, threads: int) -> np.ndarray:
    """Bottom rows of the non-negative MinTrace solution."""
    from hierarchicalforecast.methods import MinTraceSparse  # noqa: PLC0415 - seconds that only reconciliation pays

    whole = sparse.vstack([summing, sparse.eye(summing.shape[1])], format="csr")
    fitted = MinTraceSparse("wls_struct", nonnegative=True, num_threads=threads, qp=True).fit(S=whole, y_hat=base)
    return fitted.y_hat[summing.shape[0] :]


def _quantiles(
    grid: _Grid, names: list[str], base: np.ndarray, means: np.ndarray, summing: sparse.csr_matrix, correlation: float
) -> dict[str, np.ndarray]:
    """Each quantile column by node and period: the given one scaled with the mean, or that of the sum of the node's series."""
    if not names:
        return {}
    given = np.stack([grid.values(name) for name in names])
    moved = np.divide(means, base, out=np.ones_like(means), where=base > 0)
    scaled = given * np.where(np.isnan(base), 1.0, moved)
    upper = summing.shape[0]
    missing = np.isnan(scaled[:, :upper]).any(axis=0)
    if missing.any():
        summed = quantiles_of_sums(names, means[upper:], np.nan_to_num(scaled[:, upper:]), summing, correlation)
        scaled[:, :upper] = np.where(missing, summed, scaled[:, :upper])
    rising = np.maximum.accumulate(np.nan_to_num(scaled), axis=0)
    return dict(zip(names, rising, strict=True))


def _levels_of(members: pl.DataFrame, bottom_ids: pl.Series) -> pl.DataFrame:
    upper = members.select("level", pl.col("node_id").alias("unique_id")).unique()
    return pl.concat([upper, pl.DataFrame({"level": BOTTOM, "unique_id": bottom_ids}, schema=upper.schema)])


def _with_other_columns(coherent: pl.DataFrame, forecasts: pl.DataFrame, levels: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """The level in front, the lead of the period, and whatever else a forecast of this node and period said."""
    others = [name for name in forecasts.columns if name not in {*coherent.columns, "lead"}]
    leads = [name for name in ("lead",) if name in forecasts.columns]
    return (
        coherent.join(levels, on="unique_id", how="left", maintain_order="left")
        .join(forecasts.select(*keys, *leads).unique(keys), on=keys, how="left", maintain_order="left")
        .join(forecasts.select("unique_id", *keys, *others), on=["unique_id", *keys], how="left", maintain_order="left")
        .select("level", *forecasts.columns)
    )
