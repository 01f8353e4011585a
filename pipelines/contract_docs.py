"""Contract documents: what dbt must know of the contracts, written as its YAML.

Turning contracts into dbt sources, column types and column texts belongs here; reading contracts does not (pipelines/contracts.py).
`python -m pipelines.contract_docs` writes the files; a test fails when they differ from the contracts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

import yaml

from pipelines.contracts import Contract, published_contracts, source_contracts
from pipelines.home import project_root

__all__ = ["generated_files"]

_HEADER = "# Written from data_contracts/ by `python -m pipelines.contract_docs`. Change the contract, not this file.\n"


class _Dumper(yaml.SafeDumper):
    """Indents list items below their key, as the hand-written YAML of the project does."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - the library's signature
        return super().increase_indent(flow, False)


def generated_files(sources: Mapping[str, Contract], published: Mapping[str, Contract]) -> dict[Path, str]:
    """Text of every generated YAML file of the dbt project, by its path below the project's root."""
    models = Path("dbt_project/models")
    files = {}
    for system, contracts in _grouped(sources, lambda c: c.system):
        files[models / "staging" / system / f"_{system}__sources.yml"] = _sources(system, contracts)
    marts = {name: contract for name, contract in published.items() if contract.written_by == "dbt"}
    for domain, contracts in _grouped(marts, lambda c: c.domain):
        files[models / "marts" / domain / f"_{domain}__models.yml"] = _models(contracts)
    return {
        path: _HEADER + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=118, allow_unicode=True)
        for path, document in files.items()
    }


def _grouped(contracts: Mapping[str, Contract], key) -> Iterator[tuple[str, list[Contract]]]:
    for name, group in groupby(sorted(contracts.values(), key=lambda c: (key(c), c.name)), key):
        yield name, list(group)


def _sources(system: str, contracts: list[Contract]) -> dict:
    # A build sees one moment of the lake, whatever is taken in meanwhile: dbt_project/macros/built_until.sql.
    table = f"delta_scan('{{{{ env_var('SERIALAKE_HOME') }}}}/lake/bronze/{system}/{{name}}')"
    location = f"(select * from {table} where _ingested_at <= built_until())"  # noqa: S608 - a name of our contracts
    tables = [
        {
            "name": c.name,
            "description": f"{c.grain} {c.description}",
            "config": {"meta": {"dagster": {"asset_key": ["bronze", system, c.name]}}},
            "columns": [{"name": column.name, "description": column.description} for column in c.columns],
        }
        for c in contracts
    ]
    return {"sources": [{"name": system, "config": {"meta": {"external_location": location}}, "tables": tables}]}


def _models(contracts: list[Contract]) -> dict:
    return {"models": [_model(c) for c in contracts]}


def _model(contract: Contract) -> dict:
    key = list(contract.key)
    model = {"name": contract.name, "description": f"{contract.grain} {contract.description}"}
    if len(key) > 1:
        model["data_tests"] = [{"unique_combination": {"arguments": {"columns": key}}}]
    model["columns"] = [_model_column(column, is_whole_key=key == [column.name]) for column in contract.columns]
    return model


def _model_column(column, *, is_whole_key: bool) -> dict:
    text = {"name": column.name, "description": column.description, "data_type": column.physical_type.lower()}
    if column.required:
        # A view cannot hold constraints; dbt need not say so at each build.
        text["constraints"] = [{"type": "not_null", "warn_unsupported": False}]
    if is_whole_key:
        text["data_tests"] = ["unique"]
    return text


def main() -> None:
    """Write all generated files into the checkout."""
    for path, text in generated_files(source_contracts(), published_contracts()).items():
        target = project_root() / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
