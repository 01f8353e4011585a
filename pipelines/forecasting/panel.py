"""Panel: any table of series and periods becomes a dense grid of numbers, one row per series, one column per period.

Needs `unique_id`, `ds` and `y`. Before its first sale a series does not exist (no zeros before launch); after it a period that is
not listed holds no demand, or is unknown (`gaps`). A period with `is_stock_out` shows what could be sold, not what was asked for
(unconstrained.py). The values of known-ahead columns count for a cut-off only where they were planned by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.forecasting.config import ForecastConfig
from pipelines.forecasting.cutoffs import cutoff_periods
from pipelines.forecasting.errors import PanelError
from pipelines.forecasting.frequency import FREQUENCIES, Frequency, infer_frequency, period_dates, period_number, snapped
from pipelines.forecasting.roles import column_roles
from pipelines.forecasting.rows import PERIOD, ROW, checked_rows, refuse_stray_dates
from pipelines.forecasting.unconstrained import unconstrained

__all__ = ["KnownAhead", "Panel", "PanelError", "panel_of", "read_panel"]

NEVER_PLANNED = np.iinfo(np.int32).max
_IMPLAUSIBLE_ZERO = 10.0
"""A series whose quietest recorded periods sell so many does not sell none in one that is not recorded."""
_ALMOST_ALL = 0.9


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

    @cached_property
    def demand(self) -> np.ndarray:
        """Demand by series and period: what was sold or, where stock ran out, what is expected of it; not a number where unknown."""
        return unconstrained(self.y, self.is_censored, self.frequency.half_lives[1], self.frequency.season_length).demand

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
    frame = checked_rows(frame, where)
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
    refuse_stray_dates(frame, where)
    names = started["unique_id"].unique().sort()
    never = frame["unique_id"].n_unique() - len(names)
    frame = frame.join(pl.DataFrame({"unique_id": names, ROW: np.arange(len(names), dtype=np.int32)}), on="unique_id")
    numbers = pl.DataFrame({"ds": [first, last, until]}).with_columns(period_number("ds", first, frequency).alias(PERIOD))[PERIOD]
    observed, periods = numbers[1] + 1, numbers[2] + 1
    notes = [f"{never:,} series never sold anything and are left out"] if never else []
    if moved:
        notes.append(f"{moved:,} rows lie beside the usual day of a {frequency.name} period and count for the nearest")
    roles = column_roles(frame, config, observed, where, notes)
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
        if not (~censored & np.isfinite(y)).any():
            raise PanelError(
                "the panel: is_stock_out marks every period since launch, so that no demand is known; mend is_stock_out, or leave it out"
            )
        if censored.any():
            notes.append(
                f"stock ran out in {censored.sum():,} periods: the {(censored & (y > 0)).sum():,} with sales count as the demand that is "
                "expected of at least as much, also where forecasts are judged by them, the others as unknown"
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
