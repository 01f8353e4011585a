"""The asset graph as plain text, so that a review sees every change of it; and what makes it explain itself."""

from datetime import datetime
from pathlib import Path

import dagster as dg
import pytest

from pipelines.contracts import published_contracts, source_contracts
from pipelines.ingest import ingest
from pipelines.lake import Lake
from pipelines.runs import PROCESS_TAG

SNAPSHOT = Path(__file__).with_name("graph.txt")


@pytest.fixture(scope="module")
def repository():
    from pipelines.definitions import defs

    return defs().get_repository_def()


@pytest.fixture(scope="module")
def intraday_repository():
    from pipelines.intraday_definitions import defs

    return defs().get_repository_def()


def graph_text(repository, intraday_repository) -> str:
    """Keys with group and upstream keys, then checks, jobs, schedules and sensors of both code locations, one per line."""
    graph = repository.asset_graph
    lines = []
    for key in sorted(graph.get_all_asset_keys(), key=lambda k: k.path):
        parents = ", ".join(sorted(parent.to_user_string() for parent in graph.get(key).parent_keys))
        lines.append(f"asset {key.to_user_string()} [{graph.get(key).group_name}]" + (f" <- {parents}" if parents else ""))
    lines += sorted(f"check {c.asset_key.to_user_string()} {c.name}" for c in graph.asset_check_keys)
    both = (repository, intraday_repository)
    lines += sorted(f"job {job.name}" for each in both for job in each.get_all_jobs() if not job.name.startswith("__"))
    lines += sorted(f"schedule {s.name} {s.cron_schedule} -> {s.job_name}" for s in repository.schedule_defs)
    ours = ("landing_sensor", "night_sensor")
    lines += sorted(f"sensor {s.name} -> {s.job_name}" for each in both for s in each.sensor_defs if s.name in ours)
    return "\n".join(lines) + "\n"


def test_the_graph_is_as_reviewed(repository, intraday_repository):
    text = graph_text(repository, intraday_repository)
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


def test_a_night_is_asked_for_once_where_nothing_is_published_yet(home):
    from pipelines.defs.resources import Lakehouse
    from pipelines.defs.schedules import night_sensor

    def look():
        with dg.DagsterInstance.ephemeral() as instance:
            return night_sensor(dg.build_sensor_context(instance=instance, resources={"lakehouse": Lakehouse(root=str(home.root))}))

    assert isinstance(look(), dg.SkipReason)
    (home.landing / "a.csv").write_text("a\n1\n")
    request = look()
    assert isinstance(request, dg.RunRequest)
    assert look().run_key == request.run_key
    with home.writer_lock():
        assert "writing" in look().skip_message


def test_the_landing_sensor_asks_for_a_look_while_files_wait_and_none_is_taken(home):
    from pipelines.defs.resources import Lakehouse
    from pipelines.intraday_definitions import CONTRACTS, landing_sensor

    with dg.DagsterInstance.ephemeral() as instance:

        def look():
            return landing_sensor(dg.build_sensor_context(instance=instance, resources={"lakehouse": Lakehouse(root=str(home.root))}))

        assert "nothing new" in look().skip_message
        (home.landing / "a.csv").write_text("a\n1\n")
        assert isinstance(look(), dg.RunRequest)
        run = instance.create_run_for_job(_intraday_job(), status=dg.DagsterRunStatus.STARTED)
        assert "at it" in look().skip_message
        # Its process is gone: the run is closed, and the files still wait, though not for ever by a run that fails at once.
        instance.add_run_tags(run.run_id, {PROCESS_TAG: "1-1"})
        assert "failed" in look().skip_message
        assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE
        ingest(home, Lake(home.lake), CONTRACTS, now=datetime(2026, 3, 3))
    with dg.DagsterInstance.ephemeral() as instance:
        assert "nothing new" in look().skip_message


def _intraday_job():
    from pipelines.intraday_definitions import defs

    return defs().resolve_job_def("intraday")


if __name__ == "__main__":
    from pipelines.definitions import defs
    from pipelines.intraday_definitions import defs as intraday_defs

    SNAPSHOT.write_text(graph_text(defs().get_repository_def(), intraday_defs().get_repository_def()), encoding="utf-8")
