"""Commands of `serialake` in processes of their own, forked from one that has imported all they need: ten seconds saved each.

The forking process reads tests/flow/preloaded.py and does nothing else, since neither polars nor DuckDB nor Delta may be used
before a fork. That a command runs from nothing as well is in test_commands.py.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from pipelines.home import Home


@cache
def _forks() -> ForkServerContext:
    """Where commands are forked from. Its width of the screen is fixed as it starts."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tests.flow.preloaded"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        patch.setenv("NO_COLOR", "1")
        first = forks.Process(target=time.sleep, args=(0,))
        first.start()
        first.join()
    return forks


def _environment(home: Home) -> dict[str, str]:
    return {**os.environ, "SERIALAKE_HOME": str(home.root), "DAGSTER_HOME": str(home.dagster), "COLUMNS": "200", "NO_COLOR": "1"}


def _command(arguments: tuple[str, ...], environment: dict[str, str], output: str, errors: str) -> None:
    """The command, in a forked process that leads a group of its own, with its output in files."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    for number, name in ((1, output), (2, errors)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    from pipelines.cli import app

    app(list(arguments))


def _forked(home: Home, arguments: tuple[str, ...], output: Path, errors: Path) -> BaseProcess:
    process = _forks().Process(target=_command, args=(arguments, _environment(home), str(output), str(errors)))
    process.start()
    return process


def serialake(home: Home, *arguments: str) -> subprocess.CompletedProcess:
    """A command's exit code, output and errors, after it has ended."""
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder, "output"), Path(folder, "errors")
        process = _forked(home, arguments, output, errors)
        process.join()
        return subprocess.CompletedProcess(arguments, process.exitcode, output.read_text(), errors.read_text())


class Night:
    """A nightly run, and all that it starts, in one group of processes."""

    def __init__(self, home: Home, *, from_nothing: bool = False) -> None:
        """Begin the run, forked or in a process `from_nothing`."""
        self.output = home.root / "test_output"
        self.output.unlink(missing_ok=True)
        if from_nothing:
            command = [sys.executable, "-m", "pipelines.cli", "run"]
            with self.output.open("wb") as output:
                process = subprocess.Popen(command, env=_environment(home), start_new_session=True, stdout=output, stderr=output)
            self._code = process.poll
        else:
            process = _forked(home, ("run",), self.output, self.output)
            self._code = lambda: process.exitcode
        self.pid = process.pid

    @property
    def is_over(self) -> bool:
        """Whether the run's process has ended, in whatever way."""
        return self._code() is not None

    def kill(self, *, alone: bool) -> None:
        """Kill it with all that it started, or `alone`, as a machine short of memory does: dbt is left without its parent."""
        try:
            (os.kill if alone else os.killpg)(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            # Forked a moment ago, it does not lead its group yet.
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """How the process ended: 0, or the number of what killed it, negative."""
        while not self.is_over:
            time.sleep(0.02)
        return self._code()
