"""A nightly run in a process of its own, to be killed: started from nothing, or forked from one that has imported all it needs."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from multiprocessing.context import ForkServerContext

import pytest

from pipelines.home import Home


def run_night(environment: dict[str, str], output: str) -> None:
    """The command `serialake run`, in a forked process that leads a group of its own, with its output in a file."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    from pipelines.cli import app

    app(["run"])


def environment_of(home: Home) -> dict[str, str]:
    """What a run in this home finds in its environment."""
    return {**os.environ, "SERIALAKE_HOME": str(home.root), "DAGSTER_HOME": str(home.dagster)}


def forks_for(home: Home) -> ForkServerContext:
    """Where runs in this home are forked from; it has to be prepared."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tests.flow.preloaded"])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment_of(home).items():
            patch.setenv(name, value)
        first = forks.Process(target=time.sleep, args=(0,))
        first.start()
        first.join()
    return forks


class Night:
    """A nightly run, and all that it starts, in one group of processes."""

    def __init__(self, home: Home, forks: ForkServerContext | None = None) -> None:
        """Begin the run; forked where there is something to fork from."""
        self.output = home.root / "test_output"
        if forks is None:
            command = [sys.executable, "-m", "pipelines.cli", "run"]
            with self.output.open("wb") as output:
                process = subprocess.Popen(
                    command, env=environment_of(home), start_new_session=True, stdout=output, stderr=subprocess.STDOUT
                )
            self._code = process.poll
        else:
            process = forks.Process(target=run_night, args=(environment_of(home), str(self.output)))
            process.start()
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
