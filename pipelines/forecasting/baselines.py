"""Baselines: the forecasters of the field that a learner has to beat, and that serve where it does not.

From statsforecast (Nixtla), and last year times the recent trend, and the same smoothers on demand freed of its weekdays (`_seasonal`) or
of bulk orders (`_trimmed`). Nothing else imports statsforecast. Each gives units by series and lead; which one serves is not decided here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from pipelines.forecasting.features import FeatureMaker
from pipelines.forecasting.levels import FLOOR, seasonal_indices

__all__ = ["baseline_forecasts", "baseline_names"]

_ETS_SERIES = 100
_PLAIN = ("seasonal_naive", "window_average", "ses", "imapa", "adida", "tsb", "croston_sba")
_SEASONAL = ("seasonal_window_average", "ses_seasonal", "imapa_seasonal", "tsb_seasonal")
_TRIMMED = ("ses_trimmed", "imapa_trimmed", "tsb_trimmed")
_FENCE = 2.0
"""A period's demand counts up to so many interquartile ranges above the upper quartile of the periods with demand (Tukey's fence)."""
_LONGEST_HISTORY = 400
_MANY_SERIES, _HISTORY_OF_MANY = 10_000, 182
_CHEAP = ("seasonal_naive", "window_average", "seasonal_window_average", "ses", "ses_seasonal", "last_year_trend")
"""What takes less than a tenth of a millisecond a series; the others are for fewer than _MANY_SERIES series."""


def baseline_names(maker: FeatureMaker, asked: Sequence[str] = ()) -> tuple[list[str], dict[str, str]]:
    """The baselines that suit this panel, and those that do not with the reason; one that is asked for by name is never too slow."""
    frequency, left_out = maker.panel.frequency, {}
    names = [*_PLAIN, *_TRIMMED, *(_SEASONAL if frequency.season_length > 1 else ())]
    if frequency.year_length and maker.panel.observed > frequency.year_length + 2 * frequency.horizon:
        names.append("last_year_trend")
    else:
        left_out["last_year_trend"] = "less than a year of history before the first origin"
    if maker.panel.series <= _ETS_SERIES or "auto_ets" in asked:
        names.append("auto_ets")
    else:
        left_out["auto_ets"] = f"5 ms a series and origin; used for at most {_ETS_SERIES} series or when named in models"
    if maker.panel.series > _MANY_SERIES:
        slow = [name for name in names if name not in {*_CHEAP, *asked}]
        left_out.update(dict.fromkeys(slow, f"used for at most {_MANY_SERIES:,} series or when named in models"))
        names = [name for name in names if name not in slow]
    return names, left_out


def baseline_forecasts(maker: FeatureMaker, origin: int, horizon: int, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Units by series and lead for each named baseline, from what was known at the end of the origin period.

    Not a number for series that had not begun. Unknown periods are filled with the level of their time, since smoothers know no gaps.
    """
    panel, season = maker.panel, maker.panel.frequency.season_length
    alive = np.flatnonzero(maker.is_alive(origin))
    start = max(0, origin + 1 - (_HISTORY_OF_MANY if panel.series > _MANY_SERIES else _LONGEST_HISTORY))
    history = maker.demand[alive, start : origin + 1]
    first = np.maximum(panel.first[alive] - start, 0)
    level = maker.levels[-1][alive, start : origin + 1]
    filled = np.where(np.isnan(history), np.nan_to_num(level), history)
    found = {}
    plain = [name for name in names if name in {*_PLAIN, "seasonal_window_average", "auto_ets"}]
    if plain:
        found.update(_statsforecast(filled, first, horizon, {name: name for name in plain}, season, panel.frequency.windows))
    trimmed = {name: name.removesuffix("_trimmed") for name in names if name.endswith("_trimmed")}
    if trimmed:
        found.update(_statsforecast(_without_bulk(filled, first), first, horizon, trimmed, season, panel.frequency.windows))
    seasonal = {name: name.removesuffix("_seasonal") for name in names if name.endswith("_seasonal")}
    if seasonal:
        # Columns of the index belong to the `season` periods after the origin; the history is divided by those of its own places.
        index = np.maximum(seasonal_indices(maker.demand, origin, season)[alive], 0.02)
        places = (np.arange(start, origin + 1) - origin - 1) % season
        flat = _statsforecast(filled / index[:, places], first, horizon, seasonal, 1, panel.frequency.windows)
        ahead = index[:, np.arange(horizon) % season]
        found.update({name: values * ahead for name, values in flat.items()})
    result = {name: np.full((panel.series, horizon), np.nan) for name in found}
    for name, values in found.items():
        result[name][alive] = np.maximum(values, 0)
    if "last_year_trend" in names:
        result["last_year_trend"] = _last_year_trend(maker, origin, horizon)
    return result


def _without_bulk(history: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The history with what a bulk order added cut off, so that it does not pass for the level of the periods after it."""
    sold = np.where((history > 0) & (np.arange(history.shape[1]) >= first[:, None]), history, np.nan)
    has_sold = np.isfinite(sold).any(axis=1)
    lower, upper = np.nanquantile(np.where(has_sold[:, None], sold, 0), [0.25, 0.75], axis=1)
    return np.minimum(history, np.maximum(upper + _FENCE * (upper - lower), 2 * upper)[:, None])


def _statsforecast(
    history: np.ndarray, first: np.ndarray, horizon: int, names: dict[str, str], season: int, windows: Sequence[int]
) -> dict[str, np.ndarray]:
    """Forecasts by name of the baseline, of rows of history that each begin at their first period."""
    from statsforecast import StatsForecast  # noqa: PLC0415 - four seconds that only forecasting pays

    length = history.shape[1]
    row, period = np.nonzero(np.arange(length)[None, :] >= first[:, None])
    frame = pl.DataFrame({"unique_id": row.astype(np.int32), "ds": period.astype(np.int32), "y": history[row, period]})
    models = [_model(kind, name, season, windows) for name, kind in names.items()]
    fallback = _model("window_average", "fallback", season, windows)
    forecast = StatsForecast(models=models, freq=1, n_jobs=1, fallback_model=fallback).forecast(df=frame, h=horizon)
    forecast = forecast.sort("unique_id", "ds")
    mean = np.array([history[i, f:].mean() for i, f in enumerate(first)]) if len(first) else np.zeros(0)
    result = {}
    for name in names:
        values = forecast[name].to_numpy().reshape(len(history), horizon).astype(np.float64)
        # A smoother gives nothing where it has too little to see; then the mean is all there is.
        result[name] = np.where(np.isfinite(values), values, mean[:, None])
    return result


def _model(kind: str, name: str, season: int, windows: Sequence[int]):
    from statsforecast import models  # noqa: PLC0415 - see above

    window = windows[3]
    makers = {
        "seasonal_naive": lambda: models.SeasonalNaive(max(season, 1), alias=name),
        "window_average": lambda: models.WindowAverage(window, alias=name),
        "seasonal_window_average": lambda: models.SeasonalWindowAverage(season, 4, alias=name),
        "ses": lambda: models.SimpleExponentialSmoothingOptimized(alias=name),
        "imapa": lambda: models.IMAPA(alias=name),
        "adida": lambda: models.ADIDA(alias=name),
        "tsb": lambda: models.TSB(0.2, 0.2, alias=name),
        "croston_sba": lambda: models.CrostonSBA(alias=name),
        "auto_ets": lambda: models.AutoETS(season_length=season, alias=name),
    }
    return makers[kind]()


def _last_year_trend(maker: FeatureMaker, origin: int, horizon: int) -> np.ndarray:
    """The same period of last year times the level of now over that of then; the level where there was no last year.

    Beyond a year ahead, last year's periods come round again: those of this year are not known.
    """
    year = maker.panel.frequency.year_length
    level = maker.level(origin)
    result = np.repeat(level[:, None], horizon, axis=1)
    then = origin - year
    if then < 0:
        return result
    before = np.maximum(maker.level(then), FLOOR)
    growth = np.clip(level / before, 0.25, 4.0)
    last_year = maker.demand[:, then + 1 + np.arange(horizon) % year]
    usable = (maker.panel.first <= then)[:, None] & np.isfinite(last_year)
    result[usable] = (np.nan_to_num(last_year) * growth[:, None])[usable]
    result[~maker.is_alive(origin)] = np.nan
    return result
