"""Return features: cases of sold units become one row per case, as it was known when the unit was sold.

Histories of articles, sites and customers count sales and recorded returns strictly before the sale; nothing later enters.
Returns lag sales alike everywhere, so a group's rate is told as its ratio to the overall rate of the same moment.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from pipelines.params import ReturnsParams

__all__ = ["FEATURES", "CaseError", "case_rows"]

_GROUPS = {"article": "article_id", "generic_article": "generic_article_id", "site": "site_id", "customer": "customer_id"}

FEATURES = [
    *(f"{name}_lift" for name in _GROUPS), *(f"{name}_cases" for name in _GROUPS),
    "customer_returns", "customer_days_since_sale", "has_customer", "amount", "amount_ratio",
    "is_campaign", "times_sold_before", "stock_age_days", "article_age_days", "weekday", "hour",
]  # fmt: skip
"""Columns of the matrix in the order that a model reads them."""

_NEEDED = ["case_id", "article_id", "sold_at", "returned_at", "observed_until_at"]
_OPTIONAL = {
    "generic_article_id": pl.col("article_id"),
    "site_id": pl.lit(""),
    "customer_id": pl.lit(None, pl.String),
    "amount": pl.lit(None, pl.Float64),
    "is_campaign": pl.lit(False),
    "times_sold_before": pl.lit(0),
    "stock_age_days": pl.lit(None, pl.Int64),
}


class CaseError(ValueError):
    """A case table that cannot be learned from; the message says what is wrong and what to do."""


def case_rows(cases: pl.DataFrame, params: ReturnsParams) -> pl.DataFrame:
    """One row per case, sorted by time of sale: the case's columns, its outcome, and FEATURES.

    Needs case_id, article_id, sold_at, returned_at (empty where not back), observed_until_at. Adds `is_returned` (within
    the window) and `window_ends_at`.
    Raises CaseError for missing columns, repeated cases, or a return before its sale.
    """
    missing = [name for name in _NEEDED if name not in cases.columns]
    if missing:
        raise CaseError(f"the cases lack {', '.join(missing)}")
    if cases["case_id"].is_duplicated().any():
        raise CaseError("a case is listed twice; case_id names one sale of one unit")
    if cases.select((pl.col("returned_at") < pl.col("sold_at")).any()).item():
        raise CaseError("a unit came back before it was sold; match returns to the sale before them")
    cases = cases.with_columns(expression.alias(name) for name, expression in _OPTIONAL.items() if name not in cases.columns)
    window = timedelta(days=params.within_days)
    ends = pl.col("sold_at") + window
    is_returned = (pl.col("returned_at") <= ends).fill_null(False)
    cases = cases.with_columns(
        is_returned.alias("is_returned"),
        ends.alias("window_ends_at"),
    ).sort("sold_at", "case_id")
    overall = _known(cases.with_columns(pl.lit("").alias("all")), "all").select(
        "case_id", ((pl.col("returns") + 1) / (pl.col("cases") + 20)).alias("overall_rate")
    )
    rows = cases.join(overall, on="case_id", maintain_order="left")
    for name, column in _GROUPS.items():
        known = _known(cases, column).rename({"returns": f"{name}_returns", "cases": f"{name}_cases"})
        rows = rows.join(known, on="case_id", how="left")
    return rows.with_columns(_features(params)).sort("sold_at", "case_id")


def _known(cases: pl.DataFrame, by: str) -> pl.DataFrame:
    """One row per case with a value in `by`: its group's sales, and returns recorded, strictly before its sale."""
    keyed = cases.filter(pl.col(by).is_not_null())
    asked = keyed.select("case_id", by, pl.col("sold_at").alias("at")).sort("at")
    for name, moment in (("cases", "sold_at"), ("returns", "returned_at")):
        events = keyed.filter(pl.col(moment).is_not_null()).select(by, pl.col(moment).alias("at")).sort("at")
        counted = events.with_columns(pl.int_range(1, pl.len() + 1).over(by).alias(name))
        asked = asked.join_asof(counted, on="at", by=by, strategy="backward", allow_exact_matches=False, check_sortedness=False)
    return asked.select("case_id", pl.col("cases", "returns").fill_null(0))


def _features(params: ReturnsParams) -> list[pl.Expr]:
    weight = params.prior_cases
    rates = [
        ((pl.col(f"{name}_returns") + weight * pl.col("overall_rate")) / (pl.col(f"{name}_cases") + weight) / pl.col("overall_rate")).alias(
            f"{name}_lift"
        )
        for name in _GROUPS
    ]
    previous = pl.col("sold_at").shift(1).over("customer_id", order_by=["sold_at", "case_id"])
    usual_amount = pl.col("amount").cum_sum().over("generic_article_id", order_by=["sold_at", "case_id"]) / pl.int_range(
        1, pl.len() + 1
    ).over("generic_article_id", order_by=["sold_at", "case_id"])
    return [
        *rates,
        pl.when(pl.col("customer_id").is_not_null()).then((pl.col("sold_at") - previous).dt.total_days()).alias("customer_days_since_sale"),
        pl.col("customer_id").is_not_null().cast(pl.Int8).alias("has_customer"),
        (pl.col("amount") / usual_amount).alias("amount_ratio"),
        pl.col("is_campaign").cast(pl.Int8),
        (pl.col("sold_at") - pl.col("sold_at").min().over("article_id")).dt.total_days().alias("article_age_days"),
        pl.col("sold_at").dt.weekday().alias("weekday"),
        pl.col("sold_at").dt.hour().alias("hour"),
    ]
