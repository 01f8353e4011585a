"""Fixtures of whole flows: real files, a real Dagster instance, real Delta tables, a real dbt build."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from filelock import FileLock

from pipelines.home import Home
from pipelines.runs import RunOutcome, run_job
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


def must_run(home: Home, job: str = "nightly") -> RunOutcome:
    """One run that has to succeed."""
    outcome = run_job(home, job)
    assert outcome.succeeded, outcome.errors
    return outcome


@pytest.fixture(scope="session")
def small_world():
    """The small simulated retailer, not yet written."""
    return simulate(SMALL)


@pytest.fixture(scope="session")
def built_world(tmp_path_factory, small_world) -> BuiltWorld:
    """The small retailer, delivered and built once for all tests and all of their processes; no test changes it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "built_world"
    kept = folder / "outcome.pickle"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch, FileLock(folder / "lock"):
        home = Home(folder / "home")
        if not kept.exists():
            home = prepared(home.root, patch)
            write(small_world, home.landing, home.truth)
            kept.write_bytes(pickle.dumps(must_run(home)))
    return BuiltWorld(home, pickle.loads(kept.read_bytes()), small_world.truth)
