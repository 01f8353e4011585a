"""Panel: any table of series and periods becomes a dense grid of numbers, one row per series, one column per period.

Needs `unique_id`, `ds` and `y`. Before its first sale a series does not exist (no zeros before launch); after it a period that is
not listed holds no demand, or is unknown (`gaps`). A period with `is_stock_out` shows what could be sold, not what was asked for,
and counts as unknown. The values of known-ahead columns count for a cut-off only where they were planned by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.forecasting.config import ForecastConfig
from pipelines.forecasting.cutoffs import cutoff_periods
from pipelines.forecasting.errors import PanelError
from pipelines.forecasting.frequency import FREQUENCIES, Frequency, infer_frequency, period_dates, period_number, snapped

__all__ = ["KnownAhead", "Panel", "PanelError", "panel_of", "read_panel"]

KEYS = ("unique_id", "ds", "y")
ROW, PERIOD = "__row", "__period"
"""Columns of our own, named as nobody's are."""
NEVER_PLANNED = np.iinfo(np.int32).max
_IMPLAUSIBLE_ZERO = 10.0
"""A series whose quietest recorded periods sell so many does not sell none in one that is not recorded."""
_ALMOST_ALL = 0.9
_MOST_PERIODS_A_LISTED, _FREE_PERIODS = 10, 400
"""A calendar of more periods than so many for each that is listed, beyond these, was stretched by a mistaken date."""


@dataclass(frozen=True)
class KnownAhead:
    """A column that is known before its period: values by series and period, and the period by whose end each was planned.

    `planned` is None where a value has always been known.
    """

    values: np.ndarray
    planned: np.ndarray | None

    def at(self, origin: int, periods: slice | int | np.ndarray) -> np.ndarray:
        """Values of the periods as known at the end of the origin period; not a number where not known then."""
        values = self.values[:, periods]
        if self.planned is None:
            return values
        return np.where(self.planned[:, periods] <= origin, values, np.float32(np.nan))


@dataclass(frozen=True)
class Panel:
    """A dense panel. Rows are series in the order of `unique_id`; columns are periods, `observed` of them with known demand.

    `y`: units a period, not a number before launch and where unknown. `first`: period of each series' first sale. `is_censored`:
    periods without stock. `static`: one row per series. `known` and `past`: covariates by name. `price`: value of a unit by series and
    period, as far as known.
    """

    unique_id: pl.Series
    ds: pl.Series
    observed: int
    y: np.ndarray
    first: np.ndarray
    is_censored: np.ndarray
    static: pl.DataFrame
    known: Mapping[str, KnownAhead]
    past: Mapping[str, np.ndarray]
    price: np.ndarray | None
    frequency: Frequency
    notes: Sequence[str]

    @property
    def series(self) -> int:
        """How many series there are."""
        return len(self.unique_id)

    def select(self, rows: np.ndarray) -> Panel:
        """The panel of some of the series, given by their row numbers."""
        return replace(
            self,
            unique_id=self.unique_id.gather(rows),
            y=self.y[rows],
            first=self.first[rows],
            is_censored=self.is_censored[rows],
            static=self.static[rows],
            known={
                name: KnownAhead(known.values[rows], None if known.planned is None else known.planned[rows])
                for name, known in self.known.items()
            },
            past={name: values[rows] for name, values in self.past.items()},
            price=None if self.price is None else self.price[rows],
        )

    def is_whole_units(self, origin: int) -> bool:
        """Whether all demand up to the end of the period came in whole units."""
        part = self.y[:, : origin + 1]
        return bool((part[np.isfinite(part)] % 1 == 0).all())

    def unit_value(self, origin: int) -> np.ndarray | None:
        """Value of a unit per series: its mean price up to the end of the period, 0 where none is known; None without prices."""
        if self.price is None:
            return None
        part = self.price[:, : origin + 1]
        is_known = np.isfinite(part)
        return np.where(is_known, part, 0).sum(axis=1, dtype=np.float64) / np.maximum(is_known.sum(axis=1), 1)

    def until(self, origin: int) -> Panel:
        """The panel as it was at the end of a period: no later demand; plans are kept, since each tells when it was made."""
        kept = origin + 1
        return replace(
            self, observed=kept, y=self.y[:, :kept], is_censored=self.is_censored[:, :kept],
            price=None if self.price is None else self.price[:, :kept],
            past={name: values[:, :kept] for name, values in self.past.items()},
        )  # fmt: skip


def read_panel(path: Path, config: ForecastConfig) -> Panel:
    """The panel that a Parquet file holds; columns that the configuration does not need are not read. Raises PanelError."""
    if not path.exists():
        raise PanelError(f"{path}: no such file; give a Parquet file with columns unique_id, ds, y")
    try:
        frame = pl.scan_parquet(path)
        frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise PanelError(f"{path}: not readable as Parquet ({error})") from error
    return panel_of(frame.collect(), config, str(path))


def panel_of(frame: pl.DataFrame, config: ForecastConfig, where: str = "the panel") -> Panel:
    """The dense panel of a frame with unique_id, ds and y. Raises PanelError that says what is wrong, where, and what to do."""
    frame = _checked(frame, where)
    frequency = _frequency(frame, config, where)
    observed_rows = frame.filter(pl.col("y").is_not_null())
    if observed_rows.is_empty():
        raise PanelError(f"{where}: no row has a y; a panel needs demand to learn from")
    started = observed_rows.filter(pl.col("y") > 0)
    if started.is_empty():
        raise PanelError(f"{where}: no series ever sold anything; there is nothing to forecast")
    frame, moved = snapped(frame, frequency, started["ds"].min(), where)
    # What lies before the first sale of all is not demand.
    first, last, until = frame.filter(pl.col("y") > 0)["ds"].min(), frame.filter(pl.col("y").is_not_null())["ds"].max(), frame["ds"].max()
    frame = frame.filter(pl.col("ds") >= first).with_columns(period_number("ds", first, frequency).alias(PERIOD))
    _must_be_dense(frame, where)
    names = started["unique_id"].unique().sort()
    never = frame["unique_id"].n_unique() - len(names)
    frame = frame.join(pl.DataFrame({"unique_id": names, ROW: np.arange(len(names), dtype=np.int32)}), on="unique_id")
    numbers = pl.DataFrame({"ds": [first, last, until]}).with_columns(period_number("ds", first, frequency).alias(PERIOD))[PERIOD]
    observed, periods = numbers[1] + 1, numbers[2] + 1
    notes = [f"{never:,} series never sold anything and are left out"] if never else []
    if moved:
        notes.append(f"{moved:,} rows lie beside the usual day of a {frequency.name} period and count for the nearest")
    roles = _roles(frame, config, observed, where, notes)
    first_sale = frame.filter(pl.col("y") > 0).group_by(ROW).agg(pl.col(PERIOD).min()).sort(ROW)[PERIOD].to_numpy()
    # How gaps are read is decided by what was known at the first cut-off, so that later weeks do not change what was forecast there.
    cutoffs = cutoff_periods(observed, frequency, config)
    y, censored = _demand(frame, (len(names), observed), cutoffs[0] + 1 if cutoffs else observed, first_sale, config, notes)
    static = frame.group_by(ROW).agg(pl.col(name).drop_nulls().first() for name in roles["static"]).sort(ROW).drop(ROW)
    grid = (len(names), periods)
    known = {name: _known_ahead(frame, name, grid, first, frequency) for name in roles["known"]}
    past = {name: _grid(frame, name, grid)[:, :observed] for name in roles["past"]}
    price = None
    if roles["price"]:
        price = _grid(frame.filter(pl.col("y").is_not_null()), roles["price"][0], grid)[:, :observed]
    return Panel(
        names, period_dates(first, periods, frequency), observed, y, first_sale, censored, static, known, past, price, frequency, notes,
    )  # fmt: skip


def _checked(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    missing = [name for name in KEYS if name not in frame.columns]
    if missing:
        raise PanelError(f"{where}: lacks {', '.join(missing)}; name its columns unique_id, ds, y (it has {', '.join(frame.columns)})")
    kind = frame.schema["ds"]
    if kind.is_integer():
        frame = _dates_of_numbers(frame)
    elif kind == pl.String:
        try:
            frame = frame.with_columns(pl.col("ds").str.to_date(strict=True))
        except pl.exceptions.PolarsError as error:
            raise PanelError(f"{where}: ds holds texts that are not dates like 2026-03-02 ({error})") from error
    elif isinstance(kind, pl.Datetime):
        # The day at the place of the time zone, not that of Greenwich.
        frame = frame.with_columns(pl.col("ds").dt.date())
    elif kind != pl.Date:
        raise PanelError(f"{where}: ds is {kind}; give dates, or whole numbers of periods")
    if not frame.schema["y"].is_numeric() and frame.schema["y"] != pl.Boolean:
        raise PanelError(f"{where}: y is {frame.schema['y']}; give numbers")
    mark = frame.schema.get("is_stock_out", pl.Boolean)
    if not (mark == pl.Boolean or mark.is_numeric() or mark == pl.Null):
        raise PanelError(f"{where}: is_stock_out is {mark}; give true and false, or 1 and 0")
    return _sane(frame.with_columns(pl.col("unique_id").cast(pl.String), pl.col("y").cast(pl.Float64).fill_nan(None)), where)


def _dates_of_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Numbers like 20230102 are days and like 202301 months; others stay numbers of periods."""
    if frame["ds"].null_count() or frame.is_empty():
        return frame
    text = pl.col("ds").cast(pl.String)
    lowest, highest = frame["ds"].min(), frame["ds"].max()
    if lowest >= 1900_01_01 and highest <= 9999_12_31:
        days = frame.select(text.str.to_date("%Y%m%d", strict=False)).to_series()
    elif lowest >= 1900_01 and highest <= 2200_12:
        days = frame.select((text + "01").str.to_date("%Y%m%d", strict=False)).to_series()
    else:
        return frame
    return frame if days.null_count() else frame.with_columns(days.alias("ds"))


def _sane(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    """The frame, whose types are right, unless keys are missing or repeated or demand is no demand."""
    for name in ("unique_id", "ds"):
        if frame[name].null_count():
            raise PanelError(f"{where}: {frame[name].null_count()} rows have no {name}; fill it or leave these rows out")
    if frame.select(pl.col("y").is_infinite().any()).item():
        raise PanelError(f"{where}: y is infinite in some rows; mend them or leave them empty")
    twice = frame.filter(pl.struct("unique_id", "ds").is_duplicated())
    if twice.height:
        row = twice.row(0, named=True)
        raise PanelError(f"{where}: holds series {row['unique_id']} at {row['ds']} more than once; add up its rows first")
    negative = frame.filter(pl.col("y") < 0)
    if negative.height:
        row = negative.row(0, named=True)
        raise PanelError(
            f"{where}: demand of series {row['unique_id']} at {row['ds']} is {row['y']:g}, as of {negative.height} rows in all; "
            "net returns at the period of their sale, or leave them out"
        )
    return frame


def _must_be_dense(frame: pl.DataFrame, where: str) -> None:
    """Raises PanelError where a few dates lie so far from the others that almost all periods between would be empty."""
    periods = frame[PERIOD].unique().sort()
    span = periods[-1] + 1
    if span <= _MOST_PERIODS_A_LISTED * periods.len() + _FREE_PERIODS:
        return
    at = periods.diff().arg_max()
    is_late = periods.len() - at <= at
    odd = frame.filter(pl.col(PERIOD) >= periods[at] if is_late else pl.col(PERIOD) < periods[at]).sort("ds", "unique_id")
    named = ", ".join(f"series {row['unique_id']} at {row['ds']}" for row in odd.head(3).iter_rows(named=True))
    raise PanelError(
        f"{where}: its dates span {span:,} periods of which {periods.len():,} are listed; {odd.height:,} rows lie {periods.diff().max():,} "
        f"periods from the others ({named}); mend their ds or leave them out"
    )


def _frequency(frame: pl.DataFrame, config: ForecastConfig, where: str) -> Frequency:
    frequency = FREQUENCIES[config.frequency or infer_frequency(frame, where)]
    if frequency.name == "periods" and not frame.schema["ds"].is_integer():
        raise PanelError(f"{where}: ds is {frame.schema['ds']} and the configuration says periods; name the calendar, or give numbers")
    if frequency.name != "periods" and frame.schema["ds"].is_integer():
        raise PanelError(f"{where}: ds holds numbers and the configuration says {frequency.name}; give dates, or leave frequency out")
    if frequency.name == "monthly":
        is_end = frame.select((pl.col("ds") == pl.col("ds").dt.month_end()).mean()).item() >= _ALMOST_ALL
        frequency = replace(frequency, is_month_end=is_end)
    given = {name: getattr(config, name) for name in ("season_length", "year_length", "minimum_history", "horizon")}
    return replace(frequency, **{name: value for name, value in given.items() if value is not None})


def _roles(frame: pl.DataFrame, config: ForecastConfig, observed: int, where: str, notes: list[str]) -> dict[str, list[str]]:
    """Which columns are static, known ahead, past-only and the price; named ones are taken as named, others by their values."""
    hierarchy = {name for level in config.hierarchy for name in ([level] if isinstance(level, str) else level)}
    named = {*(config.static or []), *(config.known or []), *(config.past or []), *hierarchy, *([config.price] if config.price else [])}
    absent = sorted(named - set(frame.columns))
    if absent:
        raise PanelError(f"{where}: the configuration names columns that are not there: {', '.join(absent)}")
    plans = [name for name in frame.columns if name.endswith("planned_at")]
    nested = {name for name in frame.columns if frame.schema[name].is_nested() or frame.schema[name] == pl.Object}
    if nested & (hierarchy | {*(config.static or [])}):
        raise PanelError(f"{where}: {', '.join(sorted(nested & named))} holds lists; a static column has one value per series")
    free = [name for name in frame.columns if name not in {*KEYS, "is_stock_out", ROW, PERIOD, *plans, *named, *nested}]
    constant = _constant(frame, [*free, *hierarchy])
    ahead = frame.filter(pl.col(PERIOD) >= observed)
    numeric = [name for name in free if frame.schema[name].is_numeric() or frame.schema[name] == pl.Boolean]
    planned = {name.removesuffix("_planned_at") for name in plans} - {"planned_at"}
    known = [n for n in numeric if n not in constant and (n in planned or (ahead.height and ahead[n].null_count() < ahead.height))]
    if config.known is not None:
        known = []
    static = [name for name in free if name in constant] if config.static is None else []
    past = [name for name in numeric if name not in {*known, *static}] if config.past is None else []
    ignored = sorted({*free, *nested} - {*known, *static, *past, *named})
    wrong = sorted(hierarchy - constant)
    if wrong:
        raise PanelError(f"{where}: levels of the hierarchy have to be constant per series, {', '.join(wrong)} is not")
    texts = [
        n for n in [*(config.known or []), *(config.past or [])] if not (frame.schema[n].is_numeric() or frame.schema[n] == pl.Boolean)
    ]
    if texts:
        raise PanelError(f"{where}: covariates have to be numbers, {', '.join(texts)} is not; make one column per value")
    if ignored:
        notes.append(f"columns not used: {', '.join(ignored)}")
    if config.price and not frame.schema[config.price].is_numeric():
        raise PanelError(f"{where}: the price {config.price} is {frame.schema[config.price]}; give numbers")
    usual = (name for name in ("price", "unit_price", "sell_price") if name in frame.columns and frame.schema[name].is_numeric())
    price = config.price or next(usual, None)
    static = list(dict.fromkeys([*(config.static or static), *sorted(hierarchy)]))
    return {"static": static, "known": config.known or known, "past": config.past or past, "price": [price] if price else []}


def _constant(frame: pl.DataFrame, names: Sequence[str]) -> set[str]:
    """The columns that hold at most one value per series."""
    if not names:
        return set()
    distinct = frame.group_by("unique_id").agg(pl.col(name).drop_nulls().n_unique() for name in dict.fromkeys(names))
    return {name for name in dict.fromkeys(names) if distinct[name].max() <= 1}


def _demand(
    frame: pl.DataFrame, shape: tuple[int, int], decided: int, first: np.ndarray, config: ForecastConfig, notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Demand, and which periods were without stock; of the first `decided` periods it is told whether gaps are unknown."""
    series, observed = shape
    y = _grid(frame.filter(pl.col(PERIOD) < observed), "y", (series, observed))
    listed = _grid(frame.filter(pl.col(PERIOD) < observed).with_columns(pl.lit(1.0).alias("listed")), "listed", (series, observed)) == 1
    alive = np.arange(observed)[None, :] >= first[:, None]
    y[~alive] = np.nan
    gap = alive & ~listed
    unknown = gap & _gaps_unknown(y[:, :decided], gap[:, :decided], alive[:, :decided], config)[:, None]
    y[gap & ~unknown] = 0.0
    if gap.any():
        notes.append(f"of {gap.sum():,} periods that are not listed after launch, {(gap & ~unknown).sum():,} are taken as without demand")
    censored = np.zeros_like(alive)
    if "is_stock_out" in frame.columns:
        marks = frame.filter(pl.col(PERIOD) < observed).with_columns(pl.col("is_stock_out").cast(pl.Float32))
        censored = _grid(marks, "is_stock_out", (series, observed)) == 1
        notes.append(f"{censored.sum():,} periods without stock count as unknown demand")
        if not (np.where(censored, 0, np.nan_to_num(y)) > 0).any():
            raise PanelError(
                "the panel: all demand lies in periods that is_stock_out marks, so that none is known; mend is_stock_out, or leave it out"
            )
    return y, censored


def _gaps_unknown(y: np.ndarray, gap: np.ndarray, alive: np.ndarray, config: ForecastConfig) -> np.ndarray:
    """Per series, whether a period that is not listed is unknown rather than without demand.

    It is where zeros are listed more often than left out, or where almost all periods are listed and even the quietest sell much.
    """
    series = len(y)
    if config.gaps is not None:
        return np.full(series, config.gaps == "unknown")
    if (y == 0).sum() > gap.sum():
        return np.full(series, fill_value=True)
    listed = (alive & ~gap).sum(axis=1)
    with np.errstate(invalid="ignore"):
        quiet = np.nanmin(np.where(np.isnan(y), np.inf, y), axis=1)
    return (listed > 0) & (listed >= _ALMOST_ALL * alive.sum(axis=1)) & (quiet >= _IMPLAUSIBLE_ZERO)


def _grid(frame: pl.DataFrame, name: str, shape: tuple[int, int]) -> np.ndarray:
    """The column's values by series and period; not a number where there is none."""
    grid = np.full(shape, np.nan, dtype=np.float32)
    grid[frame[ROW].to_numpy(), frame[PERIOD].to_numpy()] = frame[name].cast(pl.Float32).fill_null(float("nan")).to_numpy()
    return grid


def _known_ahead(frame: pl.DataFrame, name: str, shape: tuple[int, int], first: date | int, frequency: Frequency) -> KnownAhead:
    values = _grid(frame, name, shape)
    column = next((c for c in (f"{name}_planned_at", "planned_at") if c in frame.columns), None)
    if column is None:
        return KnownAhead(values, None)
    # A plan counts from the first period at whose date it was made; a value without a day of planning has always been known.
    if frame.schema[column].is_temporal():
        days = frame.select(ROW, PERIOD, pl.col(column).dt.date().alias("day"))
        dates = period_dates(first, shape[1], frequency)
        numbered = np.searchsorted(dates.to_numpy(), days["day"].fill_null(date.min).to_numpy().astype("datetime64[D]"), side="left")
    else:
        numbered = (frame[column].cast(pl.Int64).fill_null(np.iinfo(np.int32).min + 1) - int(first)).to_numpy()
    planned = np.full(shape, -1, dtype=np.int32)
    planned[frame[ROW].to_numpy(), frame[PERIOD].to_numpy()] = np.maximum(numbered, -1)
    return KnownAhead(values, planned)
