"""Champion: which forecaster serves a segment, by how it did on earlier origins.

Candidates are all models and the mean of each pair that promises something. A candidate's loss is taken in each way in which it will
be judged, relative to the best baseline there, so that no single way rules; a small segment leans on all series together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

__all__ = ["Known", "Losses", "candidates", "choose_champions", "losses", "serve"]

_PRIOR_SERIES = 150
"""A segment of so many series counts as much as all series together."""
_MEMBERS = 3
"""So many of the best models are combined with each other."""
_MARGIN = 0.002
"""A segment leaves what serves overall only for a gain beyond this share of the loss."""


@dataclass(frozen=True)
class Known:
    """Forecasts of earlier origins whose periods have come: by name an array of rows by leads, and beside it y, row, scale and weight.

    Rows are pairs of series and origin. `y` is not a number where not known yet. `scale` and `scale_squared` are the mean absolute and
    root mean squared change of the series up to then (infinite where it never changed); `weight` its money.
    """

    forecasts: Mapping[str, np.ndarray]
    y: np.ndarray
    scale: np.ndarray
    scale_squared: np.ndarray
    weight: np.ndarray
    segment: np.ndarray


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


def relative_loss(found: Losses, rows: np.ndarray, baselines: np.ndarray) -> np.ndarray:
    """One figure per candidate over some rows: the mean of its losses, each over that of the best baseline, plus the bias over 0.02.

    A bias up to 2 % costs nothing; what is beyond counts half, since a decision on stock pays for it again each period.
    """
    parts = []
    for values in (found.scaled, found.absolute, found.squared):
        sums = values[:, rows].sum(axis=1)
        best = sums[baselines].min()
        parts.append(sums / best if best > 0 else np.ones(len(sums)))
    demand = found.demand[rows].sum()
    bias = np.abs(found.error[:, rows].sum(axis=1)) / demand if demand > 0 else np.zeros(len(found.names))
    return np.mean(parts, axis=0) + 0.5 * np.maximum(bias - 0.02, 0)


def candidates(known: Known, models: Sequence[str], baselines: Sequence[str]) -> list[str]:
    """All models, and the means of two and of all of those that did best over all series."""
    found = losses(known, models)
    total = relative_loss(found, np.arange(len(known.y)), np.isin(models, baselines))
    best = [models[position] for position in np.argsort(total, kind="stable")[:_MEMBERS]]
    learned = [name for name in models if name not in baselines and name not in best]
    members = [*best, *learned]
    pairs = [f"{a} + {b}" for i, a in enumerate(members) for b in members[i + 1 :]]
    return [*models, *pairs, *([" + ".join(best)] if len(best) > 2 else [])]


def choose_champions(known: Known, models: Sequence[str], baselines: Sequence[str]) -> pl.DataFrame:
    """One row per segment: the candidate that serves it, why, and its loss beside those of the overall and the best baseline.

    Columns: segment, model_name, reason, rows, loss, overall_loss, baseline_name, baseline_loss. The segment `all` stands for what
    serves overall, also where a segment is not listed.
    """
    names = candidates(known, models, baselines)
    is_baseline = np.isin(names, baselines)
    found = losses(known, names)
    overall = relative_loss(found, np.arange(len(known.y)), is_baseline)
    everyone = int(np.argmin(overall))
    rows = [_row("all", names, overall, overall, everyone, is_baseline, len(known.y), "best over all series")]
    for segment in sorted({s for s in known.segment.tolist() if s is not None}):
        members = np.flatnonzero(known.segment == segment)
        own = relative_loss(found, members, is_baseline)
        weight = len(members) / (len(members) + _PRIOR_SERIES)
        shrunk = weight * own + (1 - weight) * overall
        chosen = int(np.argmin(shrunk))
        if shrunk[chosen] > shrunk[everyone] - _MARGIN:
            chosen, reason = everyone, "no other is better here than the best over all series"
        else:
            reason = f"better here than the best over all series by {1 - own[chosen] / own[everyone]:.1%}"
        rows.append(_row(segment, names, shrunk, own, chosen, is_baseline, len(members), reason))
    return pl.DataFrame(rows)


def _row(segment, names, shrunk, own, chosen: int, is_baseline, rows: int, reason: str) -> dict:
    best = int(np.argmin(np.where(is_baseline, shrunk, np.inf)))
    return {
        "segment": segment, "model_name": names[chosen], "reason": reason, "rows": rows, "loss": float(own[chosen]),
        "baseline_name": names[best], "baseline_loss": float(own[best]),
    }  # fmt: skip
