"""dbt's own unit tests, on an empty warehouse built by dbt."""

import os
import subprocess
import sys
from pathlib import Path

from pipelines.contracts import source_contracts
from pipelines.home import project_root
from pipelines.ingest import ensure_tables
from pipelines.lake import Lake
from pipelines.warehouse import install_delta_extension, query


def test_an_empty_lake_builds_empty_marts_and_every_unit_test_passes(home):
    install_delta_extension()
    ensure_tables(Lake(home.lake), source_contracts())
    target = str(home.root / "dbt_target")
    command = [str(Path(sys.executable).with_name("dbt")), "build", "--profiles-dir", ".", "--target-path", target, "--log-path", target]
    built = subprocess.run(command, cwd=project_root() / "dbt_project", env=os.environ, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout[-4000:]
    assert "unit tests" in built.stdout
    assert query(home.warehouse, "select count(*) from marts.serials").item() == 0
