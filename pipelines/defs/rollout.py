"""Roll-out: initial loads are checked site by site, and effects and the next wave are judged after the facts are published.

A site whose load does not reconcile is held, and holds nobody else: its check fails, and everything is published. What held means,
and how it ends, is explained in pipelines/rollout/ROLLOUT.md.
"""

from collections.abc import Iterator

import dagster as dg

from pipelines.contracts import published_contracts
from pipelines.defs.resources import RETRIES, WAREHOUSE_POOL, Lakehouse
from pipelines.defs.specs import published_spec
from pipelines.params import read_params
from pipelines.rollout.judging import JUDGED, held_sites, judge_rollout

CONTRACTS = published_contracts()
FACTS = ("rollout_sites", "rollout_measures")


@dg.asset_check(
    asset=["gold", "rollout_sites"],
    name="initial_loads_reconcile",
    description="The initial load of every site agrees with legacy stock and count, to the unit, or a person accepted the differences.",
)
def initial_loads_reconcile(lakehouse: Lakehouse) -> dg.AssetCheckResult:
    """Fails with one entry per held site: how much is off, and what to do. It blocks that site, and nobody else."""
    held = held_sites(lakehouse.home())
    return dg.AssetCheckResult(
        passed=held.is_empty(),
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"held: {', '.join(held['site_id'])}" if held.height else "",
        metadata={"held_sites": held.height, **{row["site_id"]: row["explanation"] for row in held.iter_rows(named=True)}},
    )


@dg.multi_asset(
    name="judge_rollout",
    specs=[published_spec(CONTRACTS[name], (["gold", fact] for fact in FACTS)) for name in JUDGED],
    pool=WAREHOUSE_POOL,
    retry_policy=RETRIES,
)
def judge(lakehouse: Lakehouse) -> Iterator[dg.MaterializeResult]:
    """Compare live with waiting sites, and propose go or no-go for the next wave."""
    with lakehouse.writing() as home:
        found = judge_rollout(home, lakehouse.lake(), CONTRACTS, params=read_params(), now=lakehouse.now())
    decisions = found["rollout_decisions"]
    told = {} if decisions.is_empty() else {row["criterion_code"]: row["verdict"] for row in decisions.iter_rows(named=True)}
    decision = {} if decisions.is_empty() else {"wave": int(decisions["wave_number"][0]), "decision": decisions["decision_code"][0]}
    yield dg.MaterializeResult(asset_key=["gold", "rollout_effects"], metadata={"dagster/row_count": found["rollout_effects"].height})
    yield dg.MaterializeResult(
        asset_key=["gold", "rollout_decisions"], metadata={"dagster/row_count": decisions.height, **decision, **told}
    )


@dg.definitions
def rollout() -> dg.Definitions:
    """The check of initial loads, and the judgement of effects and of the next wave."""
    return dg.Definitions(assets=[judge], asset_checks=[initial_loads_reconcile])
