"""Classes: series by what they are worth (A, B, C) and by how steady their demand is (X, Y, Z).

The two cuts belong here; what a class means for the service that is asked stands in params.yaml.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

__all__ = ["with_classes"]


def with_classes(series: pl.DataFrame, *, value_shares: Sequence[float], variations: Sequence[float]) -> pl.DataFrame:
    """The series with abc_class, xyz_class and class_code (AX to CZ).

    Needs unique_id, `value` (money or units of the past) and `variation` (standard deviation over mean of demand per period; null counts
    as unsteady). A are the most valuable series that together make up the first of `value_shares`, B those up to the second; X vary at
    most by the first of `variations`, Y by the second. Ties go by unique_id, so that the same series give the same classes.
    """
    ranked = series.sort(pl.col("value").fill_null(0), "unique_id", descending=[True, False], maintain_order=True)
    total = pl.col("value").fill_null(0).sum()
    # The value before a series decides: the most valuable one is an A, however large it is.
    before = pl.when(total > 0).then((pl.col("value").fill_null(0).cum_sum() - pl.col("value").fill_null(0)) / total).otherwise(1.0)
    by_value = pl.when(before < value_shares[0]).then(pl.lit("A")).when(before < value_shares[1]).then(pl.lit("B")).otherwise(pl.lit("C"))
    steady = pl.col("variation").fill_nan(None)
    by_variation = pl.when(steady <= variations[0]).then(pl.lit("X")).when(steady <= variations[1]).then(pl.lit("Y")).otherwise(pl.lit("Z"))
    return ranked.with_columns(abc_class=by_value, xyz_class=by_variation).with_columns(
        class_code=pl.col("abc_class") + pl.col("xyz_class")
    )
