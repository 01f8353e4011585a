"""Fold: units that new records touch, folded anew from all records about them by the ledger's own SQL.

What is touched, and which records it takes to fold it, belongs here. What a movement does to a unit does not: that is in
dbt_project/models, compiled for the whole build that made the published facts. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Collection

from pipelines.intraday.base import Base, literal
from pipelines.warehouse import Connection

__all__ = ["attach", "fold", "take_new_records"]

_RECORDS = "int_movement_records"
_AT_NIGHT = "int_records_from_handling_units"
"""What lies in a handling unit that a partner moved: to know it takes the whole past of packing, for which the night has time."""
_FOLDED = ("serial_movements", "int_serial_states")
_ALL = "timestamp '1970-01-01 00:00:00'"
"""How a whole build compiles the watermark of an incremental model."""
_LISTED = 5_000
"""So many serial numbers are looked up by name, which skips row groups; more are joined."""


def attach(connection: Connection, base: Base) -> None:
    """Give the database the schemas that the models' SQL names."""
    connection.execute("attach ':memory:' as warehouse")
    connection.execute("use warehouse")
    for schema in sorted({model.schema for model in base.models.by_name.values()}):
        connection.execute(f"create schema if not exists {schema}")


def take_new_records(connection: Connection, base: Base, tables: Collection[str]) -> int:
    """Table `new_records`: records about units in rows of bronze that came after the facts. Returns their number.

    A source none of whose bronze tables has new rows is not asked: its query may read its whole past.
    """
    records = base.models.by_name[_RECORDS]
    sources = [name for name in records.parents if base.models.by_name[name].sources or base.models.bronze(name)]
    asked = [name for name in sources if name != _AT_NIGHT and base.models.bronze(name) & set(tables)]
    # One of them has to tell the columns of those that are not asked.
    base.create_views(connection, [*(name for name in records.parents if name not in sources), *(asked or sources[:1])])
    shape = base.models.by_name[(asked or sources)[0]].relation
    for name in set(sources) - set(asked or sources[:1]):
        connection.execute(f"create table {base.models.by_name[name].relation} as select * from {shape} where false")
    if _ALL not in records.sql:
        raise RuntimeError(
            f"{_RECORDS} was compiled without its watermark; `serialake run` after deleting warehouse.duckdb compiles it anew"
        )
    new = records.sql.replace(_ALL, f"timestamp '{base.built_until}'")
    connection.execute(f"create table new_records as {new}")
    return connection.execute("select count(*) from new_records").fetchone()[0]


def fold(connection: Connection, base: Base) -> None:
    """Tables `touched_units`, and serial_movements and int_serial_states of those units and of the units in `asked_units`.

    `asked_units` is a table of units whose book is wanted though nothing moved them.
    """
    connection.execute(f"create view gold_records as select * from {base.gold('serial_records')}")
    _touched_units(connection)
    found = connection.execute("select serial_number from touched_units union select serial_number from asked_units").fetchall()
    _records(connection, [serial for (serial,) in found])
    folded = base.models.between(_RECORDS, _FOLDED)
    made = {_RECORDS, *(model.name for model in folded)}
    for model in folded:
        base.create_views(connection, [name for name in model.parents if name not in made])
        connection.execute(f"create table {model.relation} as {model.sql}")


def _touched_units(connection: Connection) -> None:
    """Units that new records name, and those that an older version of their documents named."""
    connection.execute("""
        create table touched_units as
        select article_id, serial_number from new_records where serial_number is not null
        union
        select article_id, serial_number from gold_records
        where
            serial_number is not null
            and (source_name, version_id) in (select source_name, version_id from new_records where version_id is not null)
    """)


def _records(connection: Connection, serials: Collection[str]) -> None:
    """Table int_movement_records: every record of these serial numbers; of their documents' other versions, that they came.

    A serial number is folded for all its articles: a transfer between articles is told by both.
    """
    connection.execute("create table asked_serials (serial_number varchar)")
    if serials:
        values = ", ".join(f"({literal(serial)})" for serial in serials)
        connection.execute(f"insert into asked_serials values {values}")
    condition = "serial_number in (select serial_number from asked_serials)"
    if 0 < len(serials) <= _LISTED:
        condition = f"serial_number in ({', '.join(literal(serial) for serial in serials)})"
    columns = [name for (name, *_) in connection.execute("describe gold_records").fetchall()]
    shown = ", ".join(columns)
    hidden = ", ".join(f"null as {name}" if name in {"article_id", "serial_number"} else name for name in columns)
    connection.execute(f"create table known_records as select {shown} from gold_records where {condition}")
    connection.execute(f"insert into known_records select {shown} from new_records where {condition}")
    # A record of another unit tells only that its document has that version.
    connection.execute(f"""
        create table warehouse.intermediate.{_RECORDS} as
        select
            *,
            hash(article_id, serial_number) as unit_hash,
            hash(article_id, serial_number, document_id, witness_group, line_role) as movement_hash,
            case when version_id is not null then hash(source_name, version_id) end as version_hash
        from (
            select {shown} from known_records
            union all
            select {hidden} from (select {shown} from gold_records union all select {shown} from new_records) as every
            where
                (serial_number is null or not ({condition}))
                and (source_name, version_id) in (select source_name, version_id from known_records where version_id is not null)
        ) as records
    """)
