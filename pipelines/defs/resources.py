"""Resources: the lakehouse that assets work on.

Nothing is opened when definitions load; assets ask for what they need. Tests pass a resource with a folder of their own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.processes import end_left_behind

RETRIES = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL)
"""Two more tries: enough for a file that vanished under the reader, too few to hide what is broken."""

WAREHOUSE_POOL = "warehouse"
"""DuckDB has one writer. The writer's lock enforces it, and unlike a slot it is freed when its holder is killed."""


class Lakehouse(dg.ConfigurableResource):
    """One installation; an empty root means SERIALAKE_HOME, or ./lakehouse."""

    root: str = ""

    def home(self) -> Home:
        """Paths of the installation, prepared."""
        home = Home(Path(self.root).resolve()) if self.root else Home.from_environment()
        return home.prepare()

    def lake(self) -> Lake:
        """Delta tables of the installation."""
        return Lake(self.home().lake)

    def now(self) -> datetime:
        """The clock: UTC, without a zone."""
        return datetime.now(UTC).replace(tzinfo=None)

    @contextmanager
    def ingesting(self) -> Iterator[Home]:
        """The installation, with nobody else taking files in."""
        home = self.home()
        with home.ingest_lock():
            yield home

    @contextmanager
    def writing(self) -> Iterator[Home]:
        """The installation, with the writer's lock held, and nothing running that a killed holder of the lock had started."""
        home = self.home()
        with home.writer_lock():
            end_left_behind(home.builder_note)
            yield home


@dg.definitions
def resources() -> dg.Definitions:
    """Resources by the names assets use."""
    return dg.Definitions(resources={"lakehouse": Lakehouse()})
