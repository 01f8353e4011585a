"""Knowledge: table macros of the published file that say where units were at a moment, and what was known at a moment.

Making the macros belongs here; the fold itself does not: what was known is found by the ledger's own SQL, as dbt compiled it
(dbt_project/models/marts/ledger), over the records that had been taken in by then. See README.md, section "Query it".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipelines.compiled import noted_models
from pipelines.home import Home
from pipelines.views import Macro

__all__ = ["table_macros"]

_HISTORY_MODELS = (
    "int_documents_replaced",
    "int_serial_movements_merged",
    "int_serial_movements_placed",
    "int_serial_movements_folded",
    "serial_movements",
)
_MODELS = (*_HISTORY_MODELS, "int_movements_outweighed", "int_serial_states")
"""The fold, from records to states; each reads the ones before it."""

_PLACE = "article_id, serial_number, unit_state, site_id, storage_location_id, stock_type_code, special_stock_code, vendor_id, customer_id"

_AS_OF = f"""
select {_PLACE}, valid_from_at, valid_to_at
from serial_stays
where valid_from_at <= as_of_moment and valid_to_at > as_of_moment
"""  # noqa: S608 - constant text

_STATES = f"""
select {_PLACE}, last_moved_at, last_movement_type, last_document_id, movement_count, status_conflict
from known_int_serial_states
"""  # noqa: S608 - constant text

_HISTORY = "select * from known_serial_movements where serial_number = unit_serial_number"

# The newest version of a document may not name the unit any more: records of its documents count, too.
_OF_ONE_UNIT = """
    and (
        serial_number = unit_serial_number
        or (source_name, version_id) in (select (source_name, version_id) from serial_records where serial_number = unit_serial_number)
    )
"""


def table_macros(home: Home) -> Sequence[Macro]:
    """The macros `as_of`, `known_at` and `serial_history_known_at`; those of knowledge only once a whole build has been noted."""
    macros = [
        Macro(
            "as_of",
            ("as_of_moment",),
            "serial_stays",
            _AS_OF,
            "Where every unit was at a moment (UTC), by all that is known today; one row per unit.",
        )
    ]
    noted = noted_models(home)
    if noted is None:
        return macros
    parts = {name: _with_bare_names(model.sql) for name, model in noted.by_name.items()}
    return [
        *macros,
        Macro(
            "known_at",
            ("known_moment",),
            "serial_records",
            _folded(parts, _MODELS, _STATES),
            "Every unit as it was known at a moment (UTC): by the records taken in by then, folded as today. One row per unit.",
        ),
        Macro(
            "serial_history_known_at",
            ("unit_serial_number", "known_moment"),
            "serial_records",
            _folded(parts, _HISTORY_MODELS, _HISTORY, _OF_ONE_UNIT),
            "Movements of the units with this serial number as they were known at a moment (UTC); columns as in serial_movements.",
        ),
    ]


def _folded(parts: dict[str, str], models: Sequence[str], result: str, condition: str = "") -> str:
    # The hashes only group rows within this query; the expressions are those of int_movement_records.
    records = f"""
        select
            *,
            hash(article_id, serial_number) as unit_hash,
            hash(article_id, serial_number, document_id, witness_group, line_role) as movement_hash,
            case when version_id is not null then hash(source_name, version_id) end as version_hash
        from serial_records
        where ingested_at <= known_moment {condition}
    """  # noqa: S608 - constant text
    # Which night changed a unit plays no part in what was known.
    unchanged = "select unit_hash, ingested_at from known_int_movement_records where false"
    sources = {"int_movement_records": records, "int_units_changed": unchanged, "movement_types": parts["movement_types"]}
    tables = sources | {name: parts[name] for name in models}
    return "with " + ", ".join(f"known_{name} as ({sql})" for name, sql in tables.items()) + f" {result}"


def _with_bare_names(sql: str) -> str:
    """The same query with the warehouse's tables called known_<name>."""
    return re.sub(r'"warehouse"\."\w+"\."(\w+)"', r"known_\1", sql)
