"""Cases: their units put together, and the state that follows from the facts, the proposals and the decisions.

A pure function: the same facts, log and decisions give the same cases, whatever was built before. What each state means is told in
SWEEPER.md; the words of the reasons are in reasons.py.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from pipelines.sweeper.decisions import judged

__all__ = ["case_facts", "with_states"]

_FIRST = ["kind_code", "document_id", "delivery_id", "lane_kind", "origin_id", "to_site_id", "vendor_id", "carrier_id"]


def case_facts(units: pl.DataFrame, posted: pl.DataFrame) -> pl.DataFrame:
    """One row per case: what its units have in common, how many are outstanding, what they are worth, and when it ended.

    `units` are rows of discrepancy_case_units with unit_cost and currency_code; `posted` has case_id, role_code, article_id,
    serial_number, posted_date and posted_by of those whose proposed movements have all come.
    """
    joined = units.join(posted, on=["case_id", "role_code", "article_id", "serial_number"], how="left", maintain_order="left")
    ended = joined.with_columns(
        ended_on=pl.coalesce("posted_date", pl.col("resolved_at").dt.date()),
        ended_by=pl.coalesce("posted_by", "resolved_document_id"),
        is_posted=pl.col("posted_date").is_not_null(),
        amount=(pl.col("unit_cost") * pl.col("unit_quantity")).cast(pl.Decimal(18, 2)),
    ).with_columns(is_open=pl.col("ended_on").is_null())
    is_open = pl.col("is_open")
    # What most units need that are outstanding; of those that nothing is outstanding of, what most of them needed.
    ordered = ended.sort("case_id", "is_open", "action_code", descending=[False, True, False])
    actions = (
        ordered.group_by("case_id", "action_code", maintain_order=True)
        .agg(open_units=is_open.sum(), every=pl.len())
        .sort("case_id", "open_units", "every", "action_code", descending=[False, True, True, False])
        .unique("case_id", keep="first", maintain_order=True)
        .select("case_id", "action_code")
    )
    one_currency = pl.col("currency_code").drop_nulls().n_unique() == 1
    facts = ended.sort("case_id", "article_id", "serial_number").group_by("case_id", maintain_order=True).agg(
        *(pl.col(name).drop_nulls().first() for name in _FIRST),
        units_concerned=pl.col("unit_quantity").sum(),
        units_outstanding=pl.col("unit_quantity").filter(is_open).sum(),
        value_amount=pl.when(one_currency).then(pl.col("amount").sum()),
        outstanding_amount=pl.when(one_currency).then(pl.col("amount").filter(is_open).sum()),
        units_unvalued=pl.col("unit_quantity").filter(pl.col("unit_cost").is_null()).sum(),
        currency_code=pl.when(one_currency).then(pl.col("currency_code").drop_nulls().first()),
        opened_date=pl.col("opened_at").min().dt.date(),
        ended_date=pl.when(~is_open.any()).then(pl.col("ended_on").max()),
        ended_by=pl.when(~is_open.any()).then(pl.col("ended_by").drop_nulls().unique().sort().head(5).str.join(", ")),
        is_posted=pl.col("is_posted").any() & ~is_open.any(),
        seen=(pl.col("seen_site_id") == pl.col("to_site_id")).filter(is_open).sum(),
        articles=pl.col("article_id").unique().sort().head(5).str.join(", "),
    )  # fmt: skip
    return facts.join(actions, on="case_id", how="left", maintain_order="left")


def with_states(facts: pl.DataFrame, log: pl.DataFrame, decisions: pl.DataFrame, *, day: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The cases with their states, and the decisions with what became of them.

    `log` has one row per case and step, with batch file and day (log.py).
    """
    told = judged(decisions, facts)
    counting = told.filter(pl.col("outcome_code") == "taken").select(
        "case_id", "decision_code", "decided_by", "decided_date", "decision_reason"
    )
    steps = {step: log.filter(pl.col("step") == step).unique("case_id", keep="first") for step in ("proposed", "approved")}
    cases = (
        facts.join(counting, on="case_id", how="left", maintain_order="left")
        .join(steps["proposed"].select("case_id", proposed_date="as_of_date", proposal_file="file"), on="case_id", how="left")
        .join(steps["approved"].select("case_id", approved_file="file"), on="case_id", how="left")
    )
    is_accepted = (pl.col("action_code") == "accept_over") & (pl.col("decision_code") == "approve")
    has_ended = pl.col("ended_date").is_not_null() | pl.col("is_gone")
    state = (
        pl.when(pl.col("decision_code") == "reject").then(pl.lit("rejected"))
        .when(pl.col("is_posted")).then(pl.lit("posted"))
        .when(has_ended | is_accepted).then(pl.lit("closed"))
        .when(pl.col("decision_code") == "approve").then(pl.lit("approved"))
        .when(pl.col("proposal_file").is_not_null()).then(pl.lit("proposed"))
        .otherwise(pl.lit("open"))
    )  # fmt: skip
    is_decided = ~has_ended & ((pl.col("decision_code") == "reject") | is_accepted)
    return cases.with_columns(
        state_code=state,
        ended_date=pl.when(is_decided).then("decided_date").otherwise("ended_date"),
        ended_by=pl.when(is_decided).then(pl.lit("decision")).otherwise("ended_by"),
        as_of_date=pl.lit(day),
    ), told
