"""Forms of numbers and dates: each is read by its own form, and a text of another form by none."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts import Column
from pipelines.sources.extract_settings import DATE_FORMS, NUMBER_FORMS
from pipelines.sources.formats import plain_dates, plain_numbers
from pipelines.sources.values import typed

AMOUNT = Column("menge", "DECIMAL(15,3)", "")
DAY = Column("budat", "DATE", "")


def number(text: str, form: str) -> Decimal | None:
    return typed(plain_numbers(pl.Series("menge", [text]), form), AMOUNT)[0]


def day(text: str, form: str) -> date | None:
    return typed(plain_dates(pl.Series("budat", [text]), form), DAY)[0]


@pytest.mark.parametrize(
    ("text", "form", "value"),
    [
        ("1.234,56", "1.234,56", "1234.560"),
        ("1.234,56-", "1.234,56", "-1234.560"),
        ("-1.234,56", "1.234,56", "-1234.560"),
        ("1.234.567", "1.234,56", "1234567.000"),
        ("1234,5", "1.234,56", "1234.500"),
        (",5", "1.234,56", "0.500"),
        ("12,", "1.234,56", "12.000"),
        ("1,234.56", "1,234.56", "1234.560"),
        ("1,234.56 -", "1,234.56", "-1234.560"),
        ("1234.56+", "1234.56", "1234.560"),
        ("1 234,56", "1 234,56", "1234.560"),
        ("1\u00a0234,56", "1 234,56", "1234.560"),
        (" 7 ", "1.234,56", "7.000"),
    ],
)
def test_a_number_is_read_by_its_form(text, form, value):
    assert number(text, form) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("1.5", "1.234,56"),
        ("1,234.56", "1.234,56"),
        ("12.34.567", "1.234,56"),
        ("1.2345", "1.234,56"),
        ("1,5", "1,234.56"),
        ("1.234,56", "1234.56"),
        ("--1", "1.234,56"),
        ("-1-", "1.234,56"),
        (",", "1.234,56"),
        ("EA", "1.234,56"),
        ("1e3", "1.234,56"),
    ],
)
def test_a_number_of_another_form_is_read_by_none(text, form):
    assert number(text, form) is None


@given(
    value=st.decimals(min_value=-(10**9), max_value=10**9, places=3),
    form=st.sampled_from(sorted(NUMBER_FORMS)),
    trails=st.booleans(),
    grouped=st.booleans(),
)
def test_whatever_is_written_in_a_form_is_read_again(value, form, trails, grouped):
    thousands, mark = NUMBER_FORMS[form]
    text = f"{abs(value):,.3f}" if grouped and thousands else f"{abs(value):.3f}"
    text = text.replace(",", "T").replace(".", mark).replace("T", thousands)
    sign = "-" if value < 0 else ""
    assert number(text + sign if trails else sign + text, form) == value


@given(value=st.dates(min_value=date(1000, 1, 1)), form=st.sampled_from(sorted(DATE_FORMS)))
def test_whatever_day_is_written_in_a_form_is_read_again(value, form):
    text = form.replace("YYYY", f"{value.year:04d}").replace("MM", f"{value.month:02d}").replace("DD", f"{value.day:02d}")
    assert day(text, form) == value


@pytest.mark.parametrize("text", ["00000000", "00.00.0000", "0000-00-00", "00/00/0000", "0000/00/00"])
@pytest.mark.parametrize("form", ["", *DATE_FORMS])
def test_zeros_are_no_day_in_any_form(text, form):
    assert plain_dates(pl.Series([text]), form)[0] is None


def test_days_and_months_are_told_apart_by_the_form_alone():
    assert (day("03.04.2026", "DD.MM.YYYY"), day("03/04/2026", "MM/DD/YYYY"), day("03/04/2026", "DD/MM/YYYY")) == (
        date(2026, 4, 3),
        date(2026, 3, 4),
        date(2026, 4, 3),
    )


@pytest.mark.parametrize(("text", "form"), [("31.02.2026", "DD.MM.YYYY"), ("3.4.2026", "DD.MM.YYYY"), ("2026-3-4", ""), ("03.04.2026", "")])
def test_what_is_no_day_of_the_form_is_read_by_none(text, form):
    assert day(text, form) is None


def test_the_plain_forms_are_days_beside_any_form():
    assert [day(text, "DD.MM.YYYY") for text in ("20260403", "2026-04-03")] == [date(2026, 4, 3)] * 2
