"""Bronze: each delivered file lands once, unchanged, in Delta.

One asset per source contract, the manifest and the quarantine; one step fills them all, since one file may hold rows of
several tables and its loads are committed together. Nothing is renamed or judged here: that is staging's work.
"""

from collections.abc import Iterator

import dagster as dg

from pipelines.contracts import Contract, ContractError, source_contracts
from pipelines.cut import newest_cut, note_cut
from pipelines.defs.resources import RETRIES, WAREHOUSE_POOL, Lakehouse
from pipelines.defs.specs import column_schema
from pipelines.ingest import MANIFEST, QUARANTINE, IngestResult, ingest
from pipelines.live import SYSTEMS
from pipelines.sources import read_extract_settings, read_mappings

CONTRACTS = source_contracts()
_PERSONAL = frozenset(
    {"kundnr", "kunnr", "kunde", "kunag", "kunum", "kunnr_sid", "usnam", "usnam_mkpf", "usnaz", "customer", "customer_id"}
)


def _bronze_spec(contract: Contract) -> dg.AssetSpec:
    return dg.AssetSpec(
        ["bronze", *contract.table.split("/")],
        deps=[["landing", contract.system]] if contract.system in SYSTEMS else [],
        group_name="landing",
        description=f"{contract.grain} {contract.description}",
        owners=[f"team:{contract.domain}"],
        kinds={"polars", "deltalake"},
        tags={"pii": "true"} if any(c.name in _PERSONAL for c in contract.columns) else {},
        metadata={"dagster/column_schema": column_schema(contract)},
    )


def _lake_spec(name: str, description: str) -> dg.AssetSpec:
    return dg.AssetSpec([name], group_name="landing", description=description, owners=["team:lake"], kinds={"polars", "deltalake"})


def _specs() -> list[dg.AssetSpec]:
    return [
        *(_bronze_spec(contract) for contract in CONTRACTS.values()),
        _lake_spec(MANIFEST, "One row per delivered file: hash, records in = accepted + quarantined."),
        _lake_spec(QUARANTINE, "One row per record refused at extraction, with a reason a person understands."),
    ]


@dg.multi_asset(
    specs=_specs(),
    name="land_files",
    pool=WAREHOUSE_POOL,
    retry_policy=RETRIES,
    check_specs=[
        dg.AssetCheckSpec(
            "no_record_is_lost", asset=[MANIFEST], description="Records in = accepted + quarantined, for every file.", blocking=True
        )
    ],
)
def land_files(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> Iterator[dg.MaterializeResult]:
    """Take every new file of landing/ into the lake, each once."""
    with lakehouse.ingesting() as home:
        lake = lakehouse.lake()
        try:
            settings = read_extract_settings(home.contracts, CONTRACTS)
            result = ingest(home, lake, CONTRACTS, mappings=read_mappings(home.contracts), settings=settings, now=lakehouse.now())
        except ContractError as error:
            # Trying again mends no contract.
            raise dg.Failure(str(error), allow_retries=False) from error
        note_cut(home.taken_note, newest_cut(home, lake))
        context.log.info(_summary(result))
        for table in CONTRACTS:
            yield dg.MaterializeResult(
                asset_key=["bronze", *table.split("/")], metadata=_table_metadata(lake, f"bronze/{table}", result.appended.get(table, 0))
            )
        yield dg.MaterializeResult(asset_key=[QUARANTINE], metadata=_table_metadata(lake, QUARANTINE, result.records_quarantined))
        lost = lake.read(MANIFEST).filter(records_lost())
        yield dg.MaterializeResult(
            asset_key=[MANIFEST],
            metadata={
                **_table_metadata(lake, MANIFEST, sum(result.files.values())),
                "files": result.files,
                "still_being_written": list(result.unfinished),
            },
            check_results=[
                dg.AssetCheckResult(
                    asset_key=[MANIFEST], check_name="no_record_is_lost", passed=lost.is_empty(), metadata={"files": lost["file"].to_list()}
                )
            ],
        )


def records_lost():
    """Expression on the manifest: true for a file whose records do not add up."""
    import polars as pl  # noqa: PLC0415 - kept out of the time it takes to load definitions

    return pl.col("records_in") != pl.col("records_accepted") + pl.col("records_quarantined")


def _table_metadata(lake, table: str, added: int) -> dict[str, object]:
    return {"dagster/row_count": lake.row_count(table), "rows_added": added, "delta_version": lake.version(table)}


def _summary(result: IngestResult) -> str:
    records = f"{result.records_in} = accepted {result.records_accepted} + quarantined {result.records_quarantined}"
    return f"files {result.files or 'none new'}; records in {records}"
