"""The asset graph as plain text, so that a review sees every change of it; and what makes it explain itself."""

from datetime import datetime
from pathlib import Path

import dagster as dg
import pytest

from pipelines.contracts import published_contracts, source_contracts

SNAPSHOT = Path(__file__).with_name("graph.txt")


@pytest.fixture(scope="module")
def repository():
    from pipelines.definitions import defs

    return defs().get_repository_def()


def graph_text(repository) -> str:
    """Keys with group and upstream keys, then checks, jobs, schedules and sensors, one per line."""
    graph = repository.asset_graph
    lines = []
    for key in sorted(graph.get_all_asset_keys(), key=lambda k: k.path):
        parents = ", ".join(sorted(parent.to_user_string() for parent in graph.get(key).parent_keys))
        lines.append(f"asset {key.to_user_string()} [{graph.get(key).group_name}]" + (f" <- {parents}" if parents else ""))
    lines += sorted(f"check {c.asset_key.to_user_string()} {c.name}" for c in graph.asset_check_keys)
    lines += sorted(f"job {job.name}" for job in repository.get_all_jobs() if not job.name.startswith("__"))
    lines += sorted(f"schedule {s.name} {s.cron_schedule} -> {s.job_name}" for s in repository.schedule_defs)
    lines += sorted(f"sensor {s.name} -> {s.job_name}" for s in repository.sensor_defs if s.name == "landing_sensor")
    return "\n".join(lines) + "\n"


def test_the_graph_is_as_reviewed(repository):
    text = graph_text(repository)
    assert text == SNAPSHOT.read_text(encoding="utf-8"), "the graph changed: review it, then run python -m tests.flow.test_graph"


def test_every_asset_explains_itself(repository):
    graph = repository.asset_graph
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        assert node.description, key
        assert node.group_name != "default", key
        assert node.owners, key
        assert node.kinds, key


def test_bronze_and_gold_follow_the_contracts(repository):
    keys = {key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()}
    assert {f"bronze/{table}" for table in source_contracts()} <= keys
    assert {f"gold/{name}" for name in published_contracts()} <= keys
    assert {f"marts/{name}" for name in published_contracts(written_by="dbt")} <= keys


def test_column_schemas_are_shown(repository):
    node = repository.asset_graph.get(dg.AssetKey(["gold", "serials"]))
    columns = {c.name: c for c in node.metadata["dagster/column_schema"].columns}
    assert columns["status_conflict"].description.startswith("Reasons why the history contradicts itself")


def test_the_sensor_asks_for_one_run_when_a_file_has_landed(repository, home):
    from pipelines.defs.resources import Lakehouse
    from pipelines.defs.schedules import landing_sensor

    def look():
        with dg.DagsterInstance.ephemeral() as instance:
            return landing_sensor(dg.build_sensor_context(instance=instance, resources={"lakehouse": Lakehouse(root=str(home.root))}))

    assert isinstance(look(), dg.SkipReason)
    (home.landing / "a.csv").write_text("a\n1\n")
    request = look()
    assert isinstance(request, dg.RunRequest)
    assert look().run_key == request.run_key
    with home.writer_lock():
        assert "writing" in look().skip_message


def test_the_sensor_asks_once_more_when_loaded_files_were_not_published(repository, home):
    from pipelines.defs.resources import Lakehouse
    from pipelines.defs.schedules import landing_sensor
    from pipelines.ingest import ensure_tables, ingest
    from pipelines.lake import Lake

    lake = Lake(home.lake)
    ensure_tables(lake, source_contracts())
    (home.landing / "a.csv").write_text("a\n1\n")
    ingest(home, lake, source_contracts(), now=datetime(2026, 3, 3))
    with dg.DagsterInstance.ephemeral() as instance:
        request = landing_sensor(dg.build_sensor_context(instance=instance, resources={"lakehouse": Lakehouse(root=str(home.root))}))
    assert request.run_key.startswith("unpublished/1/")


if __name__ == "__main__":
    from pipelines.definitions import defs

    SNAPSHOT.write_text(graph_text(defs().get_repository_def()), encoding="utf-8")
