"""Rules: each contract says what is demanded of its rows, and a rule that nobody can judge is refused by name."""

import copy

import pytest

from pipelines.checks.rules import ERROR, WARNING, rules_of
from pipelines.contracts import Contract, ContractError, source_contracts

CONTRACTS = source_contracts()
LEDGER = {
    "handheld/scans", "pos/receipts", "sap/deliveries", "sap/goods_movements", "tabular/movements", "tabular/sales", "wms/receipts",
    "epcis/events",
    "s4/material_documents",
    "pos/store_movements",
    "tryton/inventory_lines",
    "tryton/locations",
    "tryton/lots",
    "tryton/moves",
    "tryton/shipments",
}  # fmt: skip


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda c: c.table)
def test_every_contract_demands_something_and_says_what_to_do(contract):
    rules = rules_of(contract)
    assert rules
    assert all(rule.remedy and rule.expected for rule in rules)
    assert len({rule.name for rule in rules}) == len(rules)


def test_every_required_column_and_every_length_is_a_rule():
    contract = CONTRACTS["sap/goods_movements"]
    names = {rule.name: rule for rule in rules_of(contract)}
    required = {f"{column.name}_is_given" for column in contract.columns if column.required}
    short = {f"{column.name}_is_short_enough" for column in contract.columns if column.max_length}
    assert required | short <= names.keys()
    assert names["serialno_is_short_enough"].expected == "at most 18 characters"


def test_beyond_types_only_what_falsifies_the_ledger_blocks():
    blocking = {
        contract.table
        for contract in CONTRACTS.values()
        if any(rule.severity == ERROR and rule.kind not in {"not_null", "max_length"} for rule in rules_of(contract))
    }
    assert blocking == LEDGER


def test_a_code_list_a_form_and_a_query_become_rules():
    rules = {
        rule.name: rule for table in ("handheld/scans", "sap/goods_movements", "marketing/campaigns") for rule in rules_of(CONTRACTS[table])
    }
    assert rules["action_is_a_known_code"].kind == "in_set"
    assert "receive" in rules["action_is_a_known_code"].arguments["value_set"]
    assert (
        rules["move_type_has_its_form"].broken_rows
        == "select * from {batch} where not regexp_full_match(\"move_type\", '[0-9A-Z][0-9]{2}')"
    )
    assert rules["discount_pct_is_in_range"].broken_rows == "select * from {batch} where discount_pct < 0 or discount_pct > 100"
    assert rules["discount_pct_is_in_range"].severity == WARNING


def _changed(change):
    contract = CONTRACTS["handheld/scans"]
    document = copy.deepcopy(contract.document)
    change(document.schema_[0])
    return Contract(contract.path, document)


def test_a_rule_that_nobody_can_judge_is_refused_by_file_and_column():
    def unknown(schema):
        next(p for p in schema.properties if p.name == "action").quality[0].metric = "freshness"

    with pytest.raises(ContractError, match=r"scans\.odcs\.yaml: a rule on action that nobody can judge"):
        rules_of(_changed(unknown))


def test_an_unknown_severity_is_refused():
    def severe(schema):
        next(p for p in schema.properties if p.name == "action").quality[0].severity = "fatal"

    with pytest.raises(ContractError, match="severity fatal of a rule on action; use error or warning"):
        rules_of(_changed(severe))
