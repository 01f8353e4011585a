"""Condition: the SQL condition of a recall, judged by its syntax tree before any of it is run.

What a condition may hold belongs here: columns of recallable units, constants, comparisons and a few functions on texts and dates.
Subqueries, other tables, settings and files are refused by name. The columns stand in columns.py, the rules in RECALL.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipelines.recall.columns import UNIT_COLUMNS
from pipelines.warehouse import QueryError, syntax_of

__all__ = ["FUNCTIONS", "RecallError", "columns_named"]

FUNCTIONS = (
    "abs", "coalesce", "concat", "contains", "date_part", "date_trunc", "ends_with", "left", "length", "lower", "lpad", "ltrim", "month",
    "regexp_full_match", "regexp_matches", "right", "rtrim", "starts_with", "strftime", "substr", "substring", "trim", "upper", "week",
    "year",
)  # fmt: skip
"""Functions that a condition may call, besides operators, LIKE, IN, BETWEEN, CASE and CAST."""

_SPELLED = {"prefix": "starts_with", "suffix": "ends_with", "len": "length"}
"""Names that DuckDB's parser puts for others."""
_OPERATORS = {*"+-*/%", "||", "~~", "!~~", "~~*", "!~~*", "like_escape", "ilike_escape", "not_like_escape", "not_ilike_escape"}
_CLASSES = {"COMPARISON", "CONJUNCTION", "OPERATOR", "CONSTANT", "COLUMN_REF", "FUNCTION", "CAST", "BETWEEN", "CASE"}
_PLAIN = {
    "modifiers": [], "group_expressions": [], "group_sets": [], "aggregate_handling": "STANDARD_HANDLING", "having": None, "sample": None,
    "qualify": None,
}  # fmt: skip
_LONGEST = 1_000_000
_EXAMPLE = "article_id = '400502' and serial_number between 'VX6120000063' and 'VX6120000167'"


class RecallError(ValueError):
    """A recall that cannot be made; the message says what is wrong, and what to do."""


def columns_named(condition: str) -> frozenset[str]:
    """Columns that the condition speaks of. Raises RecallError for anything but one condition on columns of recallable units."""
    if not condition.strip() or len(condition) > _LONGEST:
        raise RecallError(f"The condition is empty, or longer than {_LONGEST:,} characters; write one such as {_EXAMPLE}")
    try:
        tree = syntax_of(f"select 1 from units where {condition}")  # noqa: S608 - parsed, not run
    except QueryError as error:
        raise RecallError(f"The condition is no SQL: {str(error).splitlines()[0]}. One looks so: {_EXAMPLE}") from error
    is_plain = tree.get("type") == "SELECT_NODE" and all(tree.get(key) == value for key, value in _PLAIN.items())
    if not is_plain or tree["cte_map"]["map"] or not tree.get("where_clause"):
        raise RecallError(f"The condition is more than a condition: leave out what follows it. One looks so: {_EXAMPLE}")
    return frozenset(name for node in _nodes(tree["where_clause"]) if (name := _judged(node)))


def _nodes(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every expression of a tree; the first that is refused ends it, so that nobody asks what it holds."""
    waiting: list[Any] = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            if "class" in part:
                yield part
            if part.get("class") != "CONSTANT":
                waiting += [inner for key, inner in part.items() if key != "cast_type"]


def _judged(node: dict[str, Any]) -> str | None:
    """Name of the column where the expression is one. Raises RecallError for what a condition may not hold."""
    kind = node["class"]
    if kind not in _CLASSES:
        told = {"SUBQUERY": "a subquery", "PARAMETER": "a parameter", "WINDOW": "a window function", "STAR": "a star", "LAMBDA": "a lambda"}
        raise RecallError(f"A condition cannot hold {told.get(kind, kind.lower())}; it speaks of one unit and its columns: {_columns()}")
    if kind == "FUNCTION":
        name = node["function_name"].lower()
        if _SPELLED.get(name, name) not in FUNCTIONS and name not in _OPERATORS:
            raise RecallError(f"A condition cannot call {name}; there is {', '.join(FUNCTIONS)}")
    if kind != "COLUMN_REF":
        return None
    name = node["column_names"][-1].lower()
    if name not in UNIT_COLUMNS or node["column_names"][:-1] not in ([], ["units"]):
        raise RecallError(f"There is no column {'.'.join(node['column_names'])}; text stands in single quotes, and there is {_columns()}")
    return name


def _columns() -> str:
    return ", ".join(UNIT_COLUMNS)
