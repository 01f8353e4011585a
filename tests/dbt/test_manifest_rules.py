"""Rules of the dbt project that a machine can hold, checked on dbt's own manifest."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.contracts import published_contracts, source_contracts
from pipelines.home import project_root

DBT_PROJECT = project_root() / "dbt_project"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    target = tmp_path_factory.mktemp("dbt")
    dbt = Path(sys.executable).with_name("dbt")
    command = [str(dbt), "--quiet", "parse", "--profiles-dir", ".", "--target-path", str(target), "--log-path", str(target)]
    subprocess.run(command, cwd=DBT_PROJECT, check=True)
    return json.loads((target / "manifest.json").read_text())


@pytest.fixture(scope="module")
def models(manifest):
    return {n["name"]: n for n in manifest["nodes"].values() if n["resource_type"] == "model"}


def _layer(model):
    return model["fqn"][1]


def test_every_model_opens_with_its_grain(models):
    missing = [name for name, m in models.items() if not m["raw_code"].startswith("-- One row per ")]
    assert missing == []


def test_every_model_has_an_owner(models):
    assert [name for name, m in models.items() if not m["config"]["group"]] == []


def test_only_staging_reads_sources_and_it_reads_nothing_else(models):
    readers = {name: m["depends_on"]["nodes"] for name, m in models.items()}
    for name, nodes in readers.items():
        kinds = {node.split(".")[0] for node in nodes}
        if _layer(models[name]) == "staging":
            assert kinds == {"source"}, name
        else:
            assert "source" not in kinds, name


def test_names_carry_the_layer(models):
    for name, model in models.items():
        if _layer(model) == "staging":
            assert re.fullmatch(rf"stg_{model['fqn'][2]}__[a-z_0-9]+", name), name
        elif _layer(model) == "intermediate":
            assert name.startswith("int_"), name
        else:
            assert not name.startswith(("stg_", "int_", "dim_", "fct_")), name


def test_marts_are_exactly_the_published_contracts_and_enforced(models):
    marts = {name: m for name, m in models.items() if _layer(m) == "marts"}
    assert set(marts) == set(published_contracts(written_by="dbt"))
    assert all(m["config"]["contract"]["enforced"] for m in marts.values())
    for name, contract in published_contracts(written_by="dbt").items():
        assert list(marts[name]["columns"]) == [c.name for c in contract.columns]
        assert marts[name]["config"]["group"] == contract.domain


def test_every_source_contract_is_a_dbt_source(manifest):
    sources = {f"{s['source_name']}/{s['name']}" for s in manifest["sources"].values()} - {"lake/manifest", "lake/quarantine"}
    assert sources == set(source_contracts())


def test_incremental_models_replace_whole_units_or_say_how(models):
    allowed = {"append", "delete+insert", "replace_units", "replace_from", "replace_contents", "replace_documents"}
    for name, model in models.items():
        if model["config"]["materialized"] == "incremental":
            assert model["config"]["incremental_strategy"] in allowed, name
            assert model["config"]["on_schema_change"] == "fail", name


def test_models_stay_readable(models):
    assert {name: n for name, m in models.items() if (n := m["raw_code"].count("\n")) > 220} == {}
