"""Mappings: what a user's contract may say, and how its mistakes are told."""

from __future__ import annotations

import pytest
import yaml

from pipelines.contracts import ContractError
from pipelines.sources import MAPPING_TARGETS, mapping_problems, read_mapping, read_mappings

SALES = ("receipt_id", "line_kind", "sold_at", "site_id", "article_id", "quantity")


@pytest.fixture
def write(tmp_path):
    """Writes a mapping contract with these properties; keyword arguments change what surrounds them."""

    def write(
        properties: list[dict], *, target: str | None = "tabular/sales", file_format: str = "csv", path: str = "mine/*.csv", **custom
    ):
        keys = {**({"target": target} if target else {}), **custom}
        content = {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": "mappings.mine",
            "name": "mine",
            "version": "1.0.0",
            "status": "active",
            "servers": [{"server": "landing", "type": "local", "path": path, "format": file_format}],
            "customProperties": [{"property": key, "value": value} for key, value in keys.items()],
            "schema": [{"name": "mine", "properties": properties}],
        }
        file = tmp_path / "contracts" / "mine.odcs.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump(content))
        return file

    return write


def test_the_shipped_examples_have_no_problem_and_fill_every_target(mappings, contracts):
    assert [mapping_problems(mapping, contracts) for mapping in mappings] == [[]] * 4
    assert {mapping.custom("target") for mapping in mappings} == set(MAPPING_TARGETS) - {"tabular/readings"}


def test_mappings_are_found_below_a_folder_and_none_where_it_is_absent(write, tmp_path):
    file = write([{"name": name} for name in SALES])
    assert [mapping.path for mapping in read_mappings(tmp_path / "contracts")] == [file]
    assert read_mappings(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("properties", "options", "told"),
    [
        (
            [{"name": n} for n in SALES if n not in ("sold_at", "quantity")],
            {},
            "required columns sold_at, quantity of tabular/sales are not mapped",
        ),
        ([{"name": n} for n in (*SALES, "colour")], {}, "tabular/sales has no column colour; its columns are receipt_id"),
        ([{"name": n} for n in (*SALES, "quantity")], {}, "the columns quantity are mapped twice"),
        (
            [{"name": n} for n in SALES],
            {"target": "tabular/moves"},
            "the custom property target is 'tabular/moves'; write one of tabular/movements",
        ),
        ([{"name": n} for n in SALES], {"target": None}, "the custom property target is None"),
        ([{"name": n} for n in SALES], {"target": "sap/mara"}, "the custom property target is 'sap/mara'"),
        ([{"name": n} for n in SALES], {"file_format": "xlsx"}, "the server's format is 'xlsx'; write csv or parquet"),
        ([{"name": n} for n in SALES], {"measures": ["a"]}, "measures are for tabular/readings only"),
        (
            [*({"name": n} for n in SALES[1:]), {"name": "receipt_id", "transformLogic": "case when a <"}],
            {},
            "the transformLogic of receipt_id is no SQL expression that Polars reads",
        ),
        (
            [{"name": n} for n in ("article_id", "serial_number", "read_at", "reading")],
            {"target": "tabular/readings", "measures": ["smart_5_raw"]},
            "the columns reading come from measures already",
        ),
        (
            [{"name": n} for n in (*SALES, "reason_code")] + [{"name": "campaign_id", "physicalName": "_line"}],
            {},
            "_line is a name of ours",
        ),
    ],
)
def test_a_mistake_is_told_with_the_file(write, properties, options, told):
    file = write(properties, **options)
    with pytest.raises(ContractError) as error:
        read_mapping(file)
    assert str(error.value).startswith(f"{file}: ")
    assert told in str(error.value)


def test_all_mistakes_are_told_at_once(write):
    with pytest.raises(ContractError) as error:
        read_mapping(write([{"name": "colour"}], file_format="xlsx"))
    assert [part in str(error.value) for part in ("'xlsx'", "no column colour", "are not mapped")] == [True] * 3


def test_measures_stand_for_measure_and_reading(write):
    properties = [{"name": name} for name in ("article_id", "serial_number", "read_at")]
    assert read_mapping(write(properties, target="tabular/readings", measures=["a", "b"])).table == "mine"
