"""Specs: how a table with a contract shows as an asset; its texts, owner and columns are the contract's."""

from collections.abc import Iterable

import dagster as dg

from pipelines.contracts import Contract

__all__ = ["column_schema", "published_spec"]


def column_schema(contract: Contract) -> dg.TableSchema:
    """The contract's columns as Dagster shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                c.name, c.physical_type.lower(), description=c.description, constraints=dg.TableColumnConstraints(nullable=not c.required)
            )
            for c in contract.columns
        ]
    )


def published_spec(contract: Contract, deps: Iterable[list[str] | dg.AssetKey], engine: str = "polars") -> dg.AssetSpec:
    """The published table as an asset below gold/, made by the engine from the assets that deps name."""
    return dg.AssetSpec(
        ["gold", contract.name],
        deps=list(deps),
        group_name=contract.domain,
        description=f"{contract.grain} {contract.description}",
        owners=[f"team:{contract.domain}"],
        kinds={engine, "deltalake"},
        metadata={"dagster/column_schema": column_schema(contract)},
    )
