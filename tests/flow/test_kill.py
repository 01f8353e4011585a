"""Kill -9 at random points of a nightly run: the run after it publishes what an uninterrupted run publishes.

Each point restores a retailer that was built the night before and has received another week, so that increments, a due
training and changed tables are hit. SERIALAKE_KILL_POINTS says at how many points (4; set 100 for the long proof).

Runs are forked from a process that has imported what a run imports, which halves what a point costs; what comes before the
first step, the imports among it, is killed in a process started from nothing.
"""

import os
import random
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from multiprocessing.context import ForkServerContext
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from pipelines.defs.resources import WAREHOUSE_POOL
from pipelines.home import Home
from pipelines.simulator import SimulationConfig, simulate, write
from tests.flow.night import Night, forks_for
from tests.flow.support import CLOCKS, assert_same_content, published_content

pytestmark = pytest.mark.slow

POINTS = int(os.environ.get("SERIALAKE_KILL_POINTS", "4"))
SEED = 20260302
# The smallest retailer whose demand is learned from on both nights: 28 days before and 28 after the first cut-off.
TINY = SimulationConfig(days=66, stores=3, articles=4, seed=5, scale=0.05)
SECOND_NIGHT = "20260429"
ONE_AFTER_ANOTHER = 4
ENDED = "ended"
START = "start"
"""What comes before the first step: imports, dbt's manifest, the look into landing/."""


@dataclass(frozen=True)
class TwoNights:
    """A retailer before its second night, and what that night publishes when nothing interrupts it."""

    home: Home
    before: Path
    forks: ForkServerContext
    published: dict[str, pl.DataFrame]
    left: set[str]
    stages: dict[str, float]

    def restore(self) -> None:
        """Everything as it was before the second night, at the same path: the published views name absolute paths."""
        shutil.rmtree(self.home.root)
        shutil.copytree(self.before, self.home.root, copy_function=_again)


def _again(source: str, target: str) -> None:
    """A delivered file or a table's file is linked, since nothing ever changes one; the rest is copied."""
    if "/landing/" in source or source.endswith(".parquet"):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def _must_run(home: Home, forks: ForkServerContext | None = None) -> None:
    night = Night(home, forks)
    assert night.wait() == 0, night.output.read_text()


def _steps(home: Home, known: set[str], event: str = "STEP_START") -> list[tuple[str, float]]:
    """Steps of the newest run in the order in which they began, or ended, with the moment; empty while there are none."""
    runs = [path for path in (home.dagster / "history" / "runs").glob("*-*.db") if path.name not in known]
    if not runs:
        return []
    try:
        with sqlite3.connect(f"file:{runs[0]}?mode=ro", uri=True) as events:
            begun = events.execute("select step_key, timestamp from event_logs where dagster_event_type = ? order by id", (event,))
            return [(step, datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()) for step, moment in begun]
    except sqlite3.OperationalError:
        return []


def _known_runs(home: Home) -> set[str]:
    return {path.name for path in (home.dagster / "history" / "runs").glob("*-*.db")}


def _names_left(home: Home) -> set[str]:
    """What lies in the home, but for the tables' own files and the log of each run."""
    folders = [home.root, home.models, *home.models.iterdir(), *(path for path in home.models.glob("*/*"))]
    return {path.relative_to(home.root).as_posix() for folder in folders for path in folder.iterdir()}


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory) -> TwoNights:
    folder = tmp_path_factory.mktemp("kill")
    home, before = Home(folder / "home"), folder / "before"
    world = simulate(TINY)
    write(world, folder / "delivered", folder / "truth")
    _deliver(folder / "delivered", home, lambda name: _day(name) < SECOND_NIGHT)
    _must_run(home)
    _deliver(folder / "delivered", home, lambda name: _day(name) >= SECOND_NIGHT)
    shutil.copytree(home.root, before)
    forks = forks_for(home)
    known, began = _known_runs(home), time.time()
    _must_run(home, forks)
    ended = time.time()
    starts = [(START, began), *_steps(home, known)]
    ends = [moment for _, moment in starts[1:]] + [ended]
    stages = {name: end - moment for (name, moment), end in zip(starts, ends, strict=True)}
    return TwoNights(home, before, forks, published_content(home, without=CLOCKS), _names_left(home), stages)


def _day(name: str) -> str:
    """The day in a file's name; master data has none and comes first."""
    return next((part[:8] for part in name.split("_") if part[:4] == "2026"), "")


def _deliver(source: Path, home: Home, is_due) -> None:
    for path in sorted(p for p in source.rglob("*") if p.is_file() and is_due(p.name)):
        target = home.landing / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


def _points(stages: dict[str, float]) -> Iterator[tuple[str, float]]:
    """Seeded points without end, as (stage, seconds after its start): every other one in the next stage, longest first, and the
    others anywhere in the run.

    A point is counted from the start of its stage, so that a busy machine does not shift it into another one.
    """
    draw = random.Random(SEED)
    longest = sorted(stages, key=stages.get, reverse=True)
    for stage in cycle(longest):
        yield stage, draw.uniform(0.0, 0.9) * stages[stage]
        yield _anywhere(stages, draw.uniform(0.0, sum(stages.values())))


def _anywhere(stages: dict[str, float], moment: float) -> tuple[str, float]:
    """The stage that so many seconds after the start of the run lie in, and how far."""
    for stage, seconds in stages.items():
        if moment < seconds:
            return stage, moment
        moment -= seconds
    return stage, seconds


def _kill_at(two_nights: TwoNights, stage: str, seconds: float, *, alone: bool) -> str:
    """Start a nightly run and kill it so long after the start of a stage, or as the stage ends. Returns where it was by then.

    A stage that is quicker than it was in the uninterrupted run is still hit, at its end.
    """
    home = two_nights.home
    known = _known_runs(home)
    night = Night(home, None if stage == START else two_nights.forks)
    while stage != START and not night.is_over and stage not in dict(_steps(home, known)):
        time.sleep(0.005)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not night.is_over and not _is_over(home, known, stage):
        time.sleep(0.005)
    if not night.is_over:
        night.kill(alone=alone)
    return (_steps(home, known) or [(START, 0.0)])[-1][0] if night.wait() == -signal.SIGKILL else ENDED


def _is_over(home: Home, known: set[str], stage: str) -> bool:
    return bool(_steps(home, known)) if stage == START else stage in dict(_steps(home, known, "STEP_SUCCESS"))


def _runs(home: Home) -> Counter:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home.dagster))
        with dg.DagsterInstance.get() as instance:
            slots = instance.event_log_storage.get_concurrency_info(WAREHOUSE_POOL)
            assert slots.active_slot_count == 0
            assert slots.pending_step_count == 0
            return Counter(run.status.value for run in instance.get_runs())


def _difference(two_nights: TwoNights) -> str | None:
    """What a run after a killed one has left otherwise than the uninterrupted run."""
    try:
        _must_run(two_nights.home, two_nights.forks)
        assert_same_content(published_content(two_nights.home, without=CLOCKS), two_nights.published)
    except AssertionError as difference:
        return str(difference)
    left = _names_left(two_nights.home) ^ two_nights.left
    return f"left behind, or missing: {sorted(left)}" if left else None


def test_a_killed_night_is_made_up_by_the_next_run_wherever_it_was_killed(two_nights):
    hits, differences = Counter(), []
    for number, (stage, seconds) in enumerate(islice(_points(two_nights.stages), 2 * POINTS)):
        two_nights.restore()
        hit = _kill_at(two_nights, stage, seconds, alone=number % 3 == 2)
        # Only in its last moments can a run end before it is killed; such a point is drawn again.
        if hit != ENDED:
            hits[hit] += 1
            difference = _difference(two_nights)
            differences += [(stage, seconds, difference)] if difference else []
            print(f"{hits.total()}: {seconds:.1f} s into {stage}, hit {hit}: {difference or 'the same'}", flush=True)
        if hits.total() == POINTS:
            break
    assert hits.total() == POINTS, hits
    assert differences == []


def test_nights_killed_one_after_another_leave_nothing_behind(two_nights):
    two_nights.restore()
    longest = sorted(two_nights.stages, key=two_nights.stages.get)[-ONE_AFTER_ANOTHER:]
    # In the order of the run, so that each night gets further than the one before.
    hits = [_kill_at(two_nights, stage, seconds / 2, alone=False) for stage, seconds in two_nights.stages.items() if stage in longest]
    assert _difference(two_nights) is None
    runs = _runs(two_nights.home)
    # Every run has an end: none is left as if it were still going on.
    assert set(runs) == {"SUCCESS", "FAILURE"}
    # The first night's; the last one's, unless the run before was killed with its work done; and those that ended before they were killed.
    assert 1 <= runs["SUCCESS"] <= 2 + hits.count(ENDED)
