"""Rules: what one contract demands, each as a name, a severity and an SQL condition of the rows that break it.

Deriving rules from ODCS belongs here; judging rows by them does not (pipelines/checks/expectations.py). The keys of a contract
that become rules are listed in data_contracts/README.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.contracts import Contract, ContractError

__all__ = ["BATCH", "ERROR", "WARNING", "Rule", "rules_of"]

ERROR, WARNING = "error", "warning"
BATCH = "{batch}"
"""Stands for the table of rows in a rule's SQL, as Great Expectations has it."""


@dataclass(frozen=True)
class Rule:
    """One demand. `kind` and `arguments` make the expectation; `broken_rows` selects what breaks it; `remedy` says what to do."""

    name: str
    column: str | None
    kind: str
    severity: str
    expected: str
    remedy: str
    broken_rows: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


def rules_of(contract: Contract) -> list[Rule]:
    """All rules of a contract: column by column, then those of the table. Raises ContractError for a rule nobody can judge."""
    schema = contract.document.schema_[0]
    found = [rule for p in schema.properties or [] for rule in _column_rules(contract, p)]
    found += [_quality_rule(contract, None, quality) for quality in schema.quality or []]
    names = [rule.name for rule in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ContractError(f"{contract.path}: two rules are named {', '.join(twice)}; give one of them another name")
    return found


def _column_rules(contract: Contract, p: Any) -> Iterator[Rule]:
    column = f'"{p.name}"'
    if p.required:
        yield Rule(f"{p.name}_is_given", p.name, "not_null", ERROR, "a value", "deliver the value", _where(f"{column} is null"))
    longest = (p.logicalTypeOptions or {}).get("maxLength")
    if longest:
        yield Rule(
            f"{p.name}_is_short_enough", p.name, "max_length", ERROR, f"at most {longest} characters", "deliver what the field can hold",
            _where(f"length({column}) > {int(longest)}"), {"max_value": int(longest)},
        )  # fmt: skip
    for quality in p.quality or []:
        yield _quality_rule(contract, p.name, quality)


def _quality_rule(contract: Contract, column: str | None, quality: Any) -> Rule:
    severity = quality.severity or WARNING
    if severity not in {ERROR, WARNING}:
        raise ContractError(f"{contract.path}: severity {severity} of a rule on {column or 'the table'}; use {ERROR} or {WARNING}")
    given, told = quality.arguments or {}, (severity, quality.description or "")
    if quality.metric == "invalidValues" and column and "validValues" in given:
        return _in_set(column, [str(value) for value in given["validValues"]], *told)
    if quality.metric == "invalidValues" and column and "pattern" in given:
        return _pattern(column, given["pattern"], *told)
    if quality.metric == "duplicateValues" and given.get("properties"):
        return _unique(given["properties"], *told)
    if quality.engine == "greatExpectations" and quality.name and BATCH in str(quality.implementation):
        return Rule(quality.name, column, "rows", severity, "no such row", told[1], str(quality.implementation))
    raise ContractError(
        f"{contract.path}: a rule on {column or 'the table'} that nobody can judge; use metric invalidValues (validValues or"
        " pattern), duplicateValues (properties), or engine greatExpectations with a name and a query on {batch}"
    )


def _in_set(column: str, allowed: list[str], severity: str, remedy: str) -> Rule:
    listed = ", ".join(_text(value) for value in allowed)
    expected = "one of " + ", ".join(value or "blank" for value in allowed)
    broken = _where(f'"{column}" not in ({listed})')
    return Rule(f"{column}_is_a_known_code", column, "in_set", severity, expected, remedy, broken, {"value_set": allowed})


def _pattern(column: str, pattern: str, severity: str, remedy: str) -> Rule:
    broken = _where(f"""not regexp_full_match("{column}", {_text(pattern)})""")
    return Rule(f"{column}_has_its_form", column, "rows", severity, f"like {pattern}", remedy, broken)


def _unique(columns: list[str], severity: str, remedy: str) -> Rule:
    keys = ", ".join(f'"{name}"' for name in columns)
    # One load may repeat what another brought; within a load a key stands once.
    broken = f"select * from {BATCH} qualify count(*) over (partition by _load_id, {keys}) > 1"
    return Rule(
        "key_is_unique_in_its_load",
        None,
        "unique",
        severity,
        f"one row per {', '.join(columns)}",
        remedy,
        broken,
        {"column_list": ["_load_id", *columns]},
    )


def _where(condition: str) -> str:
    return f"select * from {BATCH} where {condition}"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
