"""Contracts: read the ODCS v3 files that define every column once, inbound and outbound.

What a contract says is turned into a typed schema here. What is done with the data is not decided here.
The keys of a contract and who reads each are explained in data_contracts/README.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from open_data_contract_standard.model import OpenDataContractStandard, SchemaProperty

__all__ = [
    "Column",
    "Contract",
    "ContractError",
    "contract_root",
    "published_contracts",
    "read_contract",
    "source_contracts",
]

_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_TYPES: dict[str, pl.DataType] = {
    "VARCHAR": pl.String(),
    "DATE": pl.Date(),
    "TIMESTAMP": pl.Datetime("us"),
    "INTEGER": pl.Int32(),
    "BIGINT": pl.Int64(),
    "DOUBLE": pl.Float64(),
    "BOOLEAN": pl.Boolean(),
}


class ContractError(ValueError):
    """A contract that cannot be used; the message names the file, the key and the remedy."""


@dataclass(frozen=True)
class Column:
    """One column of a contract. `dtype` is its polars type; `max_length` counts characters."""

    name: str
    physical_type: str
    description: str
    required: bool = False
    key_position: int | None = None
    max_length: int | None = None
    source_name: str | None = None
    expression: str | None = None
    codes: dict[str, str] | None = None

    @property
    def dtype(self) -> pl.DataType:
        """The polars type that `physical_type` stands for."""
        if match := _DECIMAL.fullmatch(self.physical_type):
            return pl.Decimal(int(match[1]), int(match[2]))
        return _TYPES[self.physical_type]


@dataclass(frozen=True)
class Contract:
    """One table as promised by a supplier or by us. `table` is `<system>/<name>` inbound, `<name>` outbound."""

    path: Path
    document: OpenDataContractStandard

    @cached_property
    def table(self) -> str:
        """Identity of the table: the schema object's physical name."""
        return self._schema.physicalName or self._schema.name

    @property
    def system(self) -> str:
        """Source system of an inbound table, for example `sap`."""
        return self.table.split("/")[0]

    @property
    def name(self) -> str:
        """Table name without its system."""
        return self.table.split("/")[-1]

    @property
    def domain(self) -> str:
        """Domain that owns the table; a group in Dagster and in dbt."""
        return self.document.domain

    @property
    def description(self) -> str:
        """What the table holds, in one sentence."""
        return self._schema.description

    @property
    def written_by(self) -> str:
        """Who fills an outbound table: `dbt` (a mart), `contracts` (results of the checks), `models`, `feeds`, `recall`, `rollout`,
        `sweeper`, `intraday`; or `view`, where it is a query over the others.
        """
        return self.custom("writtenBy", "dbt")

    @property
    def grain(self) -> str:
        """What one row stands for."""
        return self._schema.dataGranularityDescription

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns in their order, without those that are computed when they are read."""
        return tuple(self._column(p) for p in self._schema.properties or [] if not _is_computed(p))

    @cached_property
    def computed_columns(self) -> tuple[Column, ...]:
        """Columns of an outbound table that are stored nowhere: their `expression` is part of the view that analysts read."""
        return tuple(self._column(p) for p in self._schema.properties or [] if _is_computed(p))

    @cached_property
    def polars_schema(self) -> dict[str, pl.DataType]:
        """Column name to polars type, in order."""
        return {c.name: c.dtype for c in self.columns}

    @property
    def key(self) -> tuple[str, ...]:
        """Primary key columns in key order."""
        keyed = [c for c in self.columns if c.key_position]
        return tuple(c.name for c in sorted(keyed, key=lambda c: c.key_position))

    @property
    def landing_pattern(self) -> str | None:
        """Glob below landing/ of the files this contract claims, or None."""
        return next((s.path for s in self.document.servers or [] if s.type == "local"), None)

    @property
    def landing_patterns(self) -> tuple[tuple[str, str], ...]:
        """All globs below landing/ that this contract claims, each with the format of its files."""
        return tuple((s.path, s.format) for s in self.document.servers or [] if s.type == "local" and s.path)

    @property
    def needed(self) -> tuple[str, ...]:
        """Columns that a record must fill unless it deletes its key: of a deleted row, a source knows the key alone."""
        return tuple(self.custom("neededColumns") or ())

    @property
    def file_format(self) -> str | None:
        """Format of those files: xml, json, csv or parquet."""
        return next((s.format for s in self.document.servers or [] if s.type == "local"), None)

    def custom(self, key: str, default: Any = None) -> Any:
        """Value of a custom property of the contract or of its schema object."""
        for p in [*(self.document.customProperties or []), *(self._schema.customProperties or [])]:
            if p.property == key:
                return p.value
        return default

    @property
    def _schema(self) -> Any:
        return self.document.schema_[0]

    def _column(self, p: SchemaProperty) -> Column:
        custom = {c.property: c.value for c in p.customProperties or []}
        physical_type = p.physicalType or "VARCHAR"
        if physical_type not in _TYPES and not _DECIMAL.fullmatch(physical_type):
            raise ContractError(
                f"{self.path}: column {p.name} has physicalType {physical_type}; use one of {', '.join(_TYPES)}, DECIMAL(p,s)"
            )
        return Column(
            name=p.name,
            physical_type=physical_type,
            description=p.description or "",
            required=bool(p.required),
            key_position=p.primaryKeyPosition if p.primaryKey else None,
            max_length=(p.logicalTypeOptions or {}).get("maxLength"),
            source_name=p.physicalName,
            expression=p.transformLogic,
            codes={str(k): str(v) for k, v in custom["codes"].items()} if "codes" in custom else None,
        )


def _is_computed(p: SchemaProperty) -> bool:
    return any(c.property == "computedWhenRead" and c.value for c in p.customProperties or [])


def read_contract(path: Path) -> Contract:
    """Read one ODCS file. Raises ContractError with the file and what is wrong in it."""
    try:
        # libyaml reads a contract in a sixth of the time that OpenDataContractStandard.from_file takes.
        contract = Contract(path, OpenDataContractStandard(**yaml.load(path.read_bytes(), yaml.CSafeLoader)))
    except Exception as error:
        raise ContractError(f"{path}: not a valid ODCS v3 contract: {error}") from error
    if not contract.document.schema_:
        raise ContractError(f"{path}: the contract has no schema; add one table with its properties")
    return contract


def contract_root() -> Path:
    """Folder of the shipped contracts."""
    return Path(__file__).resolve().parent.parent / "data_contracts"


def source_contracts(root: Path | None = None) -> dict[str, Contract]:
    """Contracts of all inbound tables by `<system>/<table>`, in name order."""
    return _contracts((root or contract_root()) / "sources")


def published_contracts(root: Path | None = None, *, written_by: str | None = None) -> dict[str, Contract]:
    """Contracts of the tables that analysts read, by table name, in name order: all, or those that one writer fills.

    A table of the same columns as another names it (`columnsOf`), and takes them from its contract.
    """
    contracts = _contracts((root or contract_root()) / "published")
    for contract in contracts.values():
        if like := contract.custom("columnsOf"):
            contract.document.schema_[0].properties = contracts[like].document.schema_[0].properties
    return {name: c for name, c in contracts.items() if written_by in {None, c.written_by}}


def _contracts(folder: Path) -> dict[str, Contract]:
    stamps = ((path, path.stat()) for path in sorted(folder.rglob("*.odcs.yaml")))
    return dict(_contracts_as_of(tuple((path, found.st_mtime_ns, found.st_size) for path, found in stamps)))


@lru_cache(maxsize=4)
def _contracts_as_of(stamps: tuple[tuple[Path, int, int], ...]) -> dict[str, Contract]:
    """Contracts of the files as they were at these stamps: a process asks for them dozens of times, and reads each state once."""
    found = [read_contract(path) for path, _, _ in stamps]
    return {contract.table: contract for contract in found}
