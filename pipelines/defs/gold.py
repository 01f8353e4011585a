"""Gold: marts become Delta tables, and the file that analysts open is swapped, in one step.

One asset per published contract. A step that fails leaves the published file as it was.
"""

from collections.abc import Iterator

import dagster as dg

from pipelines.contracts import published_contracts
from pipelines.defs.resources import RETRIES, WAREHOUSE_POOL, Lakehouse
from pipelines.defs.specs import published_spec
from pipelines.publish import publish, rows_shown

CONTRACTS = published_contracts()
MARTS = published_contracts(written_by="dbt")


@dg.multi_asset(
    specs=[published_spec(contract, [["marts", contract.name]], "duckdb") for contract in MARTS.values()],
    name="publish_tables",
    pool=WAREHOUSE_POOL,
    retry_policy=RETRIES,
    check_specs=[
        dg.AssetCheckSpec(
            "published_rows_equal_mart_rows", asset=["gold", name], description="The Delta table holds as many rows as the mart."
        )
        for name in MARTS
    ],
)
def publish_tables(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> Iterator[dg.MaterializeResult]:
    """Write what changed to gold, then swap serialake.duckdb."""
    with lakehouse.writing() as home:
        lake = lakehouse.lake()
        publication = publish(home, lake, CONTRACTS, now=lakehouse.now())
        context.log.info(f"changed: {', '.join(publication.changed) or 'nothing'}; serving {home.published}")
        for name, rows in publication.rows.items():
            stored = rows_shown(home, lake, MARTS[name])
            yield dg.MaterializeResult(
                asset_key=["gold", name],
                metadata={
                    "dagster/row_count": stored,
                    "delta_version": lake.version(f"gold/{name}"),
                    "changed": name in publication.changed,
                },
                check_results=[
                    dg.AssetCheckResult(
                        asset_key=["gold", name],
                        check_name="published_rows_equal_mart_rows",
                        passed=stored == rows,
                        metadata={"mart_rows": rows, "published_rows": stored},
                    )
                ],
            )
