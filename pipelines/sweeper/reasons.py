"""Reasons: what is wrong in a case and what is proposed, in words.

The sentences belong here, one per kind and one per action; the facts in them come from cases.py. They name goods and places, never people.
"""

from __future__ import annotations

import polars as pl

__all__ = ["with_reasons"]

_KINDS = {
    "not_received": "Nothing of delivery {document} from {origin} to {target} was received, though it usually would have been.",
    "short": "{units} of delivery {document} from {origin} did not come to {target} with the rest.",
    "over": "{units} came to {target} with delivery {document} from {origin} that it does not name.",
    "wrong_article": "In delivery {document} from {origin} to {target}, another article lay in place of one left behind.",
    "mistyped_serial": "A serial number of delivery {document} was misread at {target}: the one booked in is none of its units.",
    "no_goods_issue": "{units} of delivery {document} came to {target}, and {origin} never posted the goods issue.",
    "receipt_not_posted": "{units} of receipt {document} were scanned at {target}, and the receipt was not posted.",
    "placement_missing": "{units} of transfer {document} left {origin}, and the placement at {target} was not posted.",
    "transfer_not_received": "{units} of transfer {document} left {origin} and were not received at {target}.",
    "issue_missing": "{units} came to {target} by {document}, and {origin} still has them in its books.",
    "provision_missing": "A repair vendor reports {units} for order {document} that {origin} still has in its own stock.",
}
_ACTIONS = {
    "receive_and_push_back": "Proposed: receive in the books at {target} (101), transfer back to {origin} (301), and look for it there.",
    "receive_late": "Proposed: receive at {target}, late.",
    "post_issue": "Proposed: post the goods issue at {origin} (351), dated before the receipt.",
    "provide_to_vendor": "Proposed: provide to the vendor (541).",
    "claim": "Proposed: claim from carrier or vendor.",
    "recount": "Proposed: scan again at {target}, and correct the number.",
    "accept_over": "Proposed: accept what came, and tell the vendor.",
}


def with_reasons(cases: pl.DataFrame) -> pl.DataFrame:
    """The cases with `reason`: what is wrong, what is proposed, and where the case stands."""
    number = pl.col("units_concerned").cast(pl.Float64)
    whole = pl.when(number == number.floor()).then(number.cast(pl.Int64).cast(pl.String)).otherwise(number.cast(pl.String))
    words = {
        "{units}": whole + pl.when(number == 1).then(pl.lit(" unit")).otherwise(pl.lit(" units")),
        "{document}": pl.col("document_id"),
        "{origin}": pl.col("origin_id").fill_null("an unknown place"),
        "{target}": pl.col("to_site_id").fill_null("an unknown place"),
    }
    is_open = pl.col("state_code").is_in(["open", "proposed", "approved"])
    claimed = pl.when(pl.col("claim_id").is_not_null()).then(pl.lit(" Freight claim ") + pl.col("claim_id") + ".").otherwise(pl.lit(""))
    ended = (
        pl.when(pl.col("state_code") == "rejected").then(pl.lit(" A person rejected it."))
        .when(pl.col("is_gone")).then(pl.lit(" Newer documents do not show it any more."))
        .when(~is_open).then(pl.lit(" It ended by ") + pl.col("ended_by").fill_null("newer documents") + ".")
        .otherwise(pl.lit(""))
    )  # fmt: skip
    # Filled before the case is told from the others: within a branch that no row takes, polars has no words to fill in.
    told = cases.with_columns(kind_words=_filled("kind_code", _KINDS, words), action_words=_filled("action_code", _ACTIONS, words))
    action = pl.when(is_open).then(pl.lit(" ") + pl.col("action_words")).otherwise(pl.lit(""))
    return told.with_columns(reason=pl.col("kind_words") + action + claimed + ended).drop("kind_words", "action_words")


def _filled(column: str, sentences: dict[str, str], words: dict[str, pl.Expr]) -> pl.Expr:
    text = pl.col(column).replace_strict(sentences, default="", return_dtype=pl.String)
    for mark, value in words.items():
        text = text.str.replace_all(mark, value, literal=True)
    return text
