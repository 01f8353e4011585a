"""Formats: numbers and dates as a system writes them become the plain forms that all sources share.

Only the reading of forms belongs here; which form a file has does not (extract_settings.py), nor what a value that fits
none leads to (conversion.py). The forms are listed in SAP_TABLES.md, section "Settings".
"""

from __future__ import annotations

import re

import polars as pl

from pipelines.contracts import Column
from pipelines.sources.extract_settings import DATE_FORMS, NUMBER_FORMS, ExtractSettings
from pipelines.sources.values import typed

__all__ = ["MISFIT", "plain_dates", "plain_forms", "plain_numbers", "readable_or_blank"]

MISFIT = "\u2063"
"""Put behind a number of another form: 1.5 is no 1,5, and must not be read as 15 or 1.5."""
_ZERO_DATE = r"^0{2,4}([./-]?0{2,4}){2}$|^0{8}$"
_GROUPS = {" ": r"[ \u00a0\u202f]", ".": r"\.", ",": ","}


def plain_forms(frame: pl.DataFrame, columns: tuple[Column, ...], settings: ExtractSettings) -> pl.DataFrame:
    """The frame with all texts of numeric and date columns in the plain forms 1234.56 and YYYYMMDD; all else unchanged."""
    series = []
    for column in columns:
        if frame.schema.get(column.name) != pl.String:
            continue
        if column.dtype == pl.Date:
            series.append(plain_dates(frame[column.name], settings.dates))
        elif column.dtype.is_numeric() and settings.numbers:
            series.append(plain_numbers(frame[column.name], settings.numbers))
    return frame.with_columns(series)


def plain_numbers(texts: pl.Series, form: str) -> pl.Series:
    """Texts like 1.234,56- as -1234.56, by the form's separators. A text of another form stays, and can be read by nobody."""
    thousands, mark = NUMBER_FORMS[form]
    group, point = _GROUPS.get(thousands, ""), re.escape(mark)
    grouped = rf"\d{{1,3}}(?:{group}\d{{3}})+|" if thousands else ""
    digits = rf"(?:{grouped}\d+)(?:{point}\d*)?|{point}\d+"
    text = pl.col("v").str.strip_chars()
    bare = text.str.replace_all(r"^[+-]|[+-]$", "").str.strip_chars()
    plain = (bare.str.replace_all(group, "") if thousands else bare).str.replace(mark, ".", literal=True)
    sign = pl.when(text.str.contains(r"^-|-$")).then(pl.lit("-")).otherwise(pl.lit(""))
    fits = text.str.contains(rf"^(?:[+-]\s?(?:{digits})|(?:{digits})\s?[+-]?)$")
    told = pl.when(fits).then(sign + plain).when(text == "").then(text).otherwise(text + MISFIT)
    return texts.alias("v").to_frame().select(told).to_series().alias(texts.name)


def plain_dates(texts: pl.Series, form: str) -> pl.Series:
    """Texts of the form as YYYYMMDD, null for zeros in any form; any other text stays as it is."""
    text = pl.col("v").str.strip_chars()
    told = text
    if form:
        told = pl.coalesce(text.str.to_date(DATE_FORMS[form], strict=False).dt.strftime("%Y%m%d"), text)
        # The parser takes a date of one digit as well, which the form does not.
        told = pl.when(text.str.len_chars() == len(form)).then(told).otherwise(text)
    told = pl.when(~text.str.contains(_ZERO_DATE)).then(told)
    return texts.alias("v").to_frame().select(told).to_series().alias(texts.name)


def readable_or_blank(frame: pl.DataFrame, columns: list[Column]) -> pl.DataFrame:
    """The frame with null wherever one of these columns has a value that is none of its type, or too long for it."""
    present = [column for column in columns if column.name in frame.columns]
    kept = [frame[column.name].zip_with(_reads(frame, column), _blank(frame, column)) for column in present]
    return frame.with_columns(kept)


def _reads(frame: pl.DataFrame, column: Column) -> pl.Series:
    return typed(frame[column.name], column).is_not_null()


def _blank(frame: pl.DataFrame, column: Column) -> pl.Series:
    return pl.Series(column.name, [None], dtype=frame.schema[column.name]).new_from_index(0, frame.height)
