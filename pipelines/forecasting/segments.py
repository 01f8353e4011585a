"""Segments: how a series sells (Syntetos, Boylan and Croston 2005), and where it stands in its life, as known at a cut-off.

ADI is the mean distance between periods with demand, CV2 the squared variation of the demand in them. A segment is `smooth`,
`erratic`, `intermittent` or `lumpy`, then `new`, `mature` or `ending`: `lumpy/mature`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.forecasting.features import FeatureMaker

__all__ = ["LIVES", "PATTERNS", "money_classes", "segments_of"]

_ADI, _CV2 = 1.32, 0.49
"""Borders between patterns, from the paper."""
PATTERNS = ("smooth", "erratic", "intermittent", "lumpy")
LIVES = ("new", "mature", "ending")
_CLASS_SHARES = (0.8, 0.95)
_NEW_SHARE = 0.5
"""A series is new until it has lived so much of the window that patterns are told from."""


def segments_of(maker: FeatureMaker, origin: int) -> pl.Series:
    """One segment per series, empty for series that had not begun by the end of the origin period."""
    windows = maker.panel.frequency.windows
    window = windows[min(len(windows) - 1, len(windows) // 2 + 2)]
    part = maker.demand[:, max(0, origin + 1 - window) : origin + 1]
    is_known = ~np.isnan(part)
    known = is_known.sum(axis=1)
    sold = np.where(is_known, part, 0) > 0
    times = sold.sum(axis=1)
    size = np.where(sold, part, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.where(times > 0, known / times, np.inf)
        mean = size.sum(axis=1) / times
        variation = np.maximum((size**2).sum(axis=1) / times - mean**2, 0) / mean**2
    variation = np.nan_to_num(variation)
    pattern = (distance > _ADI).astype(int) * 2 + (variation > _CV2).astype(int)
    silence = np.where(times > 0, np.argmax(sold[:, ::-1], axis=1), part.shape[1])
    age = origin + 1 - maker.panel.first
    # Silent for much longer than its usual distance: a series of one sale in four periods is not ending after five.
    usual = np.where(np.isfinite(distance), distance, 0)
    is_ending = silence >= np.maximum(windows[len(windows) // 2 - 1], 4 * usual)
    life = np.where(is_ending, 2, np.where(age < _NEW_SHARE * window, 0, 1))
    names = np.array([f"{p}/{life_name}" for p in PATTERNS for life_name in LIVES])
    found = names[pattern * len(LIVES) + life]
    return pl.Series("segment", np.where(maker.is_alive(origin), found, None).tolist(), dtype=pl.String)


def money_classes(maker: FeatureMaker, origin: int) -> np.ndarray:
    """A, B or C per series: those that made the first 80 % of the year's money (units without a price), the next 15 %, the rest.

    A loss that counts series counts C most, one that counts money A: a segment may serve each with another model.
    """
    year = maker.panel.frequency.windows[-1]
    sold = np.nan_to_num(maker.demand[:, max(0, origin + 1 - year) : origin + 1]).sum(axis=1, dtype=np.float64)
    value = maker.panel.unit_value(origin)
    money = sold * (1.0 if value is None else value)
    order = np.argsort(-money, kind="stable")
    reached = np.cumsum(money[order]) - money[order]
    classes = np.empty(len(money), dtype="<U1")
    classes[order] = np.array(["A", "B", "C"])[np.searchsorted(_CLASS_SHARES, reached / max(money.sum(), 1e-12), side="right")]
    return classes
