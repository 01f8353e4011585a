"""Features: for an origin and a lead, one row per series and one column per feature; nothing after the origin enters but plans.

All are ratios to the series' own smoothed level, as logarithms, so that what is learned on large series holds for small ones and
carries over to another panel. Numbers that are not known are left out (not a number), which the learner takes as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl

from pipelines.forecasting.frequency import period_dates
from pipelines.forecasting.levels import FLOOR, seasonal_indices, smoothed, smoothed_levels
from pipelines.forecasting.panel import Panel

__all__ = ["FeatureMaker"]

_CLIP = 3.0
_YEAR_PRIOR_UNITS = 10.0
_MAXIMUM_GROUPS = 4
_FAR_AWAY = 60
_AT_THE_START = 3


@dataclass(frozen=True)
class FeatureMaker:
    """Features of one panel. Its smoothed levels and group sums are made once; each origin and lead only looks into them."""

    panel: Panel

    def prepare(self) -> FeatureMaker:
        """Itself, with all that is made once made, so that several threads can look into it."""
        _ = self.demand, self.levels, self.groups, self.group_sums, self.smooth_known, self.is_mark, self._seasons
        return self

    @property
    def demand(self) -> np.ndarray:
        """Demand by series and period, not a number where unknown."""
        return self.panel.demand

    @cached_property
    def levels(self) -> list[np.ndarray]:
        """Smoothed levels, one array per half-life of the frequency."""
        return smoothed_levels(self.demand, self.panel.frequency.half_lives)

    @cached_property
    def groups(self) -> list[tuple[str, np.ndarray]]:
        """All series as one group, and the groups of each static column that has more than one member a group."""
        found = [("total", np.zeros(self.panel.series, dtype=np.int32))]
        for name in self.panel.static.columns:
            codes = self.panel.static[name].cast(pl.String).fill_null("").rank("dense").to_numpy().astype(np.int32) - 1
            if 1 < codes.max() + 1 <= self.panel.series / 2:
                found.append((name, codes))
        return found[: _MAXIMUM_GROUPS + 1]

    @cached_property
    def group_sums(self) -> list[np.ndarray]:
        """Demand per group and period, float64; a series that had nothing to sell counts with its level."""
        is_unseen = self.panel.is_censored & np.isnan(self.demand)
        filled = np.nan_to_num(np.where(is_unseen, self.levels[-1], self.demand))
        return [_group_sum(filled, codes) for _, codes in self.groups]

    @cached_property
    def smooth_known(self) -> dict[str, np.ndarray]:
        """The usual value of each known-ahead column, by series and period: what the level has seen of it."""
        slowest = self.panel.frequency.half_lives[-1]
        return {name: smoothed(known.values[:, : self.panel.observed], slowest) for name, known in self.panel.known.items()}

    def is_alive(self, origin: int) -> np.ndarray:
        """Which series had a known period by the end of the origin period."""
        return (self.panel.first <= origin) & np.isfinite(self.levels[-1][:, origin])

    def level(self, origin: int) -> np.ndarray:
        """The level that a forecast starts from: the mean of the smoothed levels, at least FLOOR."""
        return np.maximum(np.mean([level[:, origin] for level in self.levels], axis=0), FLOOR)

    def names(self) -> list[str]:
        """The features, in the order of the matrix's columns."""
        return [
            *self.history(self.panel.observed - 1)[0],
            *self._target(self.panel.observed - 1, 1, self.level(self.panel.observed - 1))[0],
        ]

    def history(self, origin: int) -> tuple[list[str], np.ndarray]:
        """Names and columns of what a series and its groups had done by the end of the origin period, the same for every lead."""
        level = self.level(origin)
        columns: dict[str, np.ndarray] = {"level_log": np.log(level)}
        for half_life, smooth in zip(self.panel.frequency.half_lives, self.levels, strict=True):
            columns[f"level_{half_life:g}_ratio"] = _log_ratio(smooth[:, origin], level)
        for window in self.panel.frequency.windows:
            columns[f"mean_{window}_ratio"] = _log_ratio(self._mean(origin, window), level)
        windows = self.panel.frequency.windows
        middle, long = windows[len(windows) // 2], windows[min(len(windows) // 2 + 2, len(windows) - 1)]
        part = self.demand[:, max(0, origin + 1 - long) : origin + 1]
        is_known = ~np.isnan(part)
        count = np.maximum(is_known.sum(axis=1), 1)
        filled = np.where(is_known, part, 0)
        mean = filled.sum(axis=1) / count
        spread = np.sqrt(np.maximum((filled**2).sum(axis=1) / count - mean**2, 0))
        columns["zero_share"] = ((part == 0).sum(axis=1) / count).astype(np.float32)
        recent = part[:, -middle:]
        columns["zero_share_recent"] = (recent == 0).sum(axis=1) / np.maximum((~np.isnan(recent)).sum(axis=1), 1)
        columns["variation"] = np.minimum(spread / np.maximum(mean, FLOOR), 10)
        columns["peak_ratio"] = _log_ratio(filled.max(axis=1, initial=0), level)
        sold = filled > 0
        columns["since_sale"] = np.where(sold.any(axis=1), np.argmax(sold[:, ::-1], axis=1), part.shape[1])
        # Of a series that was there when the panel begins, the age is not known; of an old one it would only tell the date.
        age = np.minimum(origin - self.panel.first, long).astype(np.float32)
        columns["age"] = np.where(self.panel.first < _AT_THE_START, np.nan, age)
        columns["stock_out_share"] = self.panel.is_censored[:, max(0, origin + 1 - middle) : origin + 1].mean(axis=1)
        columns.update(self._trends(origin))
        columns.update(self._past(origin))
        return list(columns), np.column_stack([np.asarray(values, dtype=np.float32) for values in columns.values()])

    def rows(self, origin: int, lead: int, history: np.ndarray) -> np.ndarray:
        """The matrix of one lead: the origin's history columns and those of the target period."""
        return np.column_stack([history, self._target(origin, lead, self.level(origin))[1]])

    def _target(self, origin: int, lead: int, level: np.ndarray) -> tuple[list[str], np.ndarray]:
        """Names and columns of what was known at the origin about the target period."""
        series, frequency = self.panel.series, self.panel.frequency
        columns: dict[str, np.ndarray] = {"lead": np.full(series, lead)}
        if frequency.season_length > 1:
            indices = self._season(origin)
            columns["season_index"] = np.log(np.maximum(indices[:, (lead - 1) % frequency.season_length], 0.01))
            columns["season_place_ratio"] = _log_ratio(self._same_place(origin, lead), level)
        if frequency.year_length:
            columns.update(self._last_year(origin, lead))
        columns.update({name: np.full(series, value) for name, value in self._calendar(origin, lead).items()})
        columns.update(self._covariates(origin, lead))
        clipped = {name: np.asarray(values, dtype=np.float32) for name, values in columns.items()}
        return list(clipped), np.column_stack(list(clipped.values()))

    def _season(self, origin: int) -> np.ndarray:
        if origin not in self._seasons:
            self._seasons[origin] = seasonal_indices(self.demand, origin, self.panel.frequency.season_length)
        return self._seasons[origin]

    @cached_property
    def _seasons(self) -> dict[int, np.ndarray]:
        return {}

    def _mean(self, origin: int, window: int) -> np.ndarray:
        """Mean of the known periods of the trailing window; not a number where it holds none or the series is younger than half of it."""
        part = self.demand[:, max(0, origin + 1 - window) : origin + 1]
        is_known = ~np.isnan(part)
        count = is_known.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(is_known, part, 0).sum(axis=1) / count
        return np.where(2 * (origin + 1 - self.panel.first) >= window, mean, np.nan)

    def _same_place(self, origin: int, lead: int, cycles: int = 4) -> np.ndarray:
        """Mean of the last periods at the target's place in the season."""
        season = self.panel.frequency.season_length
        newest = origin + lead - season * ((lead + season - 1) // season)
        places = [p for p in range(newest, newest - cycles * season, -season) if p >= 0]
        part = self.demand[:, places]
        is_known = ~np.isnan(part)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(is_known, part, 0).sum(axis=1) / is_known.sum(axis=1)

    def _trends(self, origin: int) -> dict[str, np.ndarray]:
        """Per group: the newest demand against the recent, and the recent against the longer past, as log ratios."""
        windows = self.panel.frequency.windows
        short, middle, long = windows[1], windows[len(windows) // 2 - 1], windows[len(windows) // 2 + 1]
        columns = {}
        for (name, codes), sums in zip(self.groups, self.group_sums, strict=True):
            means = [sums[:, max(0, origin + 1 - w) : origin + 1].mean(axis=1) for w in (short, middle, long)]
            columns[f"{name}_trend_short"] = _log_ratio(means[0], means[1])[codes]
            columns[f"{name}_trend_long"] = _log_ratio(means[1], means[2])[codes]
        return columns

    def _last_year(self, origin: int, lead: int) -> dict[str, np.ndarray]:
        """What the series and all series did around the same period of last year, against their levels of that time."""
        year = self.panel.frequency.year_length
        half = 3 if year > 100 else 1 if year > 20 else 0
        then, target = origin - year, origin + lead - year
        missing = np.full(self.panel.series, np.nan, dtype=np.float32)
        if then < 1 or target - half < 1:
            return {"year_ratio": missing, "year_ratio_total": missing, "year_level_ratio": missing}
        around = slice(target - half, min(target + half, origin) + 1)
        part = self.demand[:, around]
        is_known = ~np.isnan(part)
        sold, periods = np.where(is_known, part, 0).sum(axis=1), is_known.sum(axis=1)
        level_then = np.maximum(self.level(then), FLOOR)
        total = self.group_sums[0][0]
        window = max(1, int(2 * self.panel.frequency.half_lives[1]))
        base = total[max(0, then + 1 - window) : then + 1].mean()
        total_ratio = max(total[around].mean(), FLOOR) / max(base, FLOOR)
        shrunk = (sold + _YEAR_PRIOR_UNITS * total_ratio) / (level_then * periods + _YEAR_PRIOR_UNITS)
        was_there = (self.panel.first <= then) & np.isfinite(level_then)
        everyone = np.full(self.panel.series, np.log(total_ratio))
        return {
            "year_ratio": np.where(was_there, _log_ratio(shrunk, 1.0), everyone),
            "year_ratio_total": everyone,
            "year_level_ratio": np.where(was_there, _log_ratio(level_then, self.level(origin)), np.nan),
        }

    def _calendar(self, origin: int, lead: int) -> dict[str, float]:
        """Where the target lies in the week, the month and, with more than a year of history, in the year."""
        day = self.date_of(origin + lead)
        if not isinstance(day, date):
            return {}
        place = {"weekday": day.isoweekday()} if self.panel.frequency.season_length == 7 else {}
        if self.panel.frequency.name == "daily":
            place["day_of_month"] = day.day
        if self.panel.observed > 1.5 * self.panel.frequency.year_length:
            place["day_of_year"] = day.timetuple().tm_yday
        return place

    def date_of(self, period: int) -> date | int:
        """The date of a period, also after the last that the panel lists."""
        extra = period - len(self.panel.ds) + 1
        if extra <= 0:
            return self.panel.ds[period]
        return period_dates(self.panel.ds[0], period + 1, self.panel.frequency)[period]

    def _covariates(self, origin: int, lead: int) -> dict[str, np.ndarray]:
        """Each known-ahead column at the target, against its usual value and against its groups; and how far off its next mark is."""
        columns = {}
        for name, known in self.panel.known.items():
            period = origin + lead
            inside = period < known.values.shape[1]
            value = known.at(origin, period) if inside else np.full(self.panel.series, np.nan, dtype=np.float32)
            usual = self.smooth_known[name][:, origin]
            is_mark = self.is_mark[name]
            if is_mark and inside and known.planned is not None:
                # A campaign that was not planned by then was, for all that was known, none.
                value = np.nan_to_num(value)
            columns[f"{name}_ahead"] = value if is_mark else _log_ratio(value, usual)
            columns[f"{name}_change"] = value - usual if is_mark else _log_ratio(value, known.values[:, origin])
            for group, codes in self.groups[1:]:
                mean, usual_mean = _group_mean(value, codes), _group_mean(usual, codes)
                columns[f"{name}_of_{group}"] = (mean - usual_mean if is_mark else _log_ratio(mean, usual_mean))[codes]
            if is_mark:
                columns[f"{name}_next"] = self._until_mark(known, origin, period, forward=True)
                columns[f"{name}_last"] = self._until_mark(known, origin, period, forward=False)
        return columns

    @cached_property
    def is_mark(self) -> dict[str, bool]:
        """Which known-ahead columns say yes or no, or hold zero for no."""
        return {name: bool((np.nan_to_num(known.values, nan=0.0) == 0).any()) for name, known in self.panel.known.items()}

    def _until_mark(self, known, origin: int, period: int, *, forward: bool) -> np.ndarray:
        """Periods from the target to the nearest later, or earlier, mark that was known at the origin."""
        reach = min(_FAR_AWAY, 2 * max(self.panel.frequency.season_length, 7))
        if forward:
            part = known.at(origin, slice(min(period + 1, known.values.shape[1]), period + 1 + reach))
        else:
            part = known.at(origin, slice(max(0, period - reach), period))[:, ::-1]
        marks = np.nan_to_num(part) > 0
        return np.where(marks.any(axis=1), np.argmax(marks, axis=1) + 1 if marks.shape[1] else reach + 1, reach + 1)

    def _past(self, origin: int) -> dict[str, np.ndarray]:
        """Each past-only column at the origin against its mean so far."""
        columns = {}
        for name, values in self.panel.past.items():
            part = values[:, max(0, origin + 1 - self.panel.frequency.windows[-1]) : origin + 1]
            is_known = ~np.isnan(part)
            with np.errstate(invalid="ignore", divide="ignore"):
                mean = np.where(is_known, part, 0).sum(axis=1) / is_known.sum(axis=1)
                columns[f"{name}_past"] = np.clip((values[:, origin] - mean) / np.maximum(np.abs(mean), 1e-6), -10, 10)
        return columns

    def start_columns(self, names: Sequence[str]) -> list[int]:
        """Positions of the features that the starting regression reads: log ratios and marks, zero where nothing is to tell."""
        wanted = {"season_index", "year_ratio", "year_ratio_total", "total_trend_short", "total_trend_long", "zero_share_recent"}
        wanted |= {f"level_{h:g}_ratio" for h in (self.panel.frequency.half_lives[0], self.panel.frequency.half_lives[-1])}
        for name in self.panel.known:
            wanted |= {f"{name}_change" if self.is_mark[name] else f"{name}_ahead", *(f"{name}_of_{g}" for g, _ in self.groups[1:])}
        return [position for position, name in enumerate(names) if name in wanted]


def _log_ratio(value: np.ndarray, base: np.ndarray | float) -> np.ndarray:
    """Logarithm of value over base, floored and clipped; not a number where either is."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(np.log(np.maximum(value, FLOOR * 0.1) / np.maximum(base, FLOOR * 0.1)), -_CLIP, _CLIP).astype(np.float32)


def _group_sum(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(codes.max() + 1))
    return np.add.reduceat(values[order].astype(np.float64), starts, axis=0)


def _group_mean(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    is_known = ~np.isnan(values)
    size = codes.max() + 1
    total = np.bincount(codes, weights=np.where(is_known, values, 0), minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / np.bincount(codes, weights=is_known, minlength=size)
