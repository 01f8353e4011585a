"""Cards: which columns of a unit's card are live, told by the night's own SQL."""

from pipelines.contracts import published_contracts
from pipelines.home import project_root
from pipelines.intraday.cards import _expressions, _told

BESIDE = dict.fromkeys(("articles", "trusted", "stock_types", "movement_types", "valuation_types", "typed", "whole"), "")
OF_THE_NIGHT = {
    "category_code", "equipment_id", "master_batch_id", "warranty_end_date", "handling_unit_id", "parent_article_id",
    "parent_serial_number",
}  # fmt: skip


def test_expressions_are_told_apart_by_commas_outside_of_texts_and_parentheses():
    sql = """
with a as (

select
    1 as x

)

select
    states.one,
    -- a comment, with a comma
    replace(states.two, ',', '; ') as second,
    case when states.three = 'it''s, so' then 1 end as third
from states
"""
    assert _expressions(sql) == {
        "one": "states.one",
        "second": "replace(states.two, ',', '; ')",
        "third": "case when states.three = 'it''s, so' then 1 end",
    }


def test_what_reads_another_table_is_as_the_night_had_it():
    told = {"here": "states.a || 'equipments.b'", "there": "coalesce(equipments.b, states.a)"}
    assert _told("here", told, BESIDE, {"here", "there"}) == told["here"]
    assert _told("there", told, BESIDE, {"here", "there"}) == "before.there"
    assert _told("new", told, BESIDE, set()) == "null"


def test_all_that_the_ledger_tells_of_a_unit_is_live():
    model = (project_root() / "dbt_project" / "models" / "marts" / "ledger" / "serials.sql").read_text(encoding="utf-8")
    names = [column.name for column in published_contracts()["serials"].columns]
    told = {name: _told(name, _expressions(model), BESIDE, set(names)) for name in names}
    assert {name for name, expression in told.items() if "before." in expression} == OF_THE_NIGHT
