"""Mappings: a user's ODCS contract that says how the columns of a file become ours.

Reading and checking mapping contracts belongs here; applying one to a file does not (tabular.py).
The keys are `target`, `physicalName`, `transformLogic`, `codes` and `measures`; README.md, section "Bring your own
files", shows one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from pipelines.contracts import Column, Contract, ContractError, read_contract, source_contracts

__all__ = [
    "MAPPING_TARGETS",
    "mapping_problems",
    "measures_of",
    "read_mapping",
    "read_mappings",
    "sources_of",
    "target_of",
]

MAPPING_TARGETS = ("tabular/movements", "tabular/sales", "tabular/shipments", "tabular/readings")
"""Tables that a mapping contract may fill."""

_FORMATS = ("csv", "parquet")
_MEASURED = frozenset({"measure", "reading"})


def read_mappings(folder: Path, *, targets: Mapping[str, Contract] | None = None) -> list[Contract]:
    """All mapping contracts (*.odcs.yaml) below the folder, in name order; none where it does not exist.

    Raises ContractError that names the file and everything wrong in it.
    """
    found = sorted(folder.rglob("*.odcs.yaml")) if folder.is_dir() else []
    known = (targets or source_contracts()) if found else {}
    return [read_mapping(path, targets=known) for path in found]


def read_mapping(path: Path, *, targets: Mapping[str, Contract] | None = None) -> Contract:
    """One mapping contract. Raises ContractError that names the file and everything wrong in it."""
    contract = read_contract(path)
    problems = mapping_problems(contract, targets or source_contracts())
    if problems:
        raise ContractError(f"{path}: {'; '.join(problems)}")
    return contract


def mapping_problems(contract: Contract, targets: Mapping[str, Contract]) -> list[str]:
    """What keeps a mapping contract from being used, each with its remedy; empty where it is fine."""
    problems = []
    if not contract.landing_pattern:
        problems.append("no server of type local with a path; add one with a glob below landing/, such as mine/*.parquet")
    if contract.file_format not in _FORMATS:
        problems.append(f"the server's format is {contract.file_format!r}; write csv or parquet")
    target = contract.custom("target")
    if target not in MAPPING_TARGETS or target not in targets:
        return [*problems, f"the custom property target is {target!r}; write one of {', '.join(MAPPING_TARGETS)}"]
    return [*problems, *_column_problems(contract, targets[target]), *_measure_problems(contract)]


def target_of(mapping: Contract, targets: Mapping[str, Contract]) -> Contract:
    """The contract of the table that the mapping fills. Raises ContractError where the mapping cannot be used."""
    problems = mapping_problems(mapping, targets)
    if problems:
        raise ContractError(f"{mapping.path}: {'; '.join(problems)}")
    return targets[mapping.custom("target")]


def measures_of(mapping: Contract) -> tuple[str, ...]:
    """Columns of the file that are readings, each a row of its own; empty where the file holds one reading per row."""
    return tuple(str(name) for name in mapping.custom("measures") or ())


def sources_of(column: Column) -> tuple[str, ...]:
    """Columns of the file that a mapped column is made from, in name order; none for a constant."""
    if column.expression:
        return tuple(sorted(set(pl.sql_expr(column.expression).meta.root_names())))
    return (column.source_name or column.name,)


def _column_problems(contract: Contract, target: Contract) -> list[str]:
    problems = []
    names = [column.name for column in contract.columns]
    foreign = sorted(set(names) - set(target.polars_schema))
    if foreign:
        problems.append(f"{target.table} has no column {', '.join(foreign)}; its columns are {', '.join(target.polars_schema)}")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        problems.append(f"the columns {', '.join(twice)} are mapped twice; keep one each")
    if any("_line" in sources_of(column) for column in contract.columns if not _expression_problem(column)):
        problems.append("_line is a name of ours; give the file's column another name")
    given = {*names, *(_MEASURED if measures_of(contract) else ())}
    if missing := [column.name for column in target.columns if column.required and column.name not in given]:
        problems.append(f"the required columns {', '.join(missing)} of {target.table} are not mapped; add a property for each")
    return [*problems, *(problem for column in contract.columns if (problem := _expression_problem(column)))]


def _expression_problem(column: Column) -> str | None:
    if not column.expression:
        return None
    try:
        pl.sql_expr(column.expression)
    except pl.exceptions.PolarsError as error:
        problem = f"the transformLogic of {column.name} is no SQL expression that Polars reads"
        return f"{problem} ({str(error).splitlines()[0]}); correct {column.expression!r}"
    return None


def _measure_problems(contract: Contract) -> list[str]:
    if not measures_of(contract):
        return []
    if contract.custom("target") != "tabular/readings":
        return ["measures are for tabular/readings only; remove them or change the target"]
    if mapped := sorted(_MEASURED & {column.name for column in contract.columns}):
        return [f"the columns {', '.join(mapped)} come from measures already; map them or name measures, not both"]
    return []
