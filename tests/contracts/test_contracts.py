"""Contracts are valid by the standard, and nothing that is derived from them has drifted."""

import polars as pl
import pytest
from datacontract.data_contract import DataContract

from pipelines.contract_docs import generated_files
from pipelines.contracts import ContractError, contract_root, published_contracts, read_contract, source_contracts
from pipelines.home import project_root

CONTRACT_FILES = sorted(contract_root().rglob("*.odcs.yaml"))


@pytest.mark.parametrize("path", CONTRACT_FILES, ids=lambda p: p.relative_to(contract_root()).as_posix())
def test_contract_is_valid_by_the_standard(path):
    run = DataContract(data_contract_file=str(path)).lint()
    assert run.result == "passed", [check.reason for check in run.checks if check.result != "passed"]


@pytest.mark.parametrize(
    ("path", "text"), generated_files(source_contracts(), published_contracts()).items(), ids=lambda v: getattr(v, "name", "")
)
def test_generated_yaml_equals_the_contracts(path, text):
    assert (project_root() / path).read_text(encoding="utf-8") == text, "run: python -m pipelines.contract_docs"


@pytest.mark.parametrize("contract", [*source_contracts().values(), *published_contracts().values()], ids=lambda c: c.table)
def test_every_table_has_a_grain_an_owner_and_described_columns(contract):
    assert contract.grain.startswith("One row per ")
    assert contract.domain
    assert all(column.description for column in contract.columns)


def test_same_column_name_has_the_same_type_in_all_published_tables():
    types: dict[str, set[str]] = {}
    for contract in published_contracts().values():
        for column in contract.columns:
            types.setdefault(column.name, set()).add(column.physical_type)
    assert {name: found for name, found in types.items() if len(found) > 1} == {}


def test_a_contract_gives_a_typed_schema():
    schema = source_contracts()["pos/receipts"].polars_schema
    assert schema["menge"] == pl.Decimal(15, 3)
    assert schema["vorgdatum"] == pl.Date
    assert source_contracts()["pos/receipts"].key == ("sndprn", "kassid", "vorgdatum", "bonnummer", "posnr")


def test_a_broken_contract_is_refused_by_name(tmp_path):
    path = tmp_path / "broken.odcs.yaml"
    path.write_text("kind: DataContract\nwrong_key: 1\n")
    with pytest.raises(ContractError, match=r"(?s)broken\.odcs\.yaml.*wrong_key"):
        read_contract(path)


def test_a_contract_without_a_schema_is_refused(tmp_path):
    path = tmp_path / "empty.odcs.yaml"
    path.write_text("apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: active\n")
    with pytest.raises(ContractError, match="has no schema"):
        read_contract(path)
