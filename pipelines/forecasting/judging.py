"""Judging: how far forecasts were off, by model, cut-off, lead, segment and level of the hierarchy.

Scales come from the part of the history that was known at the first cut-off, so that a test week cannot scale itself. Formulas: MASE
(Hyndman and Koehler 2006), RMSSE and its revenue-weighted mean (M5), WAPE and bias over the sum of demand, VN1's score = WAPE + abs(bias),
weighted quantile loss = 2 x mean pinball over demand, scaled pinball loss = pinball over the series' MASE scale (M5 uncertainty).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.forecasting.quantiles import quantile_name

__all__ = ["Judged", "Scales", "metrics_of", "metrics_table", "scales_of"]


@dataclass(frozen=True)
class Scales:
    """Per series: mean absolute and root mean squared change from one period to the next, and the money it stands for."""

    absolute: np.ndarray
    squared: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class Judged:
    """One cut-off: demand by row and lead (not a number where unknown), forecasts by name, quantiles by name and level, segments."""

    cutoff: object
    y: np.ndarray
    forecasts: Mapping[str, np.ndarray]
    quantiles: Mapping[str, np.ndarray]
    segment: np.ndarray


def scales_of(demand: np.ndarray, origin: int, price: np.ndarray | None, season: int = 1) -> Scales:
    """Scales of each series from its known demand up to the origin period; a series that never changed has none (not a number).

    `season` is the distance of the naive forecast that scales. Money is units up to then times the price, or units where there is none.
    """
    part = demand[:, : origin + 1]
    change = np.abs(part[:, season:] - part[:, :-season]) if part.shape[1] > season else np.full((len(part), 1), np.nan)
    is_known = np.isfinite(change)
    count = np.maximum(is_known.sum(axis=1), 1)
    filled = np.where(is_known, change, 0).astype(np.float64)
    absolute, squared = filled.sum(axis=1) / count, np.sqrt((filled**2).sum(axis=1) / count)
    absolute, squared = (np.where(values > 0, values, np.nan) for values in (absolute, squared))
    weight = np.nan_to_num(part).sum(axis=1, dtype=np.float64) * (1.0 if price is None else price)
    return Scales(absolute, squared, weight)


def metrics_of(
    y: np.ndarray, forecast: np.ndarray, scales: Scales, quantiles: np.ndarray | None, levels: Sequence[float]
) -> dict[str, float]:
    """All figures of one forecast over rows by leads; `quantiles` is rows by leads by levels. Not a number where nothing is known."""
    is_known = np.isfinite(y) & np.isfinite(forecast)
    count = is_known.sum(axis=1)
    rows = count > 0
    error = np.where(is_known, forecast - np.nan_to_num(y), 0.0)
    demand = float(np.where(is_known, y, 0).sum())
    absolute = np.abs(error).sum(axis=1)[rows] / count[rows]
    squared = np.sqrt((error**2).sum(axis=1)[rows] / count[rows])
    mase, rmsse = absolute / scales.absolute[rows], squared / scales.squared[rows]
    weight = np.where(np.isfinite(rmsse), scales.weight[rows], 0)
    found = {
        "rows": int(is_known.sum()),
        "mase": _mean(mase),
        "rmsse": _mean(rmsse),
        "revenue_rmsse": float((np.nan_to_num(rmsse) * weight).sum() / weight.sum()) if weight.sum() > 0 else float("nan"),
        "wape": float(np.abs(error).sum()) / demand if demand > 0 else float("nan"),
        "bias": float(error.sum()) / demand if demand > 0 else float("nan"),
    }
    found["vn1_score"] = found["wape"] + abs(found["bias"])
    if quantiles is not None:
        found.update(_quantile_metrics(y, quantiles, is_known, scales, levels, demand))
    return found


def _quantile_metrics(y, quantiles, is_known, scales: Scales, levels: Sequence[float], demand: float) -> dict[str, float]:
    count = np.maximum(is_known.sum(axis=1), 1)
    rows = is_known.sum(axis=1) > 0
    pinball, scaled, found = [], [], {}
    # Whole quantiles are those of whole units; what is expected of a period that ran out lies between two, and the lower counts.
    counted = np.floor(np.nan_to_num(y)) if (quantiles[is_known] % 1 == 0).all() else np.nan_to_num(y)
    for position, level in enumerate(levels):
        off = np.where(is_known, np.nan_to_num(y) - quantiles[..., position], 0.0)
        loss = np.maximum(level * off, (level - 1) * off)
        pinball.append(loss.sum())
        scaled.append(_mean((loss.sum(axis=1) / count / scales.absolute)[rows]))
        held = (counted <= quantiles[..., position])[is_known]
        found[f"held_{quantile_name(level).removeprefix('units_')}"] = float(held.mean()) if held.size else float("nan")
    found["weighted_quantile_loss"] = 2 * float(np.mean(pinball)) / demand if demand > 0 else float("nan")
    found["scaled_pinball_loss"] = float(np.mean(scaled))
    return found


def metrics_table(judged: Sequence[Judged], scales: Scales, levels: Sequence[float], level_name: str, *, is_detailed: bool) -> pl.DataFrame:
    """One row per model and grouping: all together, each cut-off, each lead, each segment, and each cut-off with each lead.

    Columns that a grouping does not split by are empty: cutoff, lead, segment. `level` is the level of the hierarchy.
    """
    rows = []
    segments = sorted({s for one in judged for s in one.segment.tolist() if s is not None}) if is_detailed else []
    leads = range(judged[0].y.shape[1])
    for name in judged[0].forecasts:
        groupings = [(None, None, None, judged, slice(None), None)]
        groupings += [(one.cutoff, None, None, [one], slice(None), None) for one in judged]
        groupings += [(None, lead + 1, None, judged, slice(lead, lead + 1), None) for lead in leads]
        groupings += [(None, None, segment, judged, slice(None), segment) for segment in segments]
        if is_detailed:
            groupings += [(one.cutoff, lead + 1, None, [one], slice(lead, lead + 1), None) for one in judged for lead in leads]
        for cutoff, lead, segment, part, columns, member in groupings:
            figures = _figures(part, name, scales, levels, columns, member)
            rows.append({"model_name": name, "level": level_name, "cutoff": cutoff, "lead": lead, "segment": segment, **figures})
    return pl.DataFrame(rows, infer_schema_length=None)


def _figures(judged: Sequence[Judged], name: str, scales: Scales, levels, columns: slice, segment: str | None) -> dict[str, float]:
    masks = [np.ones(len(one.y), dtype=bool) if segment is None else one.segment == segment for one in judged]
    rows = np.concatenate([np.flatnonzero(mask) for mask in masks])
    y = np.concatenate([one.y[mask][:, columns] for one, mask in zip(judged, masks, strict=True)])
    forecast = np.concatenate([one.forecasts[name][mask][:, columns] for one, mask in zip(judged, masks, strict=True)])
    quantiles = None
    if name in judged[0].quantiles:
        quantiles = np.concatenate([one.quantiles[name][mask][:, columns] for one, mask in zip(judged, masks, strict=True)])
    of_rows = Scales(scales.absolute[rows], scales.squared[rows], scales.weight[rows])
    return metrics_of(y, forecast, of_rows, quantiles, levels)


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
