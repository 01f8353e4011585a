"""Effects: by what factor demand was multiplied in periods with a mark (a feature, a coupon, a holiday), per group, with an interval.

Poisson regression with a fixed effect per series (Hausman, Hall and Griliches 1984), beside the marks the logarithm of known-ahead
amounts such as the price, the quarter, and the place in the season. Standard errors are robust to clusters by series and by period
(Cameron, Gelbach and Miller 2011), since a campaign reaches many series at once. A measured association, not an experiment.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.forecasting.panel import Panel

__all__ = ["EFFECTS_SCHEMA", "measured_effects"]

EFFECTS_SCHEMA = {
    "covariate": pl.String, "group": pl.String, "factor": pl.Float64, "factor_low": pl.Float64, "factor_high": pl.Float64,
    "marked_periods": pl.Int64, "periods": pl.Int64, "series": pl.Int64,
}  # fmt: skip
_MOST_GROUPS = 60
_MOST_CELLS = 2_000_000
_LEAST_MARKED = 20
_Z = 1.959964
_ROUNDS = 40


def measured_effects(panel: Panel, by: str | None, seed: int = 0) -> pl.DataFrame:
    """One row per mark and group: the factor at equal price, with its 95 % interval. No rows where no column known ahead is a mark.

    `by` names the static column whose values are the groups; without it, the one with the fewest. Beyond two million cells a seeded
    sample of series is measured.
    """
    marks = [name for name, known in panel.known.items() if _is_mark(known.values[:, : panel.observed])]
    if not marks:
        return pl.DataFrame(schema=EFFECTS_SCHEMA)
    at_most = max(1, _MOST_CELLS // panel.observed)
    if panel.series > at_most:
        panel = panel.select(np.sort(np.random.default_rng(seed).choice(panel.series, at_most, replace=False)))
    rows = []
    for group, members in _groups(panel, by):
        rows += _of_group(panel.select(members), group, marks)
    return pl.DataFrame(rows, schema=EFFECTS_SCHEMA)


def _is_mark(values: np.ndarray) -> bool:
    found = values[np.isfinite(values)]
    return bool(found.size and found.min() >= 0 and found.max() <= 1 and found.min() < found.max() and (found == 0).any())


def _groups(panel: Panel, by: str | None) -> list[tuple[str, np.ndarray]]:
    sizes = {name: panel.static[name].n_unique() for name in panel.static.columns}
    usable = sorted((size, name) for name, size in sizes.items() if 1 < size <= _MOST_GROUPS)
    column = by or (usable[0][1] if usable else None)
    if column is None or column not in panel.static.columns:
        return [("all", np.arange(panel.series))]
    values = panel.static[column].cast(pl.String).fill_null("")
    return [(value, np.flatnonzero((values == value).to_numpy())) for value in values.unique().sort()]


def _of_group(panel: Panel, group: str, marks: list[str]) -> list[dict]:
    demand = panel.demand
    columns = {name: panel.known[name].values[:, : panel.observed] for name in marks}
    for name, known in panel.known.items():
        if name not in marks:
            with np.errstate(invalid="ignore", divide="ignore"):
                amounts = np.where(known.values[:, : panel.observed] > 0, np.log(known.values[:, : panel.observed]), np.nan)
            if np.isfinite(amounts).any():
                columns[name] = amounts
    usable = np.isfinite(demand) & np.all([np.isfinite(values) for values in columns.values()], axis=0)
    row, period = np.nonzero(usable)
    y = demand[row, period].astype(np.float64)
    x = np.column_stack([*(values[row, period] for values in columns.values()), *_times(panel, period)]).astype(np.float64)
    marked = {name: int((columns[name][row, period] > 0).sum()) for name in marks}
    shown = [name for name in marks if _LEAST_MARKED <= marked[name] <= len(y) - _LEAST_MARKED]
    if not shown or not len(y):
        return []
    fitted = _fixed_effects_poisson(y, x, row, period)
    if fitted is None:
        return []
    coefficients, errors = fitted
    names = list(columns)
    return [
        {
            "covariate": name, "group": group,
            "factor": float(np.exp(coefficients[at])),
            "factor_low": float(np.exp(coefficients[at] - _Z * errors[at])),
            "factor_high": float(np.exp(coefficients[at] + _Z * errors[at])),
            "marked_periods": marked[name], "periods": len(y), "series": len(np.unique(row)),
        }
        for name in shown
        for at in [names.index(name)]
    ]  # fmt: skip


def _times(panel: Panel, period: np.ndarray) -> list[np.ndarray]:
    """Columns of the quarter of the history and of the place in the season, the first of each left out."""
    frequency = panel.frequency
    length = max(1, frequency.year_length // 4) if frequency.year_length else 13
    quarter = period // length
    columns = [quarter == q for q in np.unique(quarter)[1:]]
    if frequency.season_length > 1:
        columns += [period % frequency.season_length == place for place in range(1, frequency.season_length)]
    return columns


def _fixed_effects_poisson(y: np.ndarray, x: np.ndarray, row: np.ndarray, period: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Coefficients and standard errors of the conditional likelihood given each series' total; None where it cannot be solved."""
    total = np.bincount(row, weights=y)
    coefficients = np.zeros(x.shape[1])
    ridge = 1e-8 * np.eye(x.shape[1])
    for _ in range(_ROUNDS):
        mean, centred = _means(total, x, row, coefficients)
        hessian = centred.T @ (centred * mean[:, None])
        step = np.linalg.solve(hessian + ridge * max(np.trace(hessian), 1), x.T @ (y - mean))
        coefficients = coefficients + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-7:
            break
    else:
        return None
    mean, centred = _means(total, x, row, coefficients)
    inverse = np.linalg.pinv(centred.T @ (centred * mean[:, None]))
    scores = centred * (y - mean)[:, None]
    meat = _clustered(scores, row) + _clustered(scores, period) - scores.T @ scores
    variance = np.maximum(np.diag(inverse @ meat @ inverse), np.diag(inverse @ _clustered(scores, row) @ inverse))
    return coefficients, np.sqrt(variance)


def _means(total: np.ndarray, x: np.ndarray, row: np.ndarray, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected demand given each series' total, and the columns less their weighted mean within the series."""
    linear = x @ coefficients
    share = np.exp(linear - linear.max())
    share = share / np.bincount(row, weights=share)[row]
    inside = np.column_stack([np.bincount(row, weights=share * column) for column in x.T])
    return total[row] * share, x - inside[row]


def _clustered(scores: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    sums = np.column_stack([np.bincount(cluster, weights=column) for column in scores.T])
    return sums.T @ sums
