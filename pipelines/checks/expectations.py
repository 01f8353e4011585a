"""Expectations: rules become a Great Expectations suite, judged on a table of rows in DuckDB.

Nothing else imports great_expectations or SQLAlchemy. Which rows are judged, and what a red verdict means, is not decided here.
Rows stay in DuckDB: Great Expectations counts there, and the rows that break a rule are fetched by key.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import uuid4

import polars as pl

from pipelines.checks.rules import BATCH, ERROR, Rule

__all__ = ["Verdict", "hold_rows", "judge", "judging", "query_frame", "rows_to_judge"]

_TABLE = "delivered_rows"
SHOWN_ROWS = 20
"""Broken rows named for each rule; the count is of all."""


@dataclass(frozen=True)
class Verdict:
    """What one rule said: rows judged and broken, the first of these by key, and all files they came from."""

    rule: Rule
    rows_checked: int
    rows_broken: int
    broken: Sequence[dict[str, Any]] = ()
    files: Sequence[str] = ()
    observed: str = ""

    @property
    def passed(self) -> bool:
        """Whether no row breaks the rule."""
        return self.rows_broken == 0

    @property
    def is_red(self) -> bool:
        """Whether the rule blocks what depends on the table."""
        return not self.passed and self.rule.severity == ERROR

    @property
    def broken_json(self) -> str:
        """The first broken rows as JSON."""
        return json.dumps(list(self.broken), default=str, ensure_ascii=False)


@contextmanager
def judging() -> Iterator[str]:
    """A database in memory in which rows are judged, of one table at a time. Yields its name.

    It lives while one connection to it is open. Great Expectations closes those that it is given; this one stays, and with
    it the rows, and the extension that takes a third of a second to load.
    """
    database = f":memory:{uuid4().hex}"
    with _connection(database):
        yield database


def hold_rows(database: str, source: pl.DataFrame | str) -> None:
    """Let the database hold the rows of a frame, or those that a query on Delta tables gives, in place of the last ones."""
    with _connection(database) as raw:
        if isinstance(source, str):
            raw.execute("load delta")
            raw.execute(f"create or replace table {_TABLE} as {source}")
        else:
            raw.register("frame", source.to_arrow())
            raw.execute(f"create or replace table {_TABLE} as select * from frame")


@contextmanager
def rows_to_judge(source: pl.DataFrame | str) -> Iterator[str]:
    """A database that holds the rows of one table, as `hold_rows` takes them."""
    with judging() as database:
        hold_rows(database, source)
        yield database


def query_frame(database: str, sql: str) -> pl.DataFrame:
    """Result of a query on Delta tables, by the same database."""
    with _connection(database) as raw:
        return raw.execute(sql).pl()


def judge(database: str, rules: Sequence[Rule], key: Sequence[str]) -> list[Verdict]:
    """Verdict of every rule on the rows that the database holds, in the rules' order. `key` names the columns that tell rows apart."""
    broken = _broken_counts(database, rules) if _any_is_broken(database, rules) else [0] * len(rules)
    with _connection(database) as raw:
        rows = raw.execute(f"select count(*) from {_TABLE}").fetchone()[0]
        return [_verdict(raw, rule, rows, count, key) for rule, count in zip(rules, broken, strict=True)]


def _engine(database: str) -> Any:
    from sqlalchemy import create_engine  # noqa: PLC0415 - only checks pay for it
    from sqlalchemy.pool import StaticPool  # noqa: PLC0415 - see above

    return create_engine(f"duckdb:///{database}", poolclass=StaticPool)


@contextmanager
def _connection(database: str) -> Iterator[Any]:
    """DuckDB's own connection to the database."""
    engine = _engine(database)
    with engine.connect() as connection:
        yield connection.connection.driver_connection
    engine.dispose()


@cache
def _context() -> Any:
    """Great Expectations without a project folder, without analytics and without progress bars."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    from great_expectations import get_context  # noqa: PLC0415 - three seconds that only a run with new rows pays

    context = get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return context


def _broken_counts(database: str, rules: Sequence[Rule]) -> list[int]:
    """Rows that break each rule, counted by Great Expectations in few queries over the table."""
    context = _context()
    from great_expectations.core.batch import Batch  # noqa: PLC0415 - see above
    from great_expectations.execution_engine import SqlAlchemyExecutionEngine  # noqa: PLC0415 - see above
    from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData  # noqa: PLC0415 - see above
    from great_expectations.validator.validator import Validator  # noqa: PLC0415 - see above

    class KeptConnection(SqlAlchemyExecutionEngine):
        """Keeps one connection: for DuckDB the library would close it before it fetches."""

        @contextmanager
        def get_connection(self):
            if self._connection is None:
                self._connection = self.engine.connect()
            yield self._connection

    execution = KeptConnection(engine=_engine(database))
    batch = Batch(data=SqlAlchemyBatchData(execution_engine=execution, table_name=_TABLE))
    validator = Validator(execution_engine=execution, batches=[batch], data_context=context)
    suite = [_expectation(rule).configuration for rule in rules]
    results = validator.graph_validate(configurations=suite, runtime_configuration={"result_format": {"result_format": "BASIC"}})
    by_name = {result.expectation_config.meta["rule"]: result for result in results}
    return [_count(rule, by_name[rule.name]) for rule in rules]


def _any_is_broken(database: str, rules: Sequence[Rule]) -> bool:
    """Whether any row breaks any rule: one expectation, which is most often all that a table needs.

    Each expectation costs the library some 25 ms of its own, whatever the rows: 17 s for the 673 rules of all sources.
    """
    broken = " union all ".join(f"select 1 from ({rule.broken_rows})" for rule in rules)
    every = Rule("no_row_breaks_a_rule", None, "rows", ERROR, "no such row", "", f"select 1 from ({broken}) limit 1")
    try:
        return bool(rules) and _broken_counts(database, [every])[0] > 0
    except RuntimeError:
        return True  # one of them cannot be judged; judging each by itself tells which


def _expectation(rule: Rule) -> Any:
    import great_expectations.expectations as gxe  # noqa: PLC0415 - see above

    meta = {"rule": rule.name}
    of_columns = {
        "not_null": gxe.ExpectColumnValuesToNotBeNull,
        "max_length": gxe.ExpectColumnValueLengthsToBeBetween,
        "in_set": gxe.ExpectColumnValuesToBeInSet,
    }
    if rule.kind in of_columns:
        return of_columns[rule.kind](column=rule.column, meta=meta, **rule.arguments)
    if rule.kind == "unique":
        return gxe.ExpectCompoundColumnsToBeUnique(ignore_row_if="never", meta=meta, **rule.arguments)
    # The library reads the query as a format: braces of a pattern are doubled, that of the table is not.
    query = rule.broken_rows.replace("{", "{{").replace("}", "}}").replace("{" + BATCH + "}", BATCH)
    return gxe.UnexpectedRowsExpectation(unexpected_rows_query=query, meta=meta)


def _count(rule: Rule, result: Any) -> int:
    """Broken rows of a result. A rule that could not be judged must not pass for a good one."""
    info = result.exception_info
    # The library tells of an exception in one dictionary, or in one for each metric.
    raised = [each for each in (info, *info.values()) if isinstance(each, dict) and each.get("raised_exception")]
    if raised:
        raise RuntimeError(f"rule {rule.name} cannot be judged: {raised[0].get('exception_message')}")
    return int(result.result.get("unexpected_count", result.result.get("observed_value")) or 0)


def _verdict(raw: Any, rule: Rule, rows: int, count: int, key: Sequence[str]) -> Verdict:
    if not count:
        return Verdict(rule, rows, 0)
    query = rule.broken_rows.replace(BATCH, _TABLE)
    shown = ", ".join(f'"{name}"' for name in [*key, "_file", "_line"])
    first = raw.execute(f"select {shown} from ({query}) order by all limit {SHOWN_ROWS}").to_arrow_table()
    files = raw.execute(f"select distinct _file from ({query}) order by all").fetchall()
    named = pl.DataFrame(first).rename({"_file": "file", "_line": "line"})
    return Verdict(rule, rows, count, named.to_dicts(), [file for (file,) in files])
