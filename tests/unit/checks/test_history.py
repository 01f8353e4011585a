"""History: a weekday is compared with its own kind, and silence with the gaps there were before."""

from datetime import date, datetime, timedelta

import polars as pl

from pipelines.checks.history import daily_volumes, freshness_verdict, volume_verdict

MONDAY = date(2026, 1, 5)


def _weeks(weeks: int, by_weekday: list[int]) -> pl.DataFrame:
    days = [MONDAY + timedelta(days=n) for n in range(7 * weeks)]
    wobble = [0, 3, -2, 5, -4]
    rows = [by_weekday[n % 7] + (wobble[n // 7 % 5] if by_weekday[n % 7] else 0) for n in range(7 * weeks)]
    return pl.DataFrame({"day": days, "rows": rows}).filter(pl.col("rows") > 0)


USUAL = [1000, 900, 900, 950, 1200, 1500, 300]


def _changed(volumes, day, rows):
    return volumes.with_columns(rows=pl.when(pl.col("day") == day).then(rows).otherwise("rows"))


def test_half_a_monday_is_unusual_and_a_small_sunday_is_not():
    monday, sunday = MONDAY + timedelta(weeks=9), MONDAY + timedelta(weeks=9, days=6)
    volumes = _changed(_weeks(10, USUAL), monday, 450)
    verdict = volume_verdict(volumes, [monday, sunday])
    assert (verdict.rows_checked, verdict.rows_broken) == (2, 1)
    assert verdict.broken[0]["day"] == str(monday)
    assert not verdict.is_red


def test_a_day_delivered_twice_is_unusual():
    monday = MONDAY + timedelta(weeks=9)
    assert volume_verdict(_changed(_weeks(10, USUAL), monday, 2000), [monday]).rows_broken == 1


def test_only_the_days_that_new_rows_speak_of_are_judged():
    monday = MONDAY + timedelta(weeks=8)
    volumes = _changed(_weeks(10, USUAL), monday, 100)
    assert volume_verdict(volumes, [MONDAY + timedelta(weeks=9)]).passed


def test_a_day_closed_every_week_expects_nothing():
    volumes = _weeks(10, [1000, 900, 900, 950, 1200, 1500, 0])
    sunday = MONDAY + timedelta(weeks=9, days=6)
    assert daily_volumes(volumes.vstack(pl.DataFrame({"day": [sunday], "rows": [700]})))["low"].to_list()[-1] is None


def test_three_weeks_are_not_enough_history():
    verdict = volume_verdict(_weeks(3, USUAL), [MONDAY + timedelta(weeks=2)])
    assert (verdict.passed, verdict.observed) == (True, "not enough history")


def test_the_past_of_a_day_does_not_contain_the_day_itself():
    volumes = _weeks(10, USUAL)
    monday = MONDAY + timedelta(weeks=9)
    one, other = (daily_volumes(_changed(volumes, monday, rows)).filter(pl.col("day") == monday) for rows in (1, 5000))
    assert one.select("low", "high").equals(other.select("low", "high"))


def _deliveries(days):
    return pl.Series([datetime(2026, 1, 5, 2) + timedelta(days=n) for n in days])


WORKDAYS = [n for n in range(49) if n % 7 < 5]


def test_a_weekend_of_silence_is_usual_and_two_silent_workdays_are_not():
    sunday, wednesday = datetime(2026, 2, 22, 9), datetime(2026, 2, 25, 9)
    assert freshness_verdict(_deliveries(WORKDAYS), sunday).passed
    assert freshness_verdict(_deliveries(WORKDAYS), datetime(2026, 2, 23, 9)).passed
    late = freshness_verdict(_deliveries(WORKDAYS), wednesday)
    assert not late.passed
    assert late.observed == "5 days since the last delivery; 3 at most before"


def test_silence_after_a_weekday_is_compared_with_the_same_weekday():
    until_wednesday = [n for n in WORKDAYS if n <= 44]
    friday = datetime(2026, 2, 20, 9)
    # Three days of silence are usual after a Friday, and two are not after a Wednesday.
    assert not freshness_verdict(_deliveries(until_wednesday), friday).passed


def test_a_feed_that_came_four_times_expects_nothing_yet():
    verdict = freshness_verdict(_deliveries([0, 1, 2, 3]), datetime(2026, 12, 1))
    assert (verdict.passed, verdict.observed) == (True, "not enough history")
