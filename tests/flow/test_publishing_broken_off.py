"""A publish that breaks off: the old file serves, and nothing of the new one is left behind."""

import resource
import subprocess
import sys

from pipelines.warehouse import query

PUBLISHING = """
import sys
from datetime import datetime
from pathlib import Path

from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.contracts import published_contracts
from pipelines.views import View
from pipelines.warehouse import build_published_file

views = [View(contract, []) for contract in published_contracts().values()]
build_published_file(Path(sys.argv[1]), views, {"published_at": datetime(2026, 1, 1), "home": sys.argv[2]})
"""


def _publish_within(path, label, limit):
    def allow():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-c", PUBLISHING, str(path), label]
    return subprocess.run(command, preexec_fn=allow, capture_output=True, text=True, check=False)


def test_when_the_disk_is_full_the_old_file_serves_and_nothing_is_left_behind(tmp_path):
    """A limit on the size of files stands for the full disk: the write fails inside DuckDB just so."""
    published = tmp_path / "serialake.duckdb"
    assert _publish_within(published, "old", resource.RLIM_INFINITY).returncode == 0
    for _ in range(2):
        assert _publish_within(published, "new", 64 * 1024).returncode != 0
        assert query(published, "select home from publication").item() == "old"
        assert [path.name for path in tmp_path.iterdir()] == ["serialake.duckdb"]
    assert _publish_within(published, "new", resource.RLIM_INFINITY).returncode == 0
    assert query(published, "select home from publication").item() == "new"


def test_what_killed_publishes_left_behind_is_removed_by_the_next(tmp_path):
    published = tmp_path / "serialake.duckdb"
    for name in (".serialake.duckdb.new", ".serialake.duckdb.new.wal", ".serialake.duckdb.4711.new"):
        (tmp_path / name).write_bytes(b"unfinished")
    assert _publish_within(published, "new", resource.RLIM_INFINITY).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["serialake.duckdb"]
