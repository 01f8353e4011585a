"""Launches: what a series without, or with little, history of its own will sell.

Its level is what its category, article (siblings), site and attributes let expect, moved by its predecessor, and the more it has sold
itself, by its own sales (gamma-Poisson). Times a launch curve: demand by time since launch over the later level, learned from earlier
launches, by category, drawn towards that of all. The launch is the article's, not a series' first sale: that day always has a sale.
Established series are forecast by the engine, not here; weights to blend both stand in the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl
from scipy.stats import nbinom

from pipelines.forecasting.errors import PanelError
from pipelines.params import LaunchParams, read_params

__all__ = ["launch_forecasts"]


def launch_forecasts(
    panel: pl.DataFrame,
    statics: pl.DataFrame,
    launches: pl.DataFrame,
    horizon: int,
    params: LaunchParams | None = None,
    *,
    effects: Sequence[str] = (),
    article: str | None = None,
    category: str | None = None,
    cutoff: date | None = None,
    quantiles: Sequence[float] = (),
) -> pl.DataFrame:
    """One row per launched series and period ahead: lead, expected_units, quantiles, periods_since_launch, own_weight.

    `panel` (unique_id, ds, y: demand made right) counts up to `cutoff` (default: its last period with y) and no further. `statics` has one
    row per series, old and new, with the columns named: `effects` size a level (article, site, colour, price band, ...), `article` is what
    launches as one, `category` has curves of its own. `launches` names the series asked for: unique_id, and where known launch_ds
    (default: the article's first period) and predecessor_id (the unique_id of the series it replaces).

    own_weight is the share of a series' own sales in its level: 0 at launch, towards 1 with time; a champion's forecast deserves at least
    as much trust. Periods before launch expect 0. A series that `statics` does not list is expected the mean of all. Raises PanelError
    where no demand is known by the cut-off.
    """
    params = params or read_params().launches
    last = cutoff or panel.filter(pl.col("y").is_not_null())["ds"].max()
    known = panel.filter(pl.col("y").is_not_null() & (pl.col("ds") <= last)).select("unique_id", pl.col("ds").cast(pl.Date), "y")
    if known.is_empty():
        raise PanelError(f"no period of the panel up to {last} has demand to learn from; bring more history or a later cut-off")
    columns = dict.fromkeys(name for name in (*effects, article, category) if name)
    statics, launches = statics.select("unique_id", *columns).unique("unique_id"), launches.unique("unique_id")
    named = pl.concat([statics.select("unique_id"), launches.select("unique_id"), known.select("unique_id")]).unique().sort("unique_id")
    series = named.join(statics, on="unique_id", how="left", maintain_order="left").with_row_index("row")
    days = _days_apart(known["ds"])
    series = _with_launch(series, known, launches, article, days)
    world = _World(known, series, last, days, params)
    world.fit_curves(_codes(series, category))
    level, weight = world.levels(_effect_codes(series, effects), _predecessor_rows(series, launches))
    asked = series.join(launches.select("unique_id"), on="unique_id", how="semi")["row"].to_numpy()
    return world.forecasts(series, asked, horizon, level, weight, quantiles)


class _World:
    """Demand by series and step, with the age of each, and what is fitted on it: season, launch curves, levels."""

    def __init__(self, known: pl.DataFrame, series: pl.DataFrame, last: date, days: int, params: LaunchParams) -> None:
        self._params, self._last, self._days = params, last, days
        self._step = 7 if days == 1 else days
        rows = _dense(known, series, last, days).with_columns(
            (pl.lit(last) - pl.col("ds")).dt.total_days().floordiv(self._step).alias("ago"),
            self._age(pl.col("ds") - pl.col("launch")).alias("age"),
        )
        self._weekdays = self._weekday_factors(rows)
        steps = rows.group_by("row", "ago", "age").agg(pl.col("y").sum(), pl.len().alias("n")).sort("row", "ago")
        self._row, self._ago, self._age_of = (steps[name].to_numpy() for name in ("row", "ago", "age"))
        self._y, self._n = steps["y"].to_numpy(), steps["n"].to_numpy().astype(float)
        self._series = series.height
        self._overall = (self._y.sum() + 0.5) / (self._n.sum() + 1)
        self._season = np.ones(int(self._ago.max()) + 1 if self._ago.size else 1)
        self.curve = np.ones((1, params.curve_steps + 1))
        self._category = np.zeros(series.height, dtype=int)

    def fit_curves(self, category: np.ndarray) -> None:
        """Launch curves by category and age, and the season that all established series share, by turns."""
        knobs, self._category = self._params, category
        young = self._age_of < knobs.curve_steps
        # The level that a curve is measured by is that from half of the launch on: of its first weeks alone, a launch that is high and a
        # variant that is popular look the same.
        settled = np.where(self._age_of >= knobs.curve_steps // 2, self._n, 0.0)
        learned = young & (self._sum(settled) >= 2 * self._step / self._days)[self._row]
        self.curve = np.ones((category.max() + 1, knobs.curve_steps + 1))
        for _ in range(knobs.rounds):
            exposed = self._n * self._season[self._ago] * self.curve[category[self._row], self._age_of]
            level = self._sum(self._y * (settled > 0)) / np.maximum(self._sum(exposed * (settled > 0)), 1e-9)
            base = self._n * level[self._row]
            expected = np.bincount(self._ago[~young], base[~young], self._season.size)
            sold = np.bincount(self._ago[~young], self._y[~young], self._season.size)
            self._season = (sold + knobs.curve_events) / (expected + knobs.curve_events)
            self.curve = self._curve(base * self._season[self._ago], learned)
        # The level is that of the last steps, so that the coming ones have a season of 1.
        self._season = self._season / self._season[: knobs.level_steps].mean()

    def levels(self, effects: Sequence[np.ndarray], predecessor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Level of each series (units a period after the launch is over), and the weight of its own sales in it."""
        recent = np.where(self._ago < self._params.level_steps, self._n, 0.0)
        sold = self._sum(self._y * (recent > 0))
        exposed = self._sum(recent * self._season[self._ago] * self.curve[self._category[self._row], self._age_of])
        expected = self._expected(sold, exposed, effects)
        events = _prior_events(sold, exposed * expected, self._params.least_spread)
        has = predecessor >= 0
        before = np.where(has, predecessor, 0)
        moved = (sold[before] + events) / (exposed[before] * expected + events)
        prior = expected * np.where(has, moved, 1.0)
        seen = exposed * prior
        self._shape = events + seen
        return prior * (sold + events) / (seen + events), seen / (seen + events)

    def forecasts(
        self, series: pl.DataFrame, asked: np.ndarray, horizon: int, level: np.ndarray, weight: np.ndarray, quantiles: Sequence[float]
    ) -> pl.DataFrame:
        """The asked series' periods after the last known one."""
        known = series[asked].select(
            "unique_id", pl.lit(self._last).alias("cutoff"), "launch", "row", pl.Series("own_weight", weight[asked])
        )
        leads = pl.DataFrame({"lead": range(1, horizon + 1)}, schema={"lead": pl.Int32})
        since = (pl.col("ds") - pl.col("launch")).dt.total_days()
        ahead = known.join(leads, how="cross").with_columns(self._ahead().alias("ds"))
        ahead = ahead.with_columns(
            since.floordiv(self._days).alias("periods_since_launch"), self._age(pl.col("ds") - pl.col("launch")).alias("age")
        )
        row, age = ahead["row"].to_numpy(), ahead["age"].to_numpy()
        mean = level[row] * self.curve[self._category[row], age] * self._weekdays[ahead["ds"].dt.weekday().to_numpy() - 1]
        mean = np.where(ahead["periods_since_launch"].to_numpy() < 0, 0.0, mean)
        # What is not known of the level makes the count a negative binomial.
        shape = self._shape[row]
        law = nbinom(shape, shape / (shape + mean))
        columns = [pl.Series(f"units_p{round(q * 100):02d}", np.where(mean > 0, law.ppf(q), 0.0)) for q in quantiles]
        names = ["unique_id", "cutoff", "ds", "lead", "expected_units", *(c.name for c in columns), "periods_since_launch", "own_weight"]
        return ahead.with_columns(pl.Series("expected_units", mean), *columns).select(names).sort("unique_id", "ds")

    def _curve(self, base: np.ndarray, learned: np.ndarray) -> np.ndarray:
        """Demand over what level and season let expect, by category and age; 1 from the end of the launch on."""
        steps, events = self._params.curve_steps + 1, self._params.curve_events
        age, category = self._age_of[learned], self._category[self._row[learned]]
        sold, expected = (_smooth(np.bincount(age, values[learned], steps)) for values in (self._y, base))
        pooled = (sold + events) / (expected + events)
        cell, cells = category * steps + age, self.curve.size
        sold, expected = (_smooth(np.bincount(cell, values[learned], cells).reshape(-1, steps)) for values in (self._y, base))
        expected = expected * pooled
        # How much a category is believed follows from how far categories differ, campaigns and all.
        prior = _prior_events(sold.ravel(), expected.ravel(), self._params.least_spread)
        curve = pooled * (sold + prior) / (expected + prior)
        curve[:, -1] = 1.0
        return curve

    def _expected(self, sold: np.ndarray, exposed: np.ndarray, effects: Sequence[np.ndarray]) -> np.ndarray:
        """The overall level times one factor per effect, each drawn towards 1 by the spread of its kind."""
        start = sold.sum() / max(exposed.sum(), 1e-9)
        factors = [np.ones(codes.max() + 1) for codes in effects]
        expected = np.full(self._series, start or self._overall)
        for _ in range(self._params.rounds):
            for position, codes in enumerate(effects):
                rest = expected / factors[position][codes]
                of_group = np.bincount(codes, sold), np.bincount(codes, exposed * rest)
                prior = _prior_events(*of_group, self._params.least_spread)
                factors[position] = (of_group[0] + prior) / (of_group[1] + prior)
                expected = rest * factors[position][codes]
        return expected

    def _weekday_factors(self, rows: pl.DataFrame) -> np.ndarray:
        """Demand by weekday over the mean one, of a daily panel's last weeks."""
        if self._days > 1:
            return np.ones(7)
        recent = rows.filter(pl.col("ago") < self._params.level_steps).group_by(pl.col("ds").dt.weekday().alias("day"))
        found = recent.agg(pl.col("y").sum(), pl.len().alias("n")).sort("day")
        sold, n = np.zeros(7), np.zeros(7)
        sold[found["day"].to_numpy() - 1], n[found["day"].to_numpy() - 1] = found["y"].to_numpy(), found["n"].to_numpy()
        events = self._params.curve_events
        mean = sold.sum() / max(n.sum(), 1.0)
        return (sold + events) / (n * mean + events)

    def _age(self, since: pl.Expr) -> pl.Expr:
        return since.dt.total_days().floordiv(self._step).clip(0, self._params.curve_steps).fill_null(self._params.curve_steps)

    def _ahead(self) -> pl.Expr:
        if self._days in {28, 29, 30, 31}:
            return pl.col("cutoff").dt.offset_by(pl.format("{}mo", "lead"))
        return pl.col("cutoff") + pl.duration(days=pl.col("lead").cast(pl.Int64) * self._days)

    def _sum(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self._row, values, self._series)


def _days_apart(ds: pl.Series) -> int:
    return max(1, int(ds.unique().sort().diff().drop_nulls().dt.total_days().min() or 1))


def _with_launch(series: pl.DataFrame, known: pl.DataFrame, launches: pl.DataFrame, article: str | None, days: int) -> pl.DataFrame:
    """The series with first (their first period) and launch: as told, else the article's first period.

    Empty where the article is older than the panel.
    """
    firsts = known.group_by("unique_id").agg(pl.col("ds").min().alias("first"))
    if "launch_ds" in launches.columns:
        told = launches.select("unique_id", pl.col("launch_ds").cast(pl.Date))
    else:
        told = launches.select("unique_id", pl.lit(None, pl.Date).alias("launch_ds"))
    found = series.join(firsts, on="unique_id", how="left").join(told, on="unique_id", how="left").sort("row")
    begin = known["ds"].min()
    together = pl.col("first").min().over(article) if article else pl.col("first")
    earliest = pl.when(pl.col(article or "unique_id").is_null()).then("first").otherwise(together)
    seen = pl.when(earliest > pl.lit(begin).dt.offset_by(f"{7 * days if days == 1 else days}d")).then(earliest)
    return found.with_columns(pl.coalesce("launch_ds", seen).alias("launch"))


def _dense(known: pl.DataFrame, series: pl.DataFrame, last: date, days: int) -> pl.DataFrame:
    """One row per series with sales and period from its article's launch on; what is not listed sold nothing."""
    begin = pl.min_horizontal("first", pl.coalesce("launch", "first"))
    spans = series.filter(pl.col("first").is_not_null()).select("unique_id", "row", "launch", begin.alias("begin"))
    every = f"{days}d" if days not in {28, 29, 30, 31} else "1mo"
    grid = spans.select("unique_id", "row", "launch", pl.date_ranges("begin", pl.lit(last), every).alias("ds")).explode("ds")
    return grid.join(known, on=["unique_id", "ds"], how="left").with_columns(pl.col("y").fill_null(0.0))


def _codes(series: pl.DataFrame, column: str | None) -> np.ndarray:
    if column is None:
        return np.zeros(series.height, dtype=int)
    return series[column].cast(pl.String).fill_null("").rank("dense").cast(pl.Int64).to_numpy() - 1


def _effect_codes(series: pl.DataFrame, effects: Sequence[str]) -> list[np.ndarray]:
    return [_codes(series, name) for name in effects]


def _predecessor_rows(series: pl.DataFrame, launches: pl.DataFrame) -> np.ndarray:
    if "predecessor_id" not in launches.columns:
        return np.full(series.height, -1)
    rows = series.select(pl.col("unique_id").alias("predecessor_id"), pl.col("row").alias("predecessor"))
    found = series.join(launches.select("unique_id", "predecessor_id"), on="unique_id", how="left").join(
        rows, on="predecessor_id", how="left"
    )
    return found.sort("row")["predecessor"].cast(pl.Int64).fill_null(-1).to_numpy()


def _prior_events(sold: np.ndarray, expected: np.ndarray, least_spread: float) -> float:
    """Units at which a level of its own is believed by half: 1 / spread of levels around the expected ones (method of moments)."""
    excess = (np.square(sold - expected) - expected).sum() / max(np.square(expected).sum(), 1e-12)
    return float(1 / np.clip(excess, least_spread, 10.0))


def _smooth(values: np.ndarray) -> np.ndarray:
    """Each step with half of both its neighbours, as far as it has them."""
    found = values.astype(float)
    found[..., 1:-1] += 0.5 * values[..., :-2]
    found[..., :-2] += 0.5 * values[..., 1:-1]
    return found
