"""Sweeper: cases and proposals after the facts are published, and the job by which a person decides on cases.

What a case is, and what is proposed, stands in pipelines/sweeper; here it gets its place in the graph. See pipelines/sweeper/SWEEPER.md.
"""

from collections.abc import Iterator

import dagster as dg

from pipelines.contracts import published_contracts
from pipelines.defs.resources import RETRIES, WAREHOUSE_POOL, Lakehouse
from pipelines.defs.specs import published_spec
from pipelines.feeds import FeedSettingsError
from pipelines.sources.idoc.proposals import ProposalError
from pipelines.sweeper.decisions import CaseDecisionError, deliver_decision
from pipelines.sweeper.sweeping import TABLES, sweep
from pipelines.warehouse import query

CONTRACTS = published_contracts()
_CASES = dg.AssetKey(["gold", "discrepancy_cases"])
_READ = (
    *(["gold", table] for table in ("discrepancy_case_units", "serial_movements", "unit_origins")),
    ["bronze", "sweeper", "decisions"],
    ["bronze", "carrier", "freight_claims"],
)


@dg.multi_asset(
    name="sweep_discrepancies",
    specs=[published_spec(CONTRACTS[name], _READ) for name in TABLES],
    pool=WAREHOUSE_POOL,
    retry_policy=RETRIES,
    check_specs=[
        dg.AssetCheckSpec("no_case_is_proposed_twice", asset=_CASES, description="Each case stands in one proposal, and in one approval."),
        dg.AssetCheckSpec(
            "every_decision_is_taken", asset=["gold", "discrepancy_decisions"], description="No decision names an unknown or ended case."
        ),
    ],
)
def sweep_discrepancies(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> Iterator[dg.MaterializeResult]:
    """Bring cases up to date, and write what is proposed and what was approved below outbox/sweeper/. Nothing is posted."""
    with lakehouse.writing() as home:
        try:
            swept = sweep(home, lakehouse.lake(), CONTRACTS, now=lakehouse.now())
        except (FeedSettingsError, ProposalError) as error:
            # Trying again mends neither settings nor goods.
            raise dg.Failure(str(error), allow_retries=False) from error
    context.log.info(f"cases {dict(swept.states)}; {len(swept.files)} files below outbox/sweeper/; decisions {dict(swept.outcomes)}")
    untaken = {code: count for code, count in swept.outcomes.items() if code not in {"taken", "repeated"}}
    yield dg.MaterializeResult(
        asset_key=_CASES,
        metadata={"dagster/row_count": sum(swept.states.values()), "files_written": list(swept.files), **swept.states},
        check_results=[
            dg.AssetCheckResult(
                asset_key=_CASES,
                check_name="no_case_is_proposed_twice",
                passed=not swept.proposed_twice,
                metadata={"cases": list(swept.proposed_twice)},
            )
        ],
    )
    yield dg.MaterializeResult(
        asset_key=["gold", "discrepancy_decisions"],
        metadata={"dagster/row_count": sum(swept.outcomes.values()), **swept.outcomes},
        check_results=[
            dg.AssetCheckResult(
                asset_key=["gold", "discrepancy_decisions"],
                check_name="every_decision_is_taken",
                passed=not untaken,
                severity=dg.AssetCheckSeverity.WARN,
                metadata=untaken,
            )
        ],
    )


class CaseDecision(dg.Config):
    """A person's decision on cases: approve or reject, why, and by whom (a code, no name)."""

    cases: list[str]
    decision: str
    reason: str
    decided_by: str


@dg.op
def deliver_case_decision(context: dg.OpExecutionContext, config: CaseDecision, lakehouse: Lakehouse) -> None:
    """Put the decision into landing/, where the next run takes it in."""
    home = lakehouse.home()
    if not home.published.exists():
        raise dg.Failure(f"Nothing is published in {home.root} yet", allow_retries=False)
    known, day = query(home.published, "select * from discrepancy_cases"), lakehouse.now().date()
    told = {"decision": config.decision, "decided_by": config.decided_by, "reason": config.reason}
    try:
        file = deliver_decision(home, known, config.cases, **told, day=day)
    except CaseDecisionError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    context.log.info(f"landing/{file} says so; the next run takes it in")


@dg.job(description="A person approves or rejects what is proposed for discrepancy cases.")
def decide_cases() -> None:
    """One decision, as run config gives it."""
    deliver_case_decision()
