"""Values: texts of a source become typed columns, null where a text is no value of its column's type.

Only the reading of one column at a time belongs here. What happens to a record with an unreadable value does not
(conversion.py); the types and lengths are those of the contracts in data_contracts/sources.
"""

from __future__ import annotations

import polars as pl

from pipelines.contracts import Column

__all__ = ["SERIAL_COLUMNS", "SERIAL_LENGTH", "blank_to_null", "typed"]

SERIAL_LENGTH = 18
"""Characters of a serial number in the ERP, whatever a feed's field could hold."""

SERIAL_COLUMNS = frozenset({"serialno", "sernr", "seriennr", "serial_number", "serial_from", "serial_to"})

_NO_DATE = ("00000000", "0000-00-00", "00000000000000")
_DATE = r"^\d{8}$|^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?$"
_MOMENT = (
    r"^(?<year>\d{4})-?(?<month>\d{2})-?(?<day>\d{2})"
    r"(?:[T ]?(?<hour>\d{2}):?(?<minute>\d{2})(?::?(?<second>\d{2})(?:[.,](?<fraction>\d{1,9}))?)?"
    r"\s?(?:Z|z|UTC|(?<sign>[+-])(?<zone_hour>\d{2}):?(?<zone_minute>\d{2})?)?)?$"
)
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
_TRUE, _FALSE = ("true", "1", "x"), ("false", "0")


def blank_to_null(values: pl.Series) -> pl.Series:
    """Texts without surrounding blanks, null where nothing is left; other types unchanged, but NaN is null."""
    if values.dtype in (pl.Categorical, pl.Enum):
        values = values.cast(pl.String)
    if values.dtype.is_float():
        return values.fill_nan(None)
    if values.dtype != pl.String:
        return values
    stripped = values.str.strip_chars()
    return stripped.to_frame("v").select(pl.when(pl.col("v") != "").then(pl.col("v"))).to_series().alias(values.name)


def typed(values: pl.Series, column: Column) -> pl.Series:
    """Values (texts, or typed as in a Parquet file) in the column's type; null where one cannot be read as that.

    Zero dates of SAP are null. Timestamps become naive UTC in microseconds. Blank booleans are not set, so false.
    """
    values = values.alias("v")
    if column.dtype == pl.String:
        return _text(values, column)
    if column.dtype == pl.Date:
        return _date(values)
    if column.dtype == pl.Datetime("us"):
        return _moment(values)
    if column.dtype == pl.Boolean:
        return _boolean(values)
    return _number(values, column.dtype)


def without_zero_dates(values: pl.Series) -> pl.Series:
    """Texts with SAP's empty dates as null."""
    if values.dtype != pl.String:
        return values
    return values.to_frame("v").select(pl.when(~pl.col("v").is_in(_NO_DATE)).then(pl.col("v"))).to_series()


def as_text(values: pl.Series) -> pl.Series:
    """Values of any flat type as texts; whole floats without a fraction, since tools write codes as 13085.0."""
    if values.dtype.is_float():
        whole = (pl.col("v") == pl.col("v").round(0)) & (pl.col("v").abs() < 2**53)
        integer = pl.col("v").cast(pl.Int64, strict=False).cast(pl.String)
        frame = values.alias("v").to_frame()
        return frame.select(pl.when(whole).then(integer).otherwise(pl.col("v").cast(pl.String))).to_series()
    return values if values.dtype == pl.String else values.cast(pl.String)


def _text(values: pl.Series, column: Column) -> pl.Series:
    frame = as_text(values).alias("v").to_frame()
    text, length = pl.col("v"), column.max_length
    if column.name in SERIAL_COLUMNS:
        length = SERIAL_LENGTH
        # Leading zeros are padding of a numeric serial, so they never make it too long.
        padded = (text.str.len_chars() > length) & text.str.contains(r"^\d+$")
        text = pl.when(padded).then(text.str.strip_chars_start("0")).otherwise(text)
    if length is None:
        return frame.to_series()
    return frame.select(pl.when(text.str.len_chars() <= length).then(text)).to_series()


def _date(values: pl.Series) -> pl.Series:
    if values.dtype.is_temporal():
        return values.cast(pl.Date, strict=False)
    text = as_text(values)
    fits = text.str.contains(_DATE)
    days = text.str.slice(0, 10).str.replace_all("-", "", literal=True)
    return _where(fits, days.str.to_date("%Y%m%d", strict=False))


def _moment(values: pl.Series) -> pl.Series:
    if isinstance(values.dtype, pl.Datetime):
        zoned = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if values.dtype.time_zone else values
        return zoned.cast(pl.Datetime("us"))
    if values.dtype.is_temporal():
        return values.cast(pl.Datetime("us"), strict=False)
    text = as_text(values)
    plain = text.str.to_datetime("%Y-%m-%dT%H:%M:%SZ", strict=False, time_unit="us")
    return plain if plain.null_count() == text.null_count() else _any_moment(text)


def _any_moment(text: pl.Series) -> pl.Series:
    """Any ISO 8601 or SAP form; 24:00:00 is the midnight that ends the day."""
    parts = text.str.extract_groups(_MOMENT).struct.unnest()
    ends_day = (pl.col("hour") == "24") & (pl.col("minute") == "00") & (pl.col("second").fill_null("00") == "00")
    hour = pl.when(ends_day).then(pl.lit("00")).otherwise(pl.col("hour").fill_null("00"))
    clock = [hour, pl.col("minute").fill_null("00"), pl.col("second").fill_null("00")]
    stamp = pl.concat_str("year", "month", "day", *clock).str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="us")
    fraction = pl.col("fraction").fill_null("0").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64)
    offset = pl.col("zone_hour").cast(pl.Int64) * 60 + pl.col("zone_minute").fill_null("0").cast(pl.Int64)
    east = pl.when(pl.col("sign") == "-").then(-offset).otherwise(offset).fill_null(0)
    day = ends_day.fill_null(value=False).cast(pl.Int64)
    return parts.select(stamp + pl.duration(microseconds=fraction) + pl.duration(days=day) - pl.duration(minutes=east)).to_series()


def _boolean(values: pl.Series) -> pl.Series:
    if values.dtype == pl.Boolean:
        return values
    text = as_text(values).str.strip_chars().str.to_lowercase().alias("v").to_frame()
    true, false = pl.col("v").is_in(_TRUE), pl.col("v").is_in([*_FALSE, ""])
    return text.select(pl.when(true).then(True).when(false).then(False)).to_series()


def _number(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    if values.dtype.is_float() or (values.dtype.is_numeric() and dtype.is_float()):
        return _rounded(values.cast(pl.Float64), dtype)
    text = as_text(values)
    ends_signed = text.str.contains(r"^[^+-].*[+-]$")
    moved = text.str.replace(r"^(.*)([+-])$", "${2}${1}")
    body = text.zip_with(~ends_signed.fill_null(value=False), moved)
    fits = body.str.contains(_NUMBER)
    if dtype.is_float():
        number = body.cast(pl.Float64, strict=False)
        return _where(fits & number.is_finite(), number)
    if dtype.is_integer():
        return _where(fits, body.str.replace(r"\.0*$", "").cast(dtype, strict=False))
    # Digits beyond the scale would be rounded away in silence.
    lossy = body.str.contains(rf"\.\d{{{dtype.scale}}}\d*[1-9]|[eE]")
    return _where(fits & ~lossy, body.cast(dtype, strict=False))


def _rounded(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Floats in a numeric type. Decimals are rounded to their scale, since a float holds no exact decimal."""
    finite = _where(values.is_finite(), values)
    if dtype.is_float():
        return finite.cast(dtype)
    if dtype.is_integer():
        return _where(finite == finite.round(0), finite).cast(dtype, strict=False)
    inside = finite.round(dtype.scale).abs() < 10 ** (dtype.precision - dtype.scale)
    return _where(inside, finite.round(dtype.scale)).cast(dtype)


def _where(mask: pl.Series, values: pl.Series) -> pl.Series:
    return pl.DataFrame({"m": mask, "v": values}).select(pl.when("m").then("v")).to_series()
