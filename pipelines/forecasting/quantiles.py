"""Quantiles: the spread of actual demand around the served forecast, measured on the newest known periods (split conformal).

Ratios of actual to forecast are gathered in cells of alike forecasts (Mondrian: size of the forecast, share of zeros, block of lead
times), and the newest count most. The quantile of a cell is the smallest ratio that holds at least the asked share of its weight, with
the finite-sample correction of Vovk, Gammerman and Shafer (2005).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["SpreadTable", "empirical_quantiles", "measure_spread", "quantile_name"]

_VOLUMES = 6
_ZERO_SHARES = (0.15, 0.5, 0.8)
_LEAST_ROWS = 150
_CAP = 60.0
"""Actual over forecast beyond this is an outlier, not a cell's spread."""


def quantile_name(quantile: float) -> str:
    """Column of a quantile: 0.1 becomes units_p10, 0.05 units_p05."""
    return f"units_p{round(quantile * 100):02d}"


@dataclass(frozen=True)
class SpreadTable:
    """Per cell and quantile the ratio of actual to forecast; cells are volume by zero share by lead block."""

    quantiles: Sequence[float]
    volume_edges: np.ndarray
    lead_edges: np.ndarray
    ratios: np.ndarray
    floor: float
    is_whole_units: bool

    def quantiles_of(self, forecast: np.ndarray, zero_share: np.ndarray) -> np.ndarray:
        """Units by row, lead and quantile for forecasts by row and lead; they never fall from one quantile to the next.

        Where demand comes in whole units, quantiles do too: the whole number below holds just as much.
        """
        cells = _cells(forecast, zero_share, self.volume_edges, self.lead_edges)
        values = self.ratios[cells] * np.maximum(forecast, self.floor)[..., None]
        values = np.maximum.accumulate(values, axis=-1)
        return np.floor(values + 1e-6) if self.is_whole_units else values

    def as_texts(self) -> dict:
        """All of it as numbers that JSON can hold."""
        return {
            "quantiles": list(self.quantiles), "volume_edges": self.volume_edges.tolist(), "lead_edges": self.lead_edges.tolist(),
            "ratios": self.ratios.tolist(), "floor": self.floor, "is_whole_units": self.is_whole_units,
        }  # fmt: skip

    @staticmethod
    def of_texts(kept: dict) -> SpreadTable:
        """The table that as_texts gave."""
        arrays = {name: np.array(kept[name]) for name in ("volume_edges", "lead_edges", "ratios")}
        return SpreadTable(kept["quantiles"], floor=kept["floor"], is_whole_units=kept["is_whole_units"], **arrays)


def measure_spread(
    forecast: np.ndarray, y: np.ndarray, zero_share: np.ndarray, weight: np.ndarray, quantiles: Sequence[float], *, is_whole_units: bool
) -> SpreadTable:
    """The spread of y around the forecast, both by row and lead (y not a number where unknown), rows weighted by how new they are.

    Cells with few rows take those of the same volume, then of all.
    """
    floor = 0.02
    is_known = np.isfinite(y) & np.isfinite(forecast)
    sizes = forecast[is_known]
    edges = np.unique(np.quantile(sizes, np.arange(1, _VOLUMES) / _VOLUMES)) if len(sizes) > _VOLUMES * _LEAST_ROWS else np.empty(0)
    blocks = forecast.shape[1]
    lead_edges = np.arange(1, min(blocks, 4)) * blocks / min(blocks, 4)
    ratio = np.minimum(y / np.maximum(forecast, floor), _CAP)[is_known]
    cells = tuple(part[is_known] for part in _cells(forecast, zero_share, edges, lead_edges))
    weights = np.repeat(weight[:, None], blocks, axis=1)[is_known]
    shape = (len(edges) + 1, len(_ZERO_SHARES) + 1, len(lead_edges) + 1, len(quantiles))
    ratios = np.empty(shape)
    everyone = _weighted_quantiles(ratio, weights, quantiles) if len(ratio) else np.ones(len(quantiles))
    for volume in range(shape[0]):
        in_volume = cells[0] == volume
        of_volume = _weighted_quantiles(ratio[in_volume], weights[in_volume], quantiles) if in_volume.sum() >= _LEAST_ROWS else everyone
        for zeros in range(shape[1]):
            in_zeros = in_volume & (cells[1] == zeros)
            enough = in_zeros.sum() >= _LEAST_ROWS
            of_zeros = _weighted_quantiles(ratio[in_zeros], weights[in_zeros], quantiles) if enough else of_volume
            for lead in range(shape[2]):
                here = in_zeros & (cells[2] == lead)
                enough = here.sum() >= _LEAST_ROWS
                ratios[volume, zeros, lead] = _weighted_quantiles(ratio[here], weights[here], quantiles) if enough else of_zeros
    return SpreadTable(tuple(quantiles), edges, lead_edges, ratios, floor, is_whole_units)


def empirical_quantiles(demand: np.ndarray, origin: int, window: int, horizon: int, quantiles: Sequence[float]) -> np.ndarray:
    """The baseline: quantiles of each series' own last periods, the same for every lead; zero where none is known."""
    part = demand[:, max(0, origin + 1 - window) : origin + 1]
    part = np.where(np.isnan(part).all(axis=1, keepdims=True), 0, part)
    values = np.nanquantile(part, quantiles, axis=1).T
    return np.repeat(values[:, None, :], horizon, axis=1)


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
