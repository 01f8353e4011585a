"""Fixtures of whole flows: real files, a real Dagster instance, real Delta tables, a real dbt build."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from pipelines.home import Home
from pipelines.runs import RunOutcome, run_nightly
from pipelines.simulator import SimulationConfig, simulate, write
from pipelines.warehouse import query

SMALL = SimulationConfig(days=100, stores=4, articles=9, seed=11, scale=0.5)


@dataclass(frozen=True)
class BuiltWorld:
    """A simulated retailer after one nightly run, with the truth about it."""

    home: Home
    outcome: RunOutcome
    truth: dict[str, pl.DataFrame]

    def query(self, sql: str, *parameters: object) -> pl.DataFrame:
        """Result of a query on the published file."""
        return query(self.home.published, sql, parameters)


def prepared(root: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home that this process, and those it starts, work in."""
    monkeypatch.setenv("SERIALAKE_HOME", str(root))
    monkeypatch.setenv("DAGSTER_HOME", str(root / "dagster"))
    return Home(root).prepare()


def must_run(home: Home) -> RunOutcome:
    """One nightly run that has to succeed."""
    outcome = run_nightly(home)
    assert outcome.succeeded, outcome.errors
    return outcome


@pytest.fixture(scope="session")
def small_world():
    """The small simulated retailer, not yet written."""
    return simulate(SMALL)


@pytest.fixture(scope="session")
def built_world(tmp_path_factory, small_world) -> BuiltWorld:
    """The small retailer, delivered and built once for all tests; no test changes it."""
    with pytest.MonkeyPatch.context() as patch:
        home = prepared(tmp_path_factory.mktemp("world") / "home", patch)
        write(small_world, home.landing, home.truth)
        outcome = must_run(home)
    return BuiltWorld(home, outcome, small_world.truth)
