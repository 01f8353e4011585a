"""Lead times: days from order to receipt on each lane, and days between two deliveries, with their spread.

Learning both from the deliveries of the past belongs here, frame in, frame out; when goods count as overdue does not
(pipelines/sweeper/SWEEPER.md).
"""

from __future__ import annotations

import polars as pl

__all__ = ["learned_lead_times"]

_SECONDS_A_DAY = 86_400


def learned_lead_times(deliveries: pl.DataFrame, *, handling_days: float, prior_trips: float) -> pl.DataFrame:
    """One row per site that received anything, with the lane that brings it most: what to plan with.

    `deliveries` has delivery_id, delivery_type, vendor_id, from_site_id, received_site_id, goods_issue_actual_at,
    goods_issue_planned_at and first_received_at. Columns: site_id, lane_kind, origin_id, trips, lead_time_days and
    lead_time_deviation_days (transit, and the days until an order leaves), review_days (mean days between two days of receipt). Mean and
    variance are drawn towards those of all lanes of the kind with the weight of so many trips.
    """
    is_vendor = pl.col("delivery_type") == "EL"
    trips = (
        deliveries.filter(pl.col("delivery_type").is_in(["NL", "NLCC", "EL"]))
        .group_by("delivery_id")
        .agg(
            lane_kind=pl.when(is_vendor).then(pl.lit("vendor")).otherwise(pl.lit("delivery")).first(),
            origin_id=pl.when(is_vendor).then("vendor_id").otherwise("from_site_id").drop_nulls().first(),
            site_id=pl.col("received_site_id").drop_nulls().first(),
            departed_at=pl.coalesce("goods_issue_actual_at", "goods_issue_planned_at").max(),
            arrived_at=pl.col("first_received_at").min(),
        )
        .filter(pl.col("arrived_at") >= pl.col("departed_at"), pl.col("site_id").is_not_null(), pl.col("origin_id").is_not_null())
        .with_columns(days=(pl.col("arrived_at") - pl.col("departed_at")).dt.total_seconds() / _SECONDS_A_DAY)
    )
    of_kind = trips.group_by("lane_kind").agg(kind_mean=pl.col("days").mean(), kind_variance=pl.col("days").var().fill_null(0.0))
    lanes = trips.group_by("lane_kind", "origin_id", "site_id").agg(
        trips=pl.len().cast(pl.Int32),
        mean=pl.col("days").mean(),
        variance=pl.col("days").var().fill_null(0.0),
        review_days=_between(pl.col("arrived_at").dt.date()),
    )
    weight = pl.col("trips") / (pl.col("trips") + prior_trips)
    return (
        lanes.join(of_kind, on="lane_kind")
        .sort("site_id", "trips", "origin_id", descending=[False, True, False])
        .unique("site_id", keep="first", maintain_order=True)
        .select(
            "site_id",
            "lane_kind",
            "origin_id",
            "trips",
            lead_time_days=handling_days + weight * pl.col("mean") + (1 - weight) * pl.col("kind_mean"),
            lead_time_deviation_days=(weight * pl.col("variance") + (1 - weight) * pl.col("kind_variance")).sqrt(),
            review_days="review_days",
        )
    )


def _between(days: pl.Expr) -> pl.Expr:
    """Mean days between two days of receipt; a week where there was only one."""
    count = days.n_unique()
    return pl.when(count > 1).then((days.max() - days.min()).dt.total_days() / (count - 1)).otherwise(7.0).clip(lower_bound=1.0)
