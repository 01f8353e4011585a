"""Fixtures for all tests: a home of its own for each test, and a process that never asks another."""

import os

import pytest

os.environ.setdefault("TZ", "UTC")
os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")


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
