"""Shares: they add up, resemble the category where little is sold, and beat the observed share on what comes after."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines.forecasting.shares import attribute_shares, split_by_shares

DAY = date(2026, 3, 2)
COLORS = ["BLACK", "BLUE", "RED"]
KEYS = {"parent": "generic_article_id", "category": "merchandise_category_code"}


def _demand(units: dict[str, list[float]], *, region: str = "TX", ds: date = DAY) -> pl.DataFrame:
    rows = [(g, "PHONE", region, c, ds, u) for g, values in units.items() for c, u in zip(COLORS, values, strict=False)]
    names = ["generic_article_id", "merchandise_category_code", "region_code", "color_name", "ds", "y"]
    return pl.DataFrame(rows, schema=names, orient="row")


def _share(shares: pl.DataFrame, parent: str, value: str, column: str = "expected_share") -> float:
    return shares.filter((pl.col("generic_article_id") == parent) & (pl.col("value") == value))[column][0]


def test_little_sold_resembles_the_category_and_much_sold_itself():
    demand = _demand({"G1": [600.0, 300.0, 100.0], "G2": [200.0, 500.0, 300.0], "G3": [0.0, 0.0, 2.0], "G4": [0.0, 0.0, 0.0]})
    shares = attribute_shares(demand, ["color_name"], **KEYS)
    sums = shares.group_by("generic_article_id").agg(pl.col("expected_share").sum())
    assert sums["expected_share"].to_list() == pytest.approx([1.0] * 4)
    assert _share(shares, "G1", "BLACK") == pytest.approx(0.6, abs=0.01)
    assert _share(shares, "G3", "RED", "share") == 1.0
    assert 0.2 < _share(shares, "G3", "RED") < 0.7
    assert _share(shares, "G4", "RED", "share") is None
    assert _share(shares, "G4", "RED") == pytest.approx(402.5 / 2003.5, abs=1e-9)


def test_what_an_article_does_not_have_gets_no_share():
    shares = attribute_shares(_demand({"G1": [5.0, 5.0, 90.0], "G2": [1.0, 1.0]}), ["color_name"], **KEYS)
    assert shares.filter(pl.col("generic_article_id") == "G2")["value"].to_list() == ["BLACK", "BLUE"]


def test_nothing_after_the_as_of_date_enters():
    before, after = _demand({"G1": [3.0, 2.0, 1.0]}), _demand({"G1": [0.0, 0.0, 999.0], "G2": [1.0, 1.0, 1.0]}, ds=DAY + timedelta(days=1))
    with_future = attribute_shares(pl.concat([before, after]), ["color_name"], **KEYS, until=DAY)
    assert with_future.equals(attribute_shares(before, ["color_name"], **KEYS, until=DAY))


def test_old_sales_leave_the_window():
    old, new = _demand({"G1": [500.0, 0.0, 0.0]}), _demand({"G1": [0.0, 0.0, 9.0]}, ds=DAY + timedelta(days=30))
    shares = attribute_shares(pl.concat([old, new]), ["color_name"], **KEYS, window_days=30)
    assert _share(shares, "G1", "BLACK", "units") == 0.0


def test_shares_by_place_beat_the_observed_ones_on_what_comes_after():
    rng = np.random.default_rng(4)
    frames, truth = [], {}
    for number in range(20):
        article = rng.dirichlet([12.0, 6.0, 2.0])
        for region in ("TX", "CA", "NY", "IL"):
            truth[f"G{number}", region] = rng.dirichlet(60 * article)
            frames.append(_demand({f"G{number}": rng.multinomial(15, truth[f"G{number}", region]).astype(float).tolist()}, region=region))
    shares = attribute_shares(pl.concat(frames), ["color_name"], **KEYS, place="region_code")
    true = pl.DataFrame([(g, r, c, p) for (g, r), ps in truth.items() for c, p in zip(COLORS, ps, strict=True)], orient="row",
                        schema=["generic_article_id", "region_code", "value", "true"])  # fmt: skip
    both = shares.join(true, on=["generic_article_id", "region_code", "value"])
    error = both.select(pl.col("share", "expected_share").sub(pl.col("true")).pow(2).mean().sqrt())
    assert both.height == 240
    assert error["expected_share"][0] < 0.7 * error["share"][0]


def test_parts_add_up_to_the_whole():
    shares = attribute_shares(_demand({"G1": [3.0, 2.0, 1.0]}), ["color_name"], **KEYS)
    parent = pl.DataFrame({"generic_article_id": ["G1"], "ds": [DAY], "expected_units": [12.0], "units_p90": [15.0]})
    parts = split_by_shares(parent, shares, ["generic_article_id"])
    assert parts["expected_units"].sum() == pytest.approx(12.0)
    assert parts.columns == ["generic_article_id", "ds", "expected_units", "value"]
