"""What if: forecast and targets with and without a campaign, side by side; nothing is written.

What a campaign changes in the panel, and the comparison of both plans, belong here; the command is command.py's. The forecast is that of
the demand model in use, asked twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.contracts import source_contracts
from pipelines.params import ReplenishmentParams
from pipelines.replenishment.facts import Facts
from pipelines.replenishment.planning import Prepared
from pipelines.replenishment.series import series_forecasts
from pipelines.replenishment.targets import cumulated_forecast, levels

__all__ = ["Asked", "Offers", "WhatIfError", "campaign_of_file", "compared", "panel_with", "panel_without"]

_CAMPAIGNS = "marketing/campaigns"
_MOVED_UNITS = 0.05
_OLD = pl.col("campaign_discount_pct").cast(pl.Float64).fill_null(0.0)


class WhatIfError(ValueError):
    """A question that cannot be answered; the message says what is missing."""


@dataclass(frozen=True)
class Offers:
    """A campaign: one row per generic article or variant (`article_id`, null: all) and site or region (`place_id`, null: all), with
    first_date, last_date and discount_pct.
    """

    rows: pl.DataFrame

    def days(self) -> tuple[date, date]:
        """First and last day of all offers."""
        return self.rows["first_date"].min(), self.rows["last_date"].max()


@dataclass(frozen=True)
class Asked:
    """A panel that was asked about, and its forecast: article_id, site_id, lead, expected_units."""

    panel: pl.DataFrame
    forecasts: pl.DataFrame


def campaign_of_file(path: Path) -> Offers:
    """The campaign that a file in the form of landing/marketing/campaigns*.csv holds. Raises WhatIfError where it cannot be read."""
    from pipelines.sources.routing import extract  # noqa: PLC0415 - readers are loaded by who needs them

    if not path.exists():
        raise WhatIfError(f"{path}: no such file, and no campaign of that number; give one of both, or --discount, --from and --to")
    read = extract(path, f"{_CAMPAIGNS}.csv", contracts={_CAMPAIGNS: source_contracts()[_CAMPAIGNS]})
    rows = read.accepted.get(_CAMPAIGNS, pl.DataFrame())
    if read.quarantined.height or rows.is_empty():
        reasons = "; ".join(read.quarantined["reason"].unique().sort().head(3)) if read.quarantined.height else "it holds no campaign"
        raise WhatIfError(f"{path}: {reasons}; the columns are in data_contracts/sources/marketing/campaigns.odcs.yaml")
    blank = pl.col("region").str.strip_chars()
    return Offers(
        rows.select(
            article_id=pl.col("generic_article").str.strip_chars().str.strip_chars_start("0"),
            place_id=pl.when(blank != "").then(blank),
            first_date="starts_on",
            last_date="ends_on",
            discount_pct=pl.col("discount_pct").cast(pl.Float64),
        )
    )


def panel_without(panel: pl.DataFrame, offers: Offers) -> pl.DataFrame:
    """The panel as if the campaign had never been planned: no discount on its coming days, and the price without it."""
    return _with_discount(_offered(panel, offers), pl.lit(0.0)).drop("_offered")


def panel_with(panel: pl.DataFrame, offers: Offers) -> pl.DataFrame:
    """The panel with the campaign, planned by the last observed day; of two campaigns on a day the larger discount counts.

    Raises WhatIfError where it touches no coming day of any series.
    """
    offered = _offered(panel, offers)
    if offered["_offered"].null_count() == offered.height:
        raise WhatIfError("The campaign touches no variant and site on any coming day of the panel: look at its articles, sites and days")
    return _with_discount(offered, pl.max_horizontal("_offered", _OLD)).drop("_offered")


def compared(facts: Facts, ready: Prepared, without: Asked, with_campaign: Asked, knobs: ReplenishmentParams) -> pl.DataFrame:
    """One row per series that the campaign moves: units, stock and money, without and with it.

    Units are those of the days that are forecast; stock is the highest order-up-to level on any of these days, each set from the days ahead
    of it as on the day itself; revenue and margin are those of all these days, at the usual price and value of a unit less the day's
    discount. A centre sells nothing: it has units and stock.
    """
    price, value = ready.series["unit_price"].to_numpy(), ready.series["unit_value"].to_numpy()
    is_store = ready.series["site_kind"].to_numpy() == "store"
    columns = {}
    for name, asked in {"without": without, "with": with_campaign}.items():
        every = series_forecasts(Facts(**{**facts.__dict__, "forecasts": asked.forecasts}), ready.lanes)
        cumulated = cumulated_forecast(every, ready.series["unique_id"])
        units, level = cumulated[:, -1], _highest_level(ready, cumulated, knobs)
        paid_share = 1 - _discounts(asked.panel, ready.series, facts.as_of, cumulated.shape[1] - 1) / 100
        revenue = np.where(is_store, (np.diff(cumulated, axis=1) * paid_share).sum(axis=1) * price, 0.0)
        columns |= {
            f"units_{name}": np.round(units, 1),
            f"order_up_to_{name}": level,
            f"stock_value_{name}": np.round(level * value, 2),
            f"revenue_{name}": np.round(revenue, 2),
            f"margin_{name}": np.round(np.where(is_store, revenue - units * value, 0.0), 2),
        }
    table = ready.series.select("article_id", "site_id", "site_kind", "article_name").with_columns(
        **{name: pl.Series(values) for name, values in columns.items()}
    )
    is_moved = (pl.col("units_with") - pl.col("units_without")).abs() > _MOVED_UNITS
    return table.filter(is_moved | (pl.col("order_up_to_with") != pl.col("order_up_to_without"))).sort(
        pl.col("units_with") - pl.col("units_without"), "article_id", "site_id", descending=[True, False, False]
    )


def _discounts(panel: pl.DataFrame, series: pl.DataFrame, as_of: date, horizon: int) -> np.ndarray:
    """Percent off by [series, coming day]."""
    rows = series.select("unique_id").with_row_index("row")
    lead = (pl.col("ds") - pl.lit(as_of)).dt.total_days()
    cells = panel.with_columns(lead=lead, off=_OLD).filter(pl.col("lead").is_between(1, horizon)).join(rows, on="unique_id")
    found = np.zeros((series.height, horizon))
    found[cells["row"].to_numpy(), cells["lead"].to_numpy() - 1] = cells["off"].to_numpy()
    return found


def _highest_level(ready: Prepared, cumulated: np.ndarray, knobs: ReplenishmentParams) -> np.ndarray:
    """Highest order-up-to level of each series over the days from which its lead time and review can be seen."""
    horizon = cumulated.shape[1] - 1
    ahead = int(np.ceil((ready.series["lead_time_days"] + ready.series["review_days"]).median()))
    found = [
        levels(ready.series, cumulated[:, day:] - cumulated[:, day : day + 1], knobs)["order_up_to_units"].to_numpy()
        for day in range(max(horizon - ahead, 0) + 1)
    ]
    return np.max(found, axis=0)


def _with_discount(panel: pl.DataFrame, discount: pl.Expr) -> pl.DataFrame:
    """The panel with this discount, and the price that follows from it, on the days that are offered; planned by the last observed day."""
    last = panel.filter(pl.col("y").is_not_null())["ds"].max()
    is_touched = pl.col("_offered").is_not_null()
    new = pl.when(is_touched).then(discount).otherwise(_OLD)
    changes = {"campaign_discount_pct": new}
    if "price" in panel.columns:
        price = pl.col("price").cast(pl.Float64)
        changes["price"] = price / (1 - _OLD.clip(upper_bound=99.0) / 100) * (1 - new / 100)
    planned = _planned_columns(panel.columns)
    changes |= {name: pl.when(is_touched & (new > 0)).then(pl.lit(last)).otherwise(pl.col(name)) for name in planned}
    return panel.with_columns(**changes)


def _planned_columns(columns: Sequence[str]) -> list[str]:
    return [name for name in columns if name.startswith(("campaign", "price")) and name.endswith(("planned_at", "planned_date"))]


def _offered(panel: pl.DataFrame, offers: Offers) -> pl.DataFrame:
    """The panel with the largest discount that the campaign offers on each coming day; null where none."""
    rows = panel.with_row_index("_row")
    last = panel.filter(pl.col("y").is_not_null())["ds"].max()
    places = [name for name in ("site_id", "region_code") if name in panel.columns]
    articles = [name for name in ("article_id", "generic_article_id") if name in panel.columns]
    keys = rows.filter(pl.col("ds") > last).select("_row", "ds", *places, *articles)
    cross = keys.join(offers.rows.rename({"article_id": "_article"}), how="cross").filter(
        pl.col("ds").is_between("first_date", "last_date"),
        pl.col("_article").is_null() | pl.any_horizontal(pl.col(name) == pl.col("_article") for name in articles),
        pl.col("place_id").is_null() | pl.any_horizontal(pl.col(name) == pl.col("place_id") for name in places),
    )
    best = cross.group_by("_row").agg(_offered=pl.col("discount_pct").max())
    return rows.join(best, on="_row", how="left", maintain_order="left").drop("_row")
