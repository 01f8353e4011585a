"""Champion: which forecaster serves a segment's series, by how it did on earlier origins.

Candidates are all models and the mean of each pair that promises something. A candidate's loss is taken in each way in which it will
be judged, relative to the best baseline there, so that no single way rules; a small cell leans on all series together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

__all__ = ["Known", "Losses", "candidates", "choose_champions", "losses", "serve"]

_PRIOR_ROWS = 300
"""A cell of so many rows (a series at an origin) counts as much as all series together."""
_ROUNDS = 5
_BIAS_WEIGHT, _FREE_BIAS = 0.25, 0.02
_MEMBERS = 3
"""So many of the best models are combined with each other."""
_MARGIN = 0.002
"""A cell leaves what serves overall only for a gain beyond this share of the loss."""


@dataclass(frozen=True)
class Known:
    """Forecasts of earlier origins whose periods have come: by name an array of rows by leads, and beside it y, row, scale and weight.

    Rows are pairs of series and origin. `y` is not a number where not known yet. `scale` and `scale_squared` are the mean absolute and
    root mean squared change of the series up to then (infinite where it never changed); `weight` its money. `cell` is
    what a champion is chosen for; `own` are quantiles of the series' last periods at the origin.
    """

    forecasts: Mapping[str, np.ndarray]
    y: np.ndarray
    scale: np.ndarray
    scale_squared: np.ndarray
    weight: np.ndarray
    cell: np.ndarray
    origin: np.ndarray
    zero_share: np.ndarray
    own: np.ndarray


@dataclass(frozen=True)
class Losses:
    """Sums by candidate over the rows: what losses are quotients of."""

    names: Sequence[str]
    scaled: np.ndarray
    absolute: np.ndarray
    squared: np.ndarray
    error: np.ndarray
    demand: np.ndarray


def parts_of(name: str) -> list[str]:
    """The models whose mean a candidate is."""
    return name.split(" + ")


def serve(forecasts: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """The forecast of a candidate: a model's, or the mean of the models that its name joins."""
    return np.mean([forecasts[part] for part in parts_of(name)], axis=0)


def losses(known: Known, names: Sequence[str]) -> Losses:
    """Per candidate and row: scaled absolute error, absolute error, weighted squared error, error, and demand, means over known leads."""
    is_known = np.isfinite(known.y)
    count = np.maximum(is_known.sum(axis=1), 1)
    demand = np.where(is_known, known.y, 0)
    columns: dict[str, list[np.ndarray]] = {"scaled": [], "absolute": [], "squared": [], "error": []}
    for name in names:
        error = np.where(is_known, serve(known.forecasts, name) - demand, 0)
        absolute = np.abs(error).sum(axis=1)
        columns["scaled"].append(absolute / count / known.scale)
        columns["absolute"].append(absolute)
        columns["squared"].append(np.sqrt((error**2).sum(axis=1) / count) / known.scale_squared * known.weight)
        columns["error"].append(error.sum(axis=1))
    return Losses(names, **{key: np.array(values) for key, values in columns.items()}, demand=demand.sum(axis=1))


@dataclass(frozen=True)
class _Share:
    """What some rows add to the whole: three relative losses and the signed bias, per candidate."""

    loss: np.ndarray
    bias: np.ndarray


def _share(found: Losses, rows: np.ndarray, best: np.ndarray, demand: float) -> _Share:
    parts = [values[:, rows].sum(axis=1) / whole for values, whole in zip((found.scaled, found.absolute, found.squared), best, strict=True)]
    return _Share(np.mean(parts, axis=0), found.error[:, rows].sum(axis=1) / demand)


def _objective(loss: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Loss over all series relative to the best baseline, and a quarter of the bias beyond 2 %: stock pays for a bias each period again."""
    return loss + _BIAS_WEIGHT * np.maximum(np.abs(bias) - _FREE_BIAS, 0)


def _whole(found: Losses, baselines: np.ndarray) -> tuple[np.ndarray, float]:
    """The best baseline's three losses over all rows, and all demand."""
    best = [max(values.sum(axis=1)[baselines].min(), 1e-12) for values in (found.scaled, found.absolute, found.squared)]
    return np.array(best), max(float(found.demand.sum()), 1e-12)


def candidates(known: Known, models: Sequence[str], baselines: Sequence[str]) -> list[str]:
    """All models, and the means of two and of all of those that did best over all series."""
    found = losses(known, models)
    share = _share(found, np.arange(len(known.y)), *_whole(found, np.isin(models, baselines)))
    best = [models[position] for position in np.argsort(_objective(share.loss, share.bias), kind="stable")[:_MEMBERS]]
    learned = [name for name in models if name not in baselines and name not in best]
    members = [*best, *learned]
    pairs = [f"{a} + {b}" for i, a in enumerate(members) for b in members[i + 1 :]]
    return [*models, *pairs, *([" + ".join(best)] if len(best) > 2 else [])]


def choose_champions(known: Known, models: Sequence[str], baselines: Sequence[str]) -> pl.DataFrame:
    """One row per cell (segment and class of money): the candidate that serves it, why, and its loss beside that of the best baseline.

    Each takes the candidate that makes the whole best: what it adds to the losses over all series, and to their bias given what
    the others took. Columns: cell, model_name, reason, rows, loss, baseline_name, baseline_loss; a loss is the cell's own,
    relative to its best baseline. The cell `all` stands for what serves overall, also where a cell is not listed.
    """
    names = candidates(known, models, baselines)
    is_baseline = np.isin(names, baselines)
    found = losses(known, names)
    best, demand = _whole(found, is_baseline)
    overall = _share(found, np.arange(len(known.y)), best, demand)
    everyone = int(np.argmin(_objective(overall.loss, overall.bias)))
    cells = sorted({c for c in known.cell.tolist() if c is not None})
    members = {cell: np.flatnonzero(known.cell == cell) for cell in cells}
    own = {cell: _share(found, rows, best, demand) for cell, rows in members.items()}
    shrunk = {cell: _shrunk(own[cell], overall, everyone, len(rows)) for cell, rows in members.items()}
    chosen = dict.fromkeys(cells, everyone)
    for _ in range(_ROUNDS):
        before = dict(chosen)
        for cell in cells:
            elsewhere = sum(shrunk[other].bias[chosen[other]] for other in cells if other != cell)
            value = _objective(shrunk[cell].loss, shrunk[cell].bias + elsewhere)
            margin = _MARGIN * shrunk[cell].loss[everyone]
            chosen[cell] = int(np.argmin(value)) if value.min() < value[everyone] - margin else everyone
        if chosen == before:
            break
    rows = [_row("all", names, overall, everyone, everyone, is_baseline, len(known.y))]
    rows += [_row(c, names, own[c], chosen[c], everyone, is_baseline, len(members[c])) for c in cells]
    return pl.DataFrame(rows)


def _shrunk(own: _Share, overall: _Share, everyone: int, rows: int) -> _Share:
    """A cell's shares, leaning on how the candidates compare over all series as much as it is small."""
    weight = rows / (rows + _PRIOR_ROWS)
    scale = own.loss[everyone] / max(overall.loss[everyone], 1e-12)
    return _Share(weight * own.loss + (1 - weight) * overall.loss * scale, own.bias)


def _row(cell: str, names: Sequence[str], own: _Share, chosen: int, everyone: int, is_baseline: np.ndarray, rows: int) -> dict:
    best = int(np.argmin(np.where(is_baseline, own.loss, np.inf)))
    gain = 1 - own.loss[chosen] / max(own.loss[everyone], 1e-12)
    reason = f"changes the loss of the best over all series by {-gain:+.1%} here" if chosen != everyone else "best over all series"
    return {
        "cell": cell, "model_name": names[chosen], "reason": reason, "rows": rows,
        "loss": float(own.loss[chosen] / max(own.loss[best], 1e-12)), "baseline_name": names[best], "baseline_loss": 1.0,
    }  # fmt: skip
