"""Reasons: the largest contributions first, told in words that say what was known and what it did."""

import time
from math import log

import numpy as np
import pytest

from pipelines.forecasting.phrases import phrase_of
from pipelines.forecasting.reasons import reasons_of


def _told(feature: str, value: float, effect: float = 0.18, **options) -> str:
    return reasons_of(np.array([[log(1 + effect)]]), np.array([[value]]), [feature], **options)["reason_1"][0]


@pytest.mark.parametrize(
    ("feature", "value", "options", "text"),
    [
        ("mean_4_ratio", log(1.4), {"period": "week"}, "sold 40 % more than usual over the last 4 weeks: +18 %"),
        ("mean_4_ratio", log(0.75), {"period": "week"}, "sold 25 % less than usual over the last 4 weeks: +18 %"),
        ("mean_1_ratio", 0.0, {}, "sold as much as usual in the last day: +18 %"),
        ("mean_7_ratio", log(3.2), {}, "sold 3.2 times as much as usual over the last 7 days: +18 %"),
        ("mean_364_ratio", np.nan, {}, "sold an unknown amount against usual over the last 364 days: +18 %"),
        ("level_log", log(2.5), {"period": "week"}, "sells about 2.5 a week: +18 %"),
        ("zero_share", 0.35, {"period": "week"}, "35 % of weeks without a sale: +18 %"),
        ("since_sale", 12.0, {}, "last sold 12 days ago: +18 %"),
        ("weekday", 6.0, {}, "a Saturday: +18 %"),
        ("article_id_trend_short", log(1.1), {}, "its article sells 10 % more than before: +18 %"),
        ("total_trend_long", log(0.9), {}, "all series together sell 10 % less than before: +18 %"),
        ("season_index", log(1.5), {}, "such days sell 50 % more than others: +18 %"),
        ("price_ahead", log(0.9), {}, "price 10 % less than usual: +18 %"),
        ("is_holiday_ahead", 1.0, {"marks": ["is_holiday"]}, "holiday on: +18 %"),
        ("campaign_discount_pct_ahead", 20.0, {"marks": ["campaign_discount_pct"]}, "campaign discount 20: +18 %"),
        ("campaign_change", 0.8, {"marks": ["campaign"]}, "more campaign than usual: +18 %"),
        ("level_1.5_ratio", log(0.77), {"period": "week"}, "sold 23 % less than usual over about the last 1.5 weeks: +18 %"),
        ("campaign_next", 3.0, {"marks": ["campaign"]}, "next campaign 3 days later: +18 %"),
        ("shoe_size", 1.25, {}, "shoe size 1.2: +18 %"),
    ],
)
def test_features_in_words(feature, value, options, text):
    assert _told(feature, value, **options) == text


def test_the_largest_come_first_and_the_smallest_are_left_out():
    contributions = np.array([[0.1, -0.5, 0.3, 0.0, 9.9], [0.001, 0.0, 0.0, -0.2, 9.9]])
    values = np.zeros((2, 4))
    found = reasons_of(contributions, values, ["age", "lead", "since_sale", "day_of_month"])
    assert found.columns == [f"reason_{number}" for number in range(1, 6)]
    assert found.row(0) == ("0 days ahead: -39 %", "last sold 0 days ago: +35 %", "on sale for 0 days: +11 %", None, None)
    assert found.row(1) == ("day 0 of the month: -18 %", None, None, None, None)


def test_no_rows_no_reasons():
    assert reasons_of(np.empty((0, 3)), np.empty((0, 2)), ["age", "lead"]).height == 0


def test_no_feature_is_without_words():
    for feature in (
        "level_5_ratio",
        "peak_ratio",
        "variation",
        "age",
        "lead",
        "year_ratio",
        "year_level_ratio",
        "price_of_site_id",
        "x_past",
    ):
        phrase = phrase_of(feature)
        assert phrase.before + phrase.after
        assert "{" not in phrase.before + phrase.after
        assert "<" not in phrase.before + phrase.after


def test_many_forecasts_in_seconds():
    rng = np.random.default_rng(1)
    features = [f"mean_{n}_ratio" for n in range(1, 41)]
    contributions, values = rng.normal(0, 0.1, (84_000, 41)), rng.normal(0, 0.3, (84_000, 40))
    began = time.process_time()
    assert reasons_of(contributions, values, features).height == 84_000
    assert time.process_time() - began < 5
