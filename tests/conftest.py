"""Fixtures for all tests: a home of its own for each test, and a process that never asks another."""

import os
import pickle

import pytest
from filelock import FileLock

os.environ.setdefault("TZ", "UTC")
os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")


def pytest_collection_modifyitems(items):
    """Files with slow tests first, so that at the end no process waits long for another."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def _definitions_home(tmp_path_factory):
    """Where definitions prepare dbt's manifest, so that no test writes into the checkout."""
    os.environ["SERIALAKE_HOME"] = str(tmp_path_factory.mktemp("definitions"))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A prepared, empty home that SERIALAKE_HOME names during the test."""
    from pipelines.home import Home

    monkeypatch.setenv("SERIALAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home" / "dagster"))
    return Home.from_environment().prepare()


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """The home that dbt built an empty lake in, and the models in order; once for all processes of a run."""
    from tests.properties.compiled import compile_models

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "compiled"
    kept = folder / "models.pickle"
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "lock"):
        if not kept.exists():
            kept.write_bytes(pickle.dumps(compile_models(folder)))
    return pickle.loads(kept.read_bytes())
