"""Quantiles: the spread of actual demand around the served forecast, measured on the newest known periods (split conformal).

Ratios of actual to forecast are gathered in cells of alike forecasts (Mondrian: size of the forecast, share of zeros, block of lead
times), and the newest count most. The quantile of a cell is the smallest ratio that holds at least the asked share of its weight, with
the finite-sample correction of Vovk, Gammerman and Shafer (2005).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

__all__ = ["SpreadTable", "measure_spread", "own_quantiles", "quantile_name"]

_VOLUMES = 6
_ZERO_SHARES = (0.15, 0.5, 0.8)
_LEAST_ROWS = 150
_BLENDS = (0.0, 0.3, 0.5)
_ARRAYS = ("volume_edges", "lead_edges", "ratios", "corrections")
_CAP = 60.0
"""Actual over forecast beyond this is an outlier, not a cell's spread."""


def quantile_name(quantile: float) -> str:
    """Column of a quantile: 0.1 becomes units_p10, 0.05 units_p05."""
    return f"units_p{round(quantile * 100):02d}"


@dataclass(frozen=True)
class SpreadTable:
    """Per cell and quantile the ratio of actual to forecast, and a last correction of the blend with the series' own quantiles.

    Cells are volume by zero share by lead block. `blend` is the share of a series' own quantiles in the middle of its range; `corrections`
    multiply the blended quantile per volume and level so that the asked share was held.
    """

    quantiles: Sequence[float]
    volume_edges: np.ndarray
    lead_edges: np.ndarray
    ratios: np.ndarray
    corrections: np.ndarray
    blend: float
    floor: float
    is_whole_units: bool

    def quantiles_of(self, forecast: np.ndarray, zero_share: np.ndarray, own: np.ndarray) -> np.ndarray:
        """Units by row, lead and quantile for forecasts by row and lead; they never fall from one quantile to the next.

        `own` are the series' own quantiles by row and level. Where demand comes in whole units, quantiles do too: the whole number below
        holds just as much.
        """
        values = self._blended(forecast, zero_share, own)
        values = values * self.corrections[_cells(forecast, zero_share, self.volume_edges, self.lead_edges)[0]]
        values = np.maximum.accumulate(values, axis=-1)
        return np.floor(values + 1e-6) if self.is_whole_units else values

    def _blended(self, forecast: np.ndarray, zero_share: np.ndarray, own: np.ndarray) -> np.ndarray:
        cells = _cells(forecast, zero_share, self.volume_edges, self.lead_edges)
        values = self.ratios[cells] * np.maximum(forecast, self.floor)[..., None]
        return (1 - self.blend) * values + self.blend * own[:, None, :]

    def as_texts(self) -> dict:
        """All of it as numbers that JSON can hold."""
        arrays = {name: getattr(self, name).tolist() for name in _ARRAYS}
        return {
            "quantiles": list(self.quantiles),
            "blend": self.blend,
            "floor": self.floor,
            "is_whole_units": self.is_whole_units,
            **arrays,
        }

    @staticmethod
    def of_texts(kept: dict) -> SpreadTable:
        """The table that as_texts gave."""
        return SpreadTable(**{name: np.array(value) if name in _ARRAYS else value for name, value in kept.items()})


def measure_spread(
    forecast: np.ndarray,
    y: np.ndarray,
    zero_share: np.ndarray,
    own: np.ndarray,
    weight: np.ndarray,
    quantiles: Sequence[float],
    *,
    is_whole_units: bool,
) -> SpreadTable:
    """The spread of y around the forecast, both by row and lead (y not a number where unknown), rows weighted by how new they are.

    Cells with few rows take those of the same volume, then of all. How much of the series' own quantiles is blended in is what loses least.
    """
    floor = 0.02
    is_known = np.isfinite(y) & np.isfinite(forecast)
    sizes = forecast[is_known]
    edges = np.unique(np.quantile(sizes, np.arange(1, _VOLUMES) / _VOLUMES)) if len(sizes) > _VOLUMES * _LEAST_ROWS else np.empty(0)
    blocks = forecast.shape[1]
    lead_edges = np.arange(1, min(blocks, 4)) * blocks / min(blocks, 4)
    ratios = _ratios(forecast, y, zero_share, weight, quantiles, edges, lead_edges, floor)
    weights = np.repeat(weight[:, None], blocks, axis=1)
    plain = np.ones((len(edges) + 1, len(quantiles)))
    found = [
        _corrected(
            SpreadTable(tuple(quantiles), edges, lead_edges, ratios, plain, blend, floor, is_whole_units),
            forecast,
            y,
            zero_share,
            own,
            weights,
        )
        for blend in _BLENDS
    ]
    return min(found, key=lambda table: _loss(table, forecast, y, zero_share, own, weights))


def _corrected(
    table: SpreadTable, forecast: np.ndarray, y: np.ndarray, zero_share: np.ndarray, own: np.ndarray, weights: np.ndarray
) -> SpreadTable:
    """The table with corrections per volume and level above the median, from how actual compares to the blended quantile."""
    values = table._blended(forecast, zero_share, own)
    volume = _cells(forecast, zero_share, table.volume_edges, table.lead_edges)[0]
    is_known = np.isfinite(y) & np.isfinite(forecast)
    corrections = table.corrections.copy()
    for group in range(len(corrections)):
        rows = is_known & (volume == group)
        if rows.sum() < _LEAST_ROWS:
            continue
        for position, level in enumerate(table.quantiles):
            base = values[..., position][rows]
            if level >= 0.5 and (base > 0).mean() > 0.5:
                ratio = np.where(base > 0, y[rows] / np.maximum(base, table.floor), np.where(y[rows] > 0, _CAP, 0))
                corrections[group, position] = np.clip(_weighted_quantiles(ratio, weights[rows], [level])[0], 0.5, 2.0)
    return replace(table, corrections=corrections)


def _loss(table: SpreadTable, forecast: np.ndarray, y: np.ndarray, zero_share: np.ndarray, own: np.ndarray, weights: np.ndarray) -> float:
    """Weighted pinball loss of the table's quantiles."""
    off = (y[..., None] - table.quantiles_of(np.nan_to_num(forecast), zero_share, own)) * np.isfinite(forecast)[..., None]
    levels = np.array(table.quantiles)
    loss = np.where(np.isfinite(off), np.maximum(levels * off, (levels - 1) * off), 0)
    return float((loss * weights[..., None]).sum())


def _ratios(forecast, y, zero_share, weight, quantiles, edges: np.ndarray, lead_edges: np.ndarray, floor: float) -> np.ndarray:
    """Ratio of actual to forecast by volume, zero share, lead block and level."""
    is_known = np.isfinite(y) & np.isfinite(forecast)
    ratio = np.minimum(y / np.maximum(forecast, floor), _CAP)[is_known]
    cells = tuple(part[is_known] for part in _cells(forecast, zero_share, edges, lead_edges))
    weights = np.repeat(weight[:, None], forecast.shape[1], axis=1)[is_known]
    ratios = np.empty((len(edges) + 1, len(_ZERO_SHARES) + 1, len(lead_edges) + 1, len(quantiles)))
    everyone = _weighted_quantiles(ratio, weights, quantiles) if len(ratio) else np.ones(len(quantiles))

    def of_rows(rows: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
        return _weighted_quantiles(ratio[rows], weights[rows], quantiles) if rows.sum() >= _LEAST_ROWS else otherwise

    for volume in range(ratios.shape[0]):
        in_volume = cells[0] == volume
        of_volume = of_rows(in_volume, everyone)
        for zeros in range(ratios.shape[1]):
            in_zeros = in_volume & (cells[1] == zeros)
            of_zeros = of_rows(in_zeros, of_volume)
            for lead in range(ratios.shape[2]):
                ratios[volume, zeros, lead] = of_rows(in_zeros & (cells[2] == lead), of_zeros)
    return ratios


def own_quantiles(demand: np.ndarray, origin: int, window: int, quantiles: Sequence[float]) -> np.ndarray:
    """Quantiles of each series' own last periods, by series and level; zero where none is known."""
    part = demand[:, max(0, origin + 1 - window) : origin + 1]
    part = np.where(np.isnan(part).all(axis=1, keepdims=True), 0, part)
    return np.nanquantile(part, quantiles, axis=1).T


def _cells(forecast: np.ndarray, zero_share: np.ndarray, volume_edges: np.ndarray, lead_edges: np.ndarray) -> tuple:
    volume = np.searchsorted(volume_edges, forecast, side="left")
    zeros = np.repeat(np.searchsorted(_ZERO_SHARES, zero_share, side="right")[:, None], forecast.shape[1], axis=1)
    lead = np.repeat(np.searchsorted(lead_edges, np.arange(1, forecast.shape[1] + 1), side="left")[None, :], len(forecast), axis=0)
    return volume, zeros, lead


def _weighted_quantiles(values: np.ndarray, weights: np.ndarray, quantiles: Sequence[float]) -> np.ndarray:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    asked = np.asarray(quantiles) * (reached[-1] + weights.mean())
    return values[order][np.minimum(np.searchsorted(reached, asked, side="left"), len(values) - 1)]
