"""Decisions: what people decided about cases, judged against what the cases are; and the file that tells a decision.

A decision counts once, a rejection is final and goes before any approval, and what has ended cannot be decided any more. The order in
which decisions arrive plays no part. Which cases there are is told in cases.py.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from datetime import date

import polars as pl

from pipelines.home import Home
from pipelines.lake import Lake

__all__ = ["DECISIONS", "CaseDecisionError", "deliver_decision", "judged", "read_decisions"]

DECISIONS = "bronze/sweeper/decisions"
_CODES = {"approve", "reject"}
_PERSON = re.compile(r"[A-Za-z0-9_.-]{1,20}")
_ENDED = {
    "posted": "was posted on {ended_date}",
    "closed": "ended on {ended_date}, by {ended_by}",
    "rejected": "was rejected on {decided_date}",
}


class CaseDecisionError(ValueError):
    """A decision that cannot be taken; the message says why, and what can be done."""


def read_decisions(lake: Lake) -> pl.DataFrame:
    """One row per delivered decision: file, line, case_id, decision_code, decided_by, decided_date, decision_reason."""
    schema = {"file": pl.String, "line": pl.Int64, "case_id": pl.String, "decision_code": pl.String, "decided_by": pl.String}
    schema |= {"decided_date": pl.Date, "decision_reason": pl.String}
    if not lake.exists(DECISIONS):
        return pl.DataFrame(schema=schema)
    rows = lake.read(DECISIONS)
    return rows.select(
        file="_file",
        line=pl.col("_line"),
        case_id=pl.col("case_id").str.strip_chars().str.to_uppercase(),
        decision_code=pl.col("decision").str.strip_chars().str.to_lowercase(),
        decided_by="decided_by",
        decided_date="decided_date",
        decision_reason="decision_reason",
    )


def judged(decisions: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """The decisions with outcome_code. `cases` has case_id and ended_date, the day on which the facts ended it, null while they have not.

    A decision of the day on which a case ended was still in time.
    """
    known = decisions.join(cases.select("case_id", "ended_date", is_known=pl.lit(value=True)), on="case_id", how="left")
    in_time = pl.col("is_known").fill_null(value=False) & (
        pl.col("ended_date").is_null() | (pl.col("decided_date") <= pl.col("ended_date"))
    )
    valid = known.with_columns(
        is_valid=in_time & pl.col("decision_code").is_in(list(_CODES)), is_reject=pl.col("decision_code") == "reject"
    ).sort("case_id", "is_reject", "decided_date", "file", "line", descending=[False, True, False, False, False])
    place = pl.col("is_valid").cum_sum().over("case_id")
    is_rejected = (pl.col("is_valid") & pl.col("is_reject")).any().over("case_id")
    outcome = (
        pl.when(~pl.col("decision_code").is_in(list(_CODES))).then(pl.lit("not_understood"))
        .when(pl.col("is_known").is_null()).then(pl.lit("unknown_case"))
        .when(~pl.col("is_valid")).then(pl.lit("too_late"))
        .when(place == 1).then(pl.lit("taken"))
        .when(is_rejected & ~pl.col("is_reject")).then(pl.lit("overruled"))
        .otherwise(pl.lit("repeated"))
    )  # fmt: skip
    return valid.with_columns(outcome_code=outcome, outcome=_told(outcome)).drop("is_valid", "is_reject", "is_known", "ended_date")


def _told(outcome: pl.Expr) -> pl.Expr:
    words = {
        "taken": "The case follows it.",
        "repeated": "The case had been decided so already; nothing more happens.",
        "overruled": "The case was rejected, and a rejection is final.",
        "too_late": "The case had ended by itself before that day.",
        "unknown_case": "There is no such case: copy its number from the proposal or from discrepancy_cases.",
        "not_understood": "Only approve and reject are understood.",
    }
    return outcome.replace_strict(words, return_dtype=pl.String)


def deliver_decision(
    home: Home, cases: pl.DataFrame, case_ids: Sequence[str], *, decision: str, decided_by: str, reason: str, day: date
) -> str:
    """Put a decision on these cases into landing/, as the file that a person could have written. Returns its path below landing/.

    `cases` are rows of discrepancy_cases. The same decision twice is the same file. Raises CaseDecisionError for a case that is not known
    or that nothing can be decided about any more, and then writes nothing.
    """
    if decision not in _CODES:
        raise CaseDecisionError(f"{decision} is no decision; give approve or reject")
    if not _PERSON.fullmatch(decided_by):
        raise CaseDecisionError("Who decides? Give a code of at most 20 letters, digits, dots or dashes, not a name")
    if not reason.strip() or len(reason) > 254:
        raise CaseDecisionError("Give the reason, in at most 254 characters")
    wanted = sorted({case_id.strip().upper() for case_id in case_ids})
    known = {row["case_id"]: row for row in cases.filter(pl.col("case_id").is_in(wanted)).iter_rows(named=True)}
    if problems := [told for case_id in wanted if (told := _problem(case_id, known.get(case_id), decision))]:
        raise CaseDecisionError("; ".join(problems))
    rows = pl.DataFrame({"case_id": wanted}).with_columns(
        decision=pl.lit(decision), decided_by=pl.lit(decided_by), decision_reason=pl.lit(reason.strip()), decided_date=pl.lit(day)
    )
    content = rows.write_csv()
    digest = hashlib.sha256(content.encode()).hexdigest()[:12]
    path = home.landing / "sweeper" / f"decisions_{day:%Y%m%d}_{digest}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(content, encoding="utf-8")
    os.replace(part, path)  # noqa: PTH105 - one step, so that no run takes half a file
    return path.relative_to(home.landing).as_posix()


def _problem(case_id: str, case: dict | None, decision: str) -> str | None:
    """Why the case cannot be decided so; None where it can."""
    if case is None:
        return f"{case_id} is no case; serialake cases shows those that wait for a decision"
    if case["state_code"] in _ENDED:
        told = _ENDED[case["state_code"]].format(**case)
        return f"{case_id} {told}: nothing can be decided about it any more"
    if case["state_code"] == "approved" and decision == "approve":
        return f"{case_id} was approved on {case['decided_date']} already"
    if case["state_code"] == "open" and decision == "approve":
        return f"{case_id} has no proposal of its own: its units stand in that of another case"
    return None
