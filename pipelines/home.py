"""Home: where everything of one installation lies, below SERIALAKE_HOME.

Paths, locks and the writing of notes belong here. What is stored under them does not.
The folders are explained in README.md, section "What lies where"; the locks in pipelines/intraday/INTRADAY.md.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

__all__ = ["HOME_VARIABLE", "Home", "product_commit", "project_root", "write_note"]

HOME_VARIABLE = "SERIALAKE_HOME"


_SETTINGS_BEFORE = "telemetry:\n  enabled: false\n"
# A run that the sensor asks for waits for the queue to be looked at: by default, up to five seconds.
_SETTINGS = f"""{_SETTINGS_BEFORE}run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config:
    dequeue_interval_seconds: 1
"""


def project_root() -> Path:
    """Folder of this checkout: the parent of `pipelines`."""
    return Path(__file__).resolve().parent.parent


def product_commit() -> str | None:
    """The commit that this checkout stands at; None where the product does not run from a checkout."""
    git = project_root() / ".git"
    if git.is_file():
        git = (git.parent / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()).resolve()
    head = git / "HEAD"
    if not head.exists():
        return None
    text = head.read_text(encoding="utf-8").strip()
    if not text.startswith("ref: "):
        return text
    name = text.removeprefix("ref: ")
    shared = git / (git / "commondir").read_text(encoding="utf-8").strip() if (git / "commondir").exists() else git
    if (shared / name).exists():
        return (shared / name).read_text(encoding="utf-8").strip()
    packed = (shared / "packed-refs").read_text(encoding="utf-8") if (shared / "packed-refs").exists() else ""
    return next((line.split(" ")[0] for line in packed.splitlines() if line.endswith(f" {name}")), None)


def write_note(path: Path, text: str) -> None:
    """Write a small file whole or not at all, whenever this process ends."""
    writing = path.with_name(f"{path.name}.writing")
    writing.write_text(text, encoding="utf-8")
    writing.replace(path)


@dataclass(frozen=True)
class Home:
    """Paths of one installation; nothing is created until `prepare`."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        """The home that SERIALAKE_HOME names, or ./lakehouse."""
        return cls(Path(os.environ.get(HOME_VARIABLE, "lakehouse")).resolve())

    @property
    def landing(self) -> Path:
        """Files exactly as systems deliver them."""
        return self.root / "landing"

    @property
    def contracts(self) -> Path:
        """The user's mapping contracts for the tabular on-ramp, and the extract settings of SAP systems."""
        return self.root / "contracts"

    @property
    def layouts(self) -> Path:
        """The user's layouts of IDoc segments: parser reports of SAP."""
        return self.root / "layouts"

    @property
    def lake(self) -> Path:
        """Delta tables: bronze, quarantine, manifest, gold."""
        return self.root / "lake"

    @property
    def acknowledgements(self) -> Path:
        """What senders of IDocs are told, one file per load."""
        return self.root / "outbox" / "acks"

    @property
    def rejected(self) -> Path:
        """Refused rows of CSV files and workbooks, for their senders to correct, one file per load."""
        return self.root / "outbox" / "rejected"

    @property
    def warehouse(self) -> Path:
        """dbt's working database; disposable."""
        return self.root / "warehouse.duckdb"

    @property
    def builder_note(self) -> Path:
        """Names the dbt process at work; it outlives a run that is killed alone."""
        return self.root / ".warehouse_builder"

    @property
    def run_note(self) -> Path:
        """Names the process of the run that goes on; where none does, it is left by one that was killed."""
        return self.root / ".run"

    @property
    def build_note(self) -> Path:
        """What the warehouse was last built from: version of the manifest, version of the models."""
        return self.root / ".warehouse_built.json"

    @property
    def taken_note(self) -> Path:
        """The cut of the lake after the night's last look into landing/: what its contract checks judge."""
        return self.root / ".taken.json"

    @property
    def cut_note(self) -> Path:
        """The cut of the lake after the last file was taken in, by whatever run."""
        return self.root / ".cut.json"

    @property
    def passed_note(self) -> Path:
        """The cut of the lake that no contract holds back: what a build sees."""
        return self.root / ".passed.json"

    @property
    def moment_note(self) -> Path:
        """The newest moment of ingestion that was ever given to a row."""
        return self.root / ".last_moment"

    @property
    def ledger_sql(self) -> Path:
        """The ledger's SQL as the last whole build ran it."""
        return self.root / ".ledger_sql.json"

    @property
    def published(self) -> Path:
        """The file that analysts open."""
        return self.root / "serialake.duckdb"

    @property
    def dagster(self) -> Path:
        """Dagster's instance: runs, events, schedules."""
        return self.root / "dagster"

    @property
    def models(self) -> Path:
        """Fitted models and their cards."""
        return self.root / "models"

    @property
    def truth(self) -> Path:
        """Planted faults of simulated data; no pipeline reads it."""
        return self.root / "truth"

    def prepare(self) -> Home:
        """Create the folders and point this process, and those it starts, at them. Returns itself."""
        for folder in (self.landing, self.contracts, self.layouts, self.lake, self.dagster, self.root / "outbox", self.models):
            folder.mkdir(parents=True, exist_ok=True)
        settings = self.dagster / "dagster.yaml"
        if not settings.exists() or settings.read_text(encoding="utf-8") == _SETTINGS_BEFORE:
            write_note(settings, _SETTINGS)
        os.environ[HOME_VARIABLE] = str(self.root)
        os.environ["DAGSTER_HOME"] = str(self.dagster)
        return self

    # A lock is freed by the operating system when its holder dies. Who needs several takes them in this order.

    def writer_lock(self, *, timeout: float = 3600) -> FileLock:
        """Lock of the one writer of the warehouse, of gold marts and of outbox/: held for a whole dbt build."""
        return FileLock(self.root / ".writer.lock", timeout=timeout)

    def ingest_lock(self, *, timeout: float = 3600) -> FileLock:
        """Lock of the one writer of bronze, manifest, quarantine and decisions: held while files are taken in."""
        return FileLock(self.root / ".ingest.lock", timeout=timeout)

    def publish_lock(self, *, timeout: float = 3600) -> FileLock:
        """Lock of the one who brings what is live up to date and swaps the published file: held for seconds."""
        return FileLock(self.root / ".publish.lock", timeout=timeout)

    def intraday_lock(self, *, timeout: float = 0) -> FileLock:
        """Lock of the one intraday run: a second would have nothing to do."""
        return FileLock(self.root / ".intraday.lock", timeout=timeout)
