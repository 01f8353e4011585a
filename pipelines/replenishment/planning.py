"""Planning: facts of today become targets of every series, what to order, and which units to move between stores.

The order of steps, frame in, frame out, belongs here; each step is in a module of its own. Reading is facts.py's, writing publishing.py's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from pipelines.params import ReplenishmentParams
from pipelines.replenishment.allocation import allocated
from pipelines.replenishment.facts import Facts
from pipelines.replenishment.rebalancing import MoveCosts, moves, named_units
from pipelines.replenishment.series import demand_history, lanes_of, planned_series, series_forecasts
from pipelines.replenishment.targets import CENTRE, cumulated_forecast, demand_over, levels
from pipelines.replenishment.validation import Validation, validation_of

__all__ = ["Plan", "plan", "planned_moves", "prepared", "targets_of"]


@dataclass(frozen=True)
class Plan:
    """Targets of every series, the units to move, the shift of the ratio by kind of site and class, and the stores' fill against stock."""

    targets: pl.DataFrame
    units_to_move: pl.DataFrame
    shifts: pl.DataFrame
    frontier: pl.DataFrame


@dataclass(frozen=True)
class Prepared:
    """Series with all that levels depend on, and the frames that they came from."""

    series: pl.DataFrame
    lanes: pl.DataFrame
    shifts: pl.DataFrame
    validation: Validation | None


def plan(facts: Facts, knobs: ReplenishmentParams, *, promised: pl.DataFrame | None = None) -> Plan:
    """The plan of today; `promised` are units of proposals that still stand: article_id, serial_number, from_site_id, to_site_id."""
    ready = prepared(facts, knobs)
    targets = targets_of(facts, facts.forecasts, ready, knobs)
    frontier = ready.validation.frontier() if ready.validation else pl.DataFrame()
    return Plan(targets, planned_moves(facts, targets, knobs, promised=promised), ready.shifts, frontier)


def prepared(facts: Facts, knobs: ReplenishmentParams) -> Prepared:
    """Everything that levels depend on but the forecast: class, lane, spread, economics, and the calibrated ratio."""
    lanes = lanes_of(facts, knobs)
    series = planned_series(facts, series_forecasts(facts, lanes), lanes, knobs)
    days = knobs.validation_days + knobs.warm_up_days + knobs.trailing_days
    history = demand_history(facts, lanes, series, days=days)
    played = {kind: validation_of(series, history, facts.as_of, knobs, site_kind=kind) for kind in ("store", CENTRE)}
    schema = {"site_kind": pl.String, "class_code": pl.String, "ratio_shift": pl.Float64}
    found = [each.shifts().select(pl.lit(kind).alias("site_kind"), pl.all()) for kind, each in played.items() if each]
    shifts = pl.concat([pl.DataFrame(schema=schema), *found], how="diagonal")
    # What was too young to be played keeps to theory.
    shifted = series.join(shifts.select(list(schema)), on=["site_kind", "class_code"], how="left", maintain_order="left")
    return Prepared(shifted.with_columns(pl.col("ratio_shift").fill_null(0.0)), lanes, shifts, played["store"])


def targets_of(facts: Facts, forecasts: pl.DataFrame, ready: Prepared, knobs: ReplenishmentParams) -> pl.DataFrame:
    """One row per series: levels, position, what to order, what its centre can give, and when it runs out; by any forecast of its days."""
    every = series_forecasts(replace(facts, forecasts=forecasts), ready.lanes)
    cumulated = cumulated_forecast(every, ready.series["unique_id"])
    found = levels(ready.series, cumulated, knobs).join(facts.stock, on=["article_id", "site_id"], how="left", maintain_order="left")
    position = pl.col("on_hand_units") + pl.col("in_transit_units")
    found = found.with_columns(pl.col("on_hand_units", "in_transit_units").fill_null(0).cast(pl.Int32)).with_columns(
        order_units=_order(position).cast(pl.Int32)
    )
    days = _days_of_stock(cumulated, found["on_hand_units"].to_numpy() + found["in_transit_units"].to_numpy())
    lasts = pl.Series(days, dtype=pl.Int64)
    risk = _risk(found, cumulated)
    return _with_allocation(
        found.with_columns(
            stock_out_risk=pl.Series(risk),
            runs_out_date=pl.when(lasts <= cumulated.shape[1] - 1).then(pl.lit(facts.as_of) + pl.duration(days=lasts)),
            as_of_date=pl.lit(facts.as_of),
            model_version=pl.lit(facts.model_version),
        )
    )


def planned_moves(facts: Facts, targets: pl.DataFrame, knobs: ReplenishmentParams, *, promised: pl.DataFrame | None = None) -> pl.DataFrame:
    """One row per unit to move between stores, named by its serial number; none of those that are promised already.

    A store gets units for the days until what it orders now can come: from its centre, or where that has nothing left for it, from the
    centre's vendor. It may give what it has on hand beyond its display, whatever that is worth to it.
    """
    codes = knobs.valuation_types
    movable = facts.units.filter(pl.col("valuation_type").fill_null("").is_in(codes))
    held = facts.sites.filter("is_held")["site_id"]
    movable = movable.filter(~pl.col("site_id").is_in(held.implode()))
    stores = targets.filter((pl.col("site_kind") == "store") & ~pl.col("site_id").is_in(held.implode()))
    coming = leaving = pl.lit(0)
    if promised is not None and promised.height:
        unit = ["article_id", "serial_number"]
        movable = movable.join(promised, on=unit, how="anti")
        going = promised.group_by("article_id", site_id="from_site_id").agg(going=pl.len())
        arriving = promised.group_by("article_id", site_id="to_site_id").agg(arriving=pl.len())
        stores = stores.join(going, on=["article_id", "site_id"], how="left").join(arriving, on=["article_id", "site_id"], how="left")
        leaving = pl.col("going").fill_null(0)
        coming = pl.col("arriving").fill_null(0) - leaving
    spare = movable.group_by("article_id", "site_id").agg(spare_units=pl.len())
    position = (pl.col("on_hand_units") + pl.col("in_transit_units") + coming).clip(lower_bound=0)
    beyond_display = (pl.col("on_hand_units") - leaving - pl.col("display_units")).clip(lower_bound=0)
    places = stores.join(spare, on=["article_id", "site_id"], how="left").select(
        "article_id",
        "site_id",
        "lost_margin",
        position_units=position,
        spare_units=pl.min_horizontal(pl.col("spare_units").fill_null(0), beyond_display),
        need_units=(pl.col("order_up_to_units") - position).clip(lower_bound=0),
        mean_units="cover_mean",
        variance_units="cover_variance",
    )
    costs = MoveCosts(knobs.transfer_cost, knobs.shipment_cost, knobs.minimum_gain)
    return named_units(moves(places, costs), movable)


def _order(position: pl.Expr) -> pl.Expr:
    """Whole packs up to the order-up-to level, where the position is at or below the reorder level.

    As many as the shelf has room for, but for one: a shelf smaller than a pack would stay empty.
    """
    needed = pl.when(position <= pl.col("reorder_units")).then(pl.col("order_up_to_units") - position).otherwise(0)
    packs = (needed / pl.col("pack_units")).ceil()
    shelf = pl.max_horizontal("capacity_units", "display_units")
    packs_of_room = ((shelf - position) // pl.col("pack_units")).clip(lower_bound=0)
    packs_of_room = pl.when(shelf < pl.col("pack_units")).then(1).otherwise(packs_of_room)
    room = pl.when(pl.col("capacity_units") > 0).then(packs_of_room)
    return pl.min_horizontal(packs, room.cast(pl.Float64)) * pl.col("pack_units")


def _days_of_stock(cumulated: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Day on which expected demand has used up the position; one beyond the horizon where it lasts."""
    return (cumulated[:, 1:] < np.maximum(position, 1e-9)[:, None]).sum(axis=1) + 1


def _risk(targets: pl.DataFrame, cumulated: np.ndarray) -> np.ndarray:
    """Chance that demand until what is ordered now can be sold is more than the position."""
    days, position = targets["lead_time_days"].to_numpy(), (targets["on_hand_units"] + targets["in_transit_units"]).to_numpy()
    lead = demand_over(
        cumulated,
        days,
        over_dispersion=targets["over_dispersion"].to_numpy(),
        days_deviation=targets["lead_time_deviation_days"].to_numpy(),
    )
    return np.where(lead.mean < 1e-6, 0.0, lead.beyond(position))


def _with_allocation(targets: pl.DataFrame) -> pl.DataFrame:
    """The targets with allocated_units of what stores order, and the demand that a store has to cover with what it has: until goods ordered
    now can be sold, the centre's own lead time included where the centre is short."""
    is_centre = pl.col("site_kind") == CENTRE
    centres = targets.filter(is_centre).select(
        "article_id", centre_id="site_id", available_units="on_hand_units", centre_days="lead_time_days"
    )
    stores = targets.filter(~is_centre).with_columns(
        centre_id=pl.col("origin_id"),
        position_units=pl.col("on_hand_units") + pl.col("in_transit_units"),
        need_units=pl.col("order_units"),
        mean_units=pl.col("expected_units"),
        variance_units=pl.col("units_deviation") ** 2,
    )
    given = allocated(stores, centres).join(
        centres.select("article_id", "centre_id", "centre_days"), on=["article_id", "centre_id"], how="left", maintain_order="left"
    )
    interval = pl.col("lead_time_days") + pl.col("review_days")
    is_short = pl.col("allocated_units") < pl.col("order_units")
    factor = (interval + pl.when(is_short).then(pl.col("centre_days").fill_null(0.0)).otherwise(0.0)) / interval
    covered = given.with_columns(
        cover_mean=pl.col("expected_units") * factor,
        cover_variance=pl.col("expected_units") * factor
        + (pl.col("units_deviation") ** 2 - pl.col("expected_units")).clip(lower_bound=0.0) * factor**2,
    )
    return pl.concat([covered, targets.filter(is_centre)], how="diagonal_relaxed").sort("article_id", "site_id")
