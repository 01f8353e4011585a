"""Decisions about cases: what becomes of each, in whatever order they come, and what is refused at once."""

from __future__ import annotations

from datetime import date
from itertools import permutations

import polars as pl
import pytest

from pipelines.sweeper.decisions import CaseDecisionError, deliver_decision, judged

CASES = pl.DataFrame(
    {"case_id": ["SW1", "SW2", "SW3"], "ended_date": [None, None, date(2026, 3, 5)]}, schema_overrides={"ended_date": pl.Date}
)
DECISIONS = [
    ("SW1", "approve", date(2026, 3, 2), "taken"),
    ("SW1", "approve", date(2026, 3, 4), "repeated"),
    ("SW2", "approve", date(2026, 3, 2), "overruled"),
    ("SW2", "reject", date(2026, 3, 8), "taken"),
    ("SW3", "reject", date(2026, 3, 6), "too_late"),
    ("SW9", "approve", date(2026, 3, 2), "unknown_case"),
    ("SW1", "maybe", date(2026, 3, 1), "not_understood"),
]


def test_each_decision_gets_its_answer_in_any_order():
    frame = pl.DataFrame(DECISIONS, schema=["case_id", "decision_code", "decided_date", "expected"], orient="row").with_row_index("line")
    rows = frame.with_columns(file=pl.lit("f"), decided_by=pl.lit("K1"), decision_reason=pl.lit("r"), line=pl.col("line").cast(pl.Int64))
    for order in list(permutations(range(len(DECISIONS))))[::500]:
        told = judged(rows[list(order)], CASES).sort("line")
        assert told["outcome_code"].to_list() == told["expected"].to_list()


def test_a_decision_of_the_day_on_which_a_case_ended_was_in_time():
    row = pl.DataFrame(
        {"file": ["f"], "line": [1], "case_id": ["SW3"], "decision_code": ["approve"], "decided_by": ["K1"], "decision_reason": [""]}
    )
    assert judged(row.with_columns(decided_date=pl.lit(date(2026, 3, 5))), CASES)["outcome_code"].to_list() == ["taken"]


def known(**more):
    row = {"case_id": "SW0123456789AB", "state_code": "proposed", "ended_date": None, "ended_by": None, "decided_date": None, **more}
    return pl.DataFrame([row])


def decide(home, cases, *ids, decision="approve", decided_by="K17", reason="seen"):
    return deliver_decision(home, cases, ids, decision=decision, decided_by=decided_by, reason=reason, day=date(2026, 3, 20))


def test_a_decision_becomes_one_file_in_landing_however_often_it_is_given(home):
    first = decide(home, known(), "sw0123456789ab")
    assert decide(home, known(), "SW0123456789AB", "SW0123456789AB ") == first
    assert (home.landing / first).read_text().splitlines() == [
        "case_id,decision,decided_by,decision_reason,decided_date",
        "SW0123456789AB,approve,K17,seen,2026-03-20",
    ]


@pytest.mark.parametrize(
    ("cases", "more", "message"),
    [
        (known(case_id="SW00"), {}, "is no case"),
        (known(state_code="posted", ended_date=date(2026, 3, 1)), {}, "was posted on 2026-03-01: nothing can be decided"),
        (known(state_code="closed", ended_date=date(2026, 3, 1), ended_by="C1"), {}, "ended on 2026-03-01, by C1"),
        (known(state_code="rejected", decided_date=date(2026, 3, 1)), {}, "was rejected on 2026-03-01"),
        (known(state_code="approved", decided_date=date(2026, 3, 1)), {}, "was approved on 2026-03-01 already"),
        (known(state_code="open"), {}, "has no proposal of its own"),
        (known(), {"decision": "maybe"}, "approve or reject"),
        (known(), {"decided_by": "Jane Doe"}, "a code"),
        (known(), {"reason": " "}, "the reason"),
    ],
)
def test_what_cannot_be_decided_is_refused_and_writes_nothing(home, cases, more, message):
    with pytest.raises(CaseDecisionError, match=message):
        decide(home, cases, "SW0123456789AB", **more)
    assert not (home.landing / "sweeper").exists()
