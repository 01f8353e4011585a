"""Replenishment: stock targets and moves between stores, after the forecasts are published.

What a target is, and what is proposed, stands in pipelines/replenishment; here it gets its place in the graph. See
pipelines/replenishment/REPLENISHMENT.md.
"""

from collections.abc import Iterator

import dagster as dg

from pipelines.contracts import published_contracts
from pipelines.defs.resources import RETRIES, WAREHOUSE_POOL, Lakehouse
from pipelines.defs.specs import published_spec
from pipelines.params import read_params
from pipelines.pictures import as_markdown
from pipelines.progress import report
from pipelines.replenishment.facts import NEEDED
from pipelines.replenishment.frontier import frontier_plot
from pipelines.replenishment.publishing import TABLES, Replenished, replenish
from pipelines.sources.idoc.proposals import ProposalError

CONTRACTS = published_contracts()
_TARGETS, _PROPOSALS = (dg.AssetKey(["gold", name]) for name in TABLES)


@dg.multi_asset(
    name="replenish",
    specs=[published_spec(CONTRACTS[name], (["gold", table] for table in NEEDED)) for name in TABLES],
    pool=WAREHOUSE_POOL,
    retry_policy=RETRIES,
    check_specs=[
        dg.AssetCheckSpec("no_unit_is_promised_twice", asset=_PROPOSALS, description="Each unit stands in one waiting proposal at most."),
    ],
)
def replenish_stock(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> Iterator[dg.MaterializeResult]:
    """Set levels from the newest forecasts, and write proposed moves below outbox/rebalancing/. Nothing is posted."""
    report("replenish", 0)
    with lakehouse.writing() as home:
        try:
            done = replenish(home, lakehouse.lake(), CONTRACTS, params=read_params(), now=lakehouse.now())
        except ProposalError as error:
            # Trying again does not mend an article number.
            raise dg.Failure(str(error), allow_retries=False) from error
        twice = done.promised_twice
    context.log.info(f"{dict(done.rows)}; {len(done.files)} files below outbox/rebalancing/")
    yield dg.MaterializeResult(
        asset_key=_TARGETS, metadata={"dagster/row_count": done.rows[TABLES[0]], "is_changed": done.plan is not None, **_pictures(done)}
    )
    yield dg.MaterializeResult(
        asset_key=_PROPOSALS,
        metadata={"dagster/row_count": done.rows[TABLES[1]], "files_written": list(done.files)},
        check_results=[
            dg.AssetCheckResult(
                asset_key=_PROPOSALS, check_name="no_unit_is_promised_twice", passed=not twice, metadata={"units": list(twice)}
            )
        ],
    )


def _pictures(done: Replenished) -> dict[str, object]:
    """Fill against stock of the stores' newest days, and by how much each class's ratio was moved; nothing where no store was played."""
    if done.plan is None or done.plan.frontier.is_empty():
        return {}
    moved = done.plan.shifts.select("site_kind", "class_code", "ratio_shift").iter_rows()
    shifts = {f"shift of {code}, {kind.replace('_', ' ')}": shift for kind, code, shift in moved}
    title = "fill against stock, newest days played again"
    return {title: dg.MetadataValue.md(as_markdown(frontier_plot(done.plan.frontier), title)), **shifts}


@dg.definitions
def replenishment() -> dg.Definitions:
    """Targets and proposals."""
    return dg.Definitions(assets=[replenish_stock])
