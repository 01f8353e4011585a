"""Warehouse: the dbt project as assets.

Keys are dbt's own, [schema, model]; groups, owners and texts come from the dbt project. What the models mean is written there.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets
from packaging.version import Version

from pipelines.compiled import note_models
from pipelines.cut import Cut, newest_cut, noted_cut
from pipelines.defs.resources import WAREHOUSE_POOL, Lakehouse
from pipelines.home import Home, project_root
from pipelines.processes import note_child
from pipelines.progress import report
from pipelines.publish import built_from, model_version, note_build
from pipelines.warehouse import install_delta_extension, row_counts

DBT_FOLDER = project_root() / "dbt_project"
DBT_EXECUTABLE = str(Path(sys.executable).with_name("dbt"))
"""dbt beside this Python: nobody need activate a virtual environment."""
_QUICK = ("--log-level-file", "info")
"""At its default, dbt writes every statement to a file, an eighth of a build's time; what it ran lies in target/run as well."""


class QuickDbt(DbtCliResource):
    """dbt without what dagster-dbt starts for each call: a handle to its adapter (3 s), and a process that tells dbt's version (2 s)."""

    @cached_property
    def _cli_version(self) -> Version:
        """The version of the dbt beside this Python."""
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:
        """No adapter: row counts are read in one query after the build."""


def prepared_project() -> DbtProject:
    """The dbt project with a manifest that fits its files, parsed anew only where they changed."""
    home = Home.from_environment().prepare()
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    install_delta_extension()
    target = home.root / "dbt_target"
    # dagster-dbt looks here for the parsed project, which saves parsing it again.
    os.environ["DBT_TARGET_PATH"] = str(target)
    project = DbtProject(project_dir=DBT_FOLDER, profiles_dir=DBT_FOLDER, target_path=target)
    stamp, now = target / ".model_version", model_version()
    if not project.manifest_path.exists() or not stamp.exists() or stamp.read_text(encoding="utf-8") != now:
        with home.writer_lock():
            QuickDbt(project_dir=project, dbt_executable=DBT_EXECUTABLE).cli(["parse", "--quiet"], target_path=target).wait()
            stamp.write_text(now, encoding="utf-8")
    return project


class Translator(DagsterDbtTranslator):
    """Adds what dbt's own properties lack: owners by group, and no raw SQL in descriptions."""

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The contract's text, or the grain that a model's first line gives."""
        text = dbt_resource_props.get("description") or ""
        return text or next((line[3:] for line in dbt_resource_props.get("raw_code", "").splitlines() if line.startswith("-- ")), "")

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str] | None:
        """The group that owns the model."""
        group = self.get_group_name(dbt_resource_props)
        return [f"team:{group}"] if group else None


PROJECT = prepared_project()


@dbt_assets(
    manifest=PROJECT.manifest_path,
    project=PROJECT,
    name="build_marts",
    dagster_dbt_translator=Translator(),
    pool=WAREHOUSE_POOL,
)
def build_marts(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> Iterator[Any]:
    """Staging, intermediate and marts, with their tests, in one dbt build; all anew where the models have changed."""
    failure = None
    with lakehouse.writing() as home:
        cut = _cut_to_build(home, lakehouse)
        os.environ["SERIALAKE_BUILT_UNTIL"] = str(cut.until)
        is_same = built_from(home)["model_version"] == model_version()
        arguments = ["build", *_QUICK, "--exclude-resource-type", "unit_test", *([] if is_same else ["--full-refresh"])]
        if not is_same:
            # A build of other models that breaks off halfway must not pass for one of the old.
            home.build_note.unlink(missing_ok=True)
        events = []
        try:
            dbt = QuickDbt(project_dir=PROJECT, dbt_executable=DBT_EXECUTABLE)
            building = dbt.cli(arguments, context=context, target_path=home.root / "dbt_target" / "run")
            note_child(home.builder_note, building.process.pid)
            for event in building.stream():
                events.append(event)
                report("dbt", len(events))
            if not is_same:
                note_models(home)
            if not context.is_subset:
                note_build(home, cut)
        except Exception as error:
            failure = error
        # What else this process lets dbt build is not to see less than there is.
        os.environ.pop("SERIALAKE_BUILT_UNTIL")
        home.builder_note.unlink(missing_ok=True)
        counts = row_counts(home.warehouse)
    for event in events:
        yield _with_row_count(event, counts)
    # Reported last, so that what did succeed is seen; not tried again, since the same models on the same data fail again.
    if failure:
        raise failure


def _cut_to_build(home: Home, lakehouse: Lakehouse) -> Cut:
    """What the contracts let pass; where nothing was checked yet, as in a build started alone, what is there now."""
    if passed := noted_cut(home.passed_note):
        return passed
    return newest_cut(home, lakehouse.lake())


def _with_row_count(event: Any, counts: Mapping[str, int]) -> Any:
    """The event of a table with its rows as metadata; dagster-dbt's own way opens the warehouse anew for each model."""
    table = (event.metadata or {}).get("unique_id") if isinstance(event, dg.Output) else None
    name = table.value.rsplit(".", 1)[-1] if table else None
    return event.with_metadata({**event.metadata, "dagster/row_count": counts[name]}) if name in counts else event
