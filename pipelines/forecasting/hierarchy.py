"""Hierarchy: which series add up to which, and the panels of the sums.

Levels are named lists of static columns (`{"total": [], "region": ["region_code"], ...}`); a node's id is its level and values.
Making forecasts of the levels agree belongs in reconciliation.py. Grouped levels may cross (article x region): the structure is
that of https://otexts.com/fpp3/hts.html.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
import polars.selectors as cs

__all__ = ["BOTTOM", "HierarchyError", "Levels", "aggregate_panel", "node_members"]

Levels = Mapping[str, Sequence[str]]
"""Name of a level -> the static columns whose values make its nodes; no column makes the total."""

BOTTOM = "bottom"
"""Level of the series themselves."""


class HierarchyError(ValueError):
    """A hierarchy that cannot be built; the message says what is wrong and what to do."""


def node_members(statics: pl.DataFrame, levels: Levels) -> pl.DataFrame:
    """One row per level, node and bottom series in it: level, node_id, unique_id.

    `statics` holds one row per unique_id. Raises HierarchyError where a column of a level is missing or a series stands twice.
    """
    _must_hold(statics, levels)
    if statics["unique_id"].is_duplicated().any():
        raise HierarchyError("a series stands twice in the hierarchy; give one row per unique_id")
    return pl.concat(
        statics.select(pl.lit(level).alias("level"), _node_id(level, columns).alias("node_id"), "unique_id")
        for level, columns in levels.items()
    )


def aggregate_panel(panel: pl.DataFrame, levels: Levels) -> pl.DataFrame:
    """One row per level, node and period: level, unique_id (the node's), the level's own columns, ds, y, and the covariates.

    y adds up and is empty where no series is observed. is_stock_out holds the node's day only if all its series were out, for a sum is
    not zero because one of them is. Other numbers and booleans are means over the series, dates (when a plan was known) the latest, texts
    are left out unless they make the level.
    """
    _must_hold(panel, levels)
    keys = {column for columns in levels.values() for column in columns}
    covariates = panel.drop("unique_id", "ds", "y", "is_stock_out", *keys, strict=False)
    means = covariates.select(cs.numeric() | cs.boolean()).columns
    dates = covariates.select(cs.temporal()).columns
    sums = [
        pl.when(pl.col("y").is_not_null().any()).then(pl.col("y").sum()).alias("y"),
        *([pl.col("is_stock_out").fill_null(value=False).all()] if "is_stock_out" in panel.columns else []),
        *(pl.col(name).cast(pl.Float64).mean() for name in means),
        *(pl.col(name).max() for name in dates),
    ]
    frames = [
        panel.group_by(*columns, "ds")
        .agg(sums)
        .with_columns(pl.lit(level).alias("level"), _node_id(level, columns).alias("unique_id"))
        .sort("unique_id", "ds")
        for level, columns in levels.items()
    ]
    return pl.concat(frames, how="diagonal").select(
        "level", "unique_id", *sorted(keys), "ds", pl.exclude("level", "unique_id", "ds", *keys)
    )


def _node_id(level: str, columns: Sequence[str]) -> pl.Expr:
    if not columns:
        return pl.lit(level)
    values = [pl.col(column).cast(pl.String).fill_null("unknown") for column in columns]
    return pl.concat_str(pl.lit(f"{level}:"), pl.concat_str(values, separator="/"))


def _must_hold(frame: pl.DataFrame, levels: Levels) -> None:
    missing = {column for columns in levels.values() for column in columns} | {"unique_id"}
    missing -= set(frame.columns)
    if missing:
        raise HierarchyError(f"the hierarchy lacks {', '.join(sorted(missing))}; add these columns or leave out their levels")
