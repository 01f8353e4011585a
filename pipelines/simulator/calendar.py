"""Trading calendar: public holidays by region, closed days, and what days do to sales.

Dates and their factors belong here: weekdays 0.80 (Monday) to 1.50 (Saturday), eve of a holiday 1.20, open holiday
1.30, closed day 0. Which article sells how much does not; see demand.py.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

__all__ = ["REGIONS", "day_factors", "trading_calendar"]

REGIONS = ("TX", "CA", "NY", "IL")
_WEEKDAY = np.array([0.80, 0.82, 0.86, 0.95, 1.15, 1.50, 1.12])
_FIXED = {
    (1, 1): "New Year's Day",
    (6, 19): "Juneteenth",
    (7, 4): "Independence Day",
    (11, 11): "Veterans Day",
    (12, 25): "Christmas Day",
}
_REGIONAL = {
    ("TX", 4, 21): "San Jacinto Day",
    ("CA", 3, 31): "Cesar Chavez Day",
    ("NY", 2, 12): "Lincoln's Birthday",
    ("IL", 3, 4): "Pulaski Day",
}
_NTH_MONDAY = {
    (1, 3): "Martin Luther King Day",
    (2, 3): "Presidents' Day",
    (9, 1): "Labor Day",
    (10, 2): "Columbus Day",
}
_CLOSED = ("New Year's Day", "Easter Sunday", "Thanksgiving", "Christmas Day")


def _easter(year: int) -> date:
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)


def _holiday(day: date, region: str) -> str | None:
    monday_number = (day.day - 1) // 7 + 1 if day.weekday() == 0 else 0
    if day == _easter(day.year):
        return "Easter Sunday"
    if (day.month, monday_number) in _NTH_MONDAY:
        return _NTH_MONDAY[(day.month, monday_number)]
    if day.month == 5 and monday_number and (day + timedelta(days=7)).month == 6:
        return "Memorial Day"
    if day.month == 11 and day.weekday() == 3 and (day.day - 1) // 7 == 3:
        return "Thanksgiving"
    return _FIXED.get((day.month, day.day)) or _REGIONAL.get((region, day.month, day.day))


def trading_calendar(start: date, days: int) -> pl.DataFrame:
    """One row per day and region: calendar_date, region, is_holiday, holiday_name, is_open."""
    pairs = [(start + timedelta(days=k), region) for k in range(days) for region in REGIONS]
    names = [_holiday(day, region) for day, region in pairs]
    return pl.DataFrame(
        {
            "calendar_date": pl.Series([day for day, _ in pairs], dtype=pl.Date),
            "region": [region for _, region in pairs],
            "is_holiday": [name is not None for name in names],
            "holiday_name": pl.Series(names, dtype=pl.String),
            "is_open": [name not in _CLOSED for name in names],
        }
    )


def day_factors(start: date, days: int) -> np.ndarray:
    """What a day does to sales, as an array [region, day]; 0 where shops are closed."""
    calendar = trading_calendar(start, days + 1)
    shape = (days + 1, len(REGIONS))
    holiday = calendar["is_holiday"].to_numpy().reshape(shape).T
    is_open = calendar["is_open"].to_numpy().reshape(shape).T
    weekday = _WEEKDAY[(start.weekday() + np.arange(days)) % 7]
    eve = np.where(holiday[:, 1:] & ~holiday[:, :-1], 1.20, 1.0)
    return weekday * eve * np.where(holiday[:, :-1], 1.30, 1.0) * is_open[:, :-1]
