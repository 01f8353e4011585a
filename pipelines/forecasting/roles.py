"""Roles: which columns of a panel are static, known ahead, past-only, and the price.

Columns that the configuration names are taken as named; others by what they hold. Reading their values is not done here (panel.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipelines.forecasting.config import ForecastConfig
from pipelines.forecasting.errors import PanelError
from pipelines.forecasting.rows import KEYS, PERIOD, ROW

__all__ = ["column_roles"]


def column_roles(frame: pl.DataFrame, config: ForecastConfig, observed: int, where: str, notes: list[str]) -> dict[str, list[str]]:
    """Names of columns by role: static, known, past, price (none or one). Raises PanelError for names and values that do not fit."""
    hierarchy = {name for level in config.hierarchy for name in ([level] if isinstance(level, str) else level)}
    named = {*(config.static or []), *(config.known or []), *(config.past or []), *hierarchy, *([config.price] if config.price else [])}
    absent = sorted(named - set(frame.columns))
    if absent:
        raise PanelError(f"{where}: the configuration names columns that are not there: {', '.join(absent)}")
    plans = [name for name in frame.columns if name.endswith("planned_at")]
    nested = {name for name in frame.columns if frame.schema[name].is_nested() or frame.schema[name] == pl.Object}
    if nested & (hierarchy | {*(config.static or [])}):
        raise PanelError(f"{where}: {', '.join(sorted(nested & named))} holds lists; a static column has one value per series")
    free = [name for name in frame.columns if name not in {*KEYS, "is_stock_out", ROW, PERIOD, *plans, *named, *nested}]
    constant = _constant(frame, [*free, *hierarchy])
    ahead = frame.filter(pl.col(PERIOD) >= observed)
    numeric = [name for name in free if frame.schema[name].is_numeric() or frame.schema[name] == pl.Boolean]
    planned = {name.removesuffix("_planned_at") for name in plans} - {"planned_at"}
    known = [n for n in numeric if n not in constant and (n in planned or (ahead.height and ahead[n].null_count() < ahead.height))]
    if config.known is not None:
        known = []
    static = [name for name in free if name in constant] if config.static is None else []
    past = [name for name in numeric if name not in {*known, *static}] if config.past is None else []
    ignored = sorted({*free, *nested} - {*known, *static, *past, *named})
    wrong = sorted(hierarchy - constant)
    if wrong:
        raise PanelError(f"{where}: levels of the hierarchy have to be constant per series, {', '.join(wrong)} is not")
    texts = [
        n for n in [*(config.known or []), *(config.past or [])] if not (frame.schema[n].is_numeric() or frame.schema[n] == pl.Boolean)
    ]
    if texts:
        raise PanelError(f"{where}: covariates have to be numbers, {', '.join(texts)} is not; make one column per value")
    if ignored:
        notes.append(f"columns not used: {', '.join(ignored)}")
    if config.price and not frame.schema[config.price].is_numeric():
        raise PanelError(f"{where}: the price {config.price} is {frame.schema[config.price]}; give numbers")
    usual = (name for name in ("price", "unit_price", "sell_price") if name in frame.columns and frame.schema[name].is_numeric())
    price = config.price or next(usual, None)
    static = list(dict.fromkeys([*(config.static or static), *sorted(hierarchy)]))
    return {"static": static, "known": config.known or known, "past": config.past or past, "price": [price] if price else []}


def _constant(frame: pl.DataFrame, names: Sequence[str]) -> set[str]:
    """The columns that hold at most one value per series."""
    if not names:
        return set()
    distinct = frame.group_by("unique_id").agg(pl.col(name).drop_nulls().n_unique() for name in dict.fromkeys(names))
    return {name for name in dict.fromkeys(names) if distinct[name].max() <= 1}
