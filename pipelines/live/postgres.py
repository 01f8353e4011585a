"""PostgreSQL: one read-only snapshot of a live database, and the rows that changed since an earlier one.

Connecting, the snapshot, its transaction ids and copying rows out belong here, and nothing else imports psycopg. Which tables are read
does not (tryton.py). Why transaction ids, and not `write_date`, decide what is new: pipelines/sources/TRYTON.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING

import polars as pl

from pipelines.live.errors import LiveError

if TYPE_CHECKING:
    import psycopg

__all__ = ["Database", "Snapshot", "reading"]

_IDS = 2**32
"""Transaction ids in a row wrap around here; those of snapshots do not."""

_SNAPSHOT = """
    select
        (select system_identifier from pg_control_system())::text
        || '/' || (select timeline_id from pg_control_checkpoint())
        || '/' || (select oid from pg_database where datname = current_database()),
        pg_snapshot_xmin(taken)::text::bigint,
        pg_snapshot_xmax(taken)::text::bigint,
        now()::timestamp
    from pg_current_snapshot() as taken
"""


@dataclass(frozen=True)
class Snapshot:
    """What a transaction sees: the oldest transaction still running, the next one to come, and the moment (UTC).

    `database_id` names the server, its timeline (a restore or a failover begins another) and the database.
    """

    database_id: str
    oldest_running: int
    next_to_come: int
    taken_at: datetime

    def changed_since(self, alias: str, oldest_running: int | None) -> str:
        """SQL condition: the row was written by a transaction that an earlier snapshot, with this oldest, may not have seen.

        Every transaction that was running then, and each of its savepoints, has this number or a higher one. True for
        all rows where there was no earlier snapshot, or one so old that the numbers have gone around.
        """
        if oldest_running is None or not 0 <= self.next_to_come - oldest_running < _IDS:
            return "true"
        return f"(({self.next_to_come} - {alias}.xmin::text::bigint) & {_IDS - 1}) <= {self.next_to_come - oldest_running}"


class Database:
    """An open snapshot: everything read through it was committed at one moment."""

    def __init__(self, connection: psycopg.Connection, name: str) -> None:
        """Take the snapshot that all later reads share."""
        self._connection = connection
        self.name = name
        self.snapshot = Snapshot(*connection.execute(_SNAPSHOT).fetchone())

    def missing(self, needed: Mapping[str, Sequence[str]]) -> list[str]:
        """What of the relations and their columns is not there, as `relation` or `relation.column`, in order."""
        present = self._connection.execute(
            "select attrelid::regclass::oid, attname from pg_attribute where attrelid = any(%s) and attnum > 0 and not attisdropped",
            [[oid for oid in self._oids(needed).values() if oid]],
        ).fetchall()
        oids, columns = self._oids(needed), set(present)
        found = []
        for relation, names in needed.items():
            if oids[relation] is None:
                found.append(relation)
            else:
                found += [f"{relation}.{name}" for name in names if (oids[relation], name) not in columns]
        return found

    def forbidden(self, relations: Sequence[str]) -> list[str]:
        """Relations that this user may not read, in order, each once."""
        oids = self._oids(relations)
        allowed = self._connection.execute(
            "select oid from unnest(%s::oid[]) as oid where has_table_privilege(oid, 'select')", [list(oids.values())]
        )
        readable = {oid for (oid,) in allowed}
        return [relation for relation in oids if oids[relation] not in readable]

    def rows(self, query: str) -> Iterator[bytes]:
        """Rows of a query as lines of CSV without a header, one at a time; memory does not grow with their number."""
        with self._connection.cursor() as cursor, cursor.copy(f"copy ({query}) to stdout (format csv)") as copy:
            # libpq hands out exactly one row at a time.
            yield from (bytes(row) for row in copy)

    def keys(self, query: str, dtype: pl.DataType) -> pl.Series:
        """The one column of a query."""
        content = BytesIO()
        with self._connection.cursor() as cursor, cursor.copy(f"copy ({query}) to stdout (format csv)") as copy:
            content.writelines(copy)
        if not content.tell():
            return pl.Series("id", [], dtype=dtype)
        content.seek(0)
        return pl.read_csv(content, has_header=False, new_columns=["id"], schema_overrides=[dtype])["id"]

    def _oids(self, relations: Sequence[str] | Mapping[str, object]) -> dict[str, int | None]:
        names = list(relations)
        found = self._connection.execute("select to_regclass(name)::oid from unnest(%s::text[]) as name", [names]).fetchall()
        return dict(zip(names, (oid for (oid,) in found), strict=True))


@contextmanager
def reading(connection_string: str) -> Iterator[Database]:
    """One snapshot of a database, read-only; it ends with the block. Raises LiveError, whose message holds no secret."""
    try:
        import psycopg  # noqa: PLC0415 - an extra: only those who read a live system install it
    except ImportError:
        raise LiveError("Reading a live database needs psycopg: pip install 'serialake[tryton]'") from None
    try:
        parts = psycopg.conninfo.conninfo_to_dict(connection_string, application_name="serialake", client_encoding="UTF8")
    except psycopg.Error:
        raise LiveError("What was given is no connection string: write it as postgresql://user:password@host:5432/database") from None
    try:
        connection = psycopg.connect(**{"connect_timeout": 10, **parts})
    except psycopg.Error as error:
        raise _unreachable(str(error), parts) from None
    try:
        with connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            # The user's own settings must not change how dates and numbers are written.
            for setting in ("datestyle = 'ISO'", "timezone = 'UTC'", "extra_float_digits = 1"):
                connection.execute(f"set local {setting}")
            yield Database(connection, connection.info.dbname)
    except psycopg.Error as error:
        raise _broken_off(error, connection.info.dbname) from None
    finally:
        connection.close()


def _unreachable(said: str, parts: Mapping[str, object]) -> LiveError:
    """The cause in our words, with host, port and database, but neither user nor password."""
    place = f" at {parts['host']}:{parts.get('port', 5432)}" if "host" in parts else ""
    causes = {
        "password authentication failed": "the user or the password is wrong",
        "no password supplied": "the password is missing",
        "no pg_hba.conf entry": "the server lets nobody in from this machine (pg_hba.conf)",
        "role ": "the user does not exist",
        "database ": "the database does not exist",
        "could not translate host name": "the host is not known",
        "failed to resolve host": "the host is not known",
        "too many clients": "the server has no connection left",
    }
    # Only the server's own last sentence says why; the part before it names the place.
    reason = said.rsplit("failed:", 1)[-1]
    known = next((cause for text, cause in causes.items() if text in reason), None)
    may_pass = known is None or "no connection left" in known
    return LiveError(
        f"The database {parts.get('dbname', '')}{place} cannot be reached: {known or 'nobody answers there'}.", may_pass=may_pass
    )


def _broken_off(error: psycopg.Error, name: str) -> LiveError:
    """What went wrong while reading; a server's message of class 42 (missing table, right or column) names no data."""
    state = error.sqlstate or ""
    if state.startswith("42") and error.diag.message_primary:
        return LiveError(f"Database {name}: {error.diag.message_primary}")
    return LiveError(
        f"Database {name}: reading broke off ({state or 'connection lost'}); nothing was kept of it, try again.", may_pass=True
    )
