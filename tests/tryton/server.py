"""A PostgreSQL server and a Tryton on it, for as long as the tests of one module take."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from pipelines.home import project_root

SECRET = "not-to-be-shown"
MODULES = ("stock_lot", "stock_lot_unit", "purchase", "sale")
READABLE = """
    product_template, product_product, party_party, company_company, stock_location, stock_lot, stock_move, stock_inventory,
    stock_inventory_line, stock_shipment_in, stock_shipment_in_return, stock_shipment_out, stock_shipment_out_return,
    stock_shipment_internal, purchase_purchase, purchase_line, sale_sale, sale_line
"""


@dataclass(frozen=True)
class TrytonServer:
    """A database server whose socket lies in `folder`, with the database `shop` of one company."""

    folder: Path

    def dsn(self, user: str = "reader", *, database: str = "shop", password: str = SECRET) -> str:
        """Connection string of a user."""
        return f"postgresql://{user}:{password}@/{database}?host={self.folder}"

    def sql(self, *statements: str, database: str = "shop") -> None:
        """Run statements as the server's owner."""
        import psycopg

        with psycopg.connect(self.dsn("postgres", database=database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def start(self, module: str, *arguments: object) -> subprocess.Popen:
        """Start a program of tests/tryton on the database, as a worker of the Tryton server."""
        command = [sys.executable, "-m", f"tests.tryton.{module}", "shop", *map(str, arguments)]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self._environment(), cwd=project_root()
        )

    def run(self, module: str, *arguments: object):
        """Run such a program to its end; returns what it printed."""
        return finished(self.start(module, *arguments))

    def administrate(self, *arguments: str) -> None:
        """Run trytond-admin."""
        command = [str(Path(sys.executable).with_name("trytond-admin")), "-d", "shop", *arguments]
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def _environment(self) -> dict[str, str]:
        names = {"TRYTOND_CONFIG": str(self.folder / "trytond.conf"), "TRYTONPASSFILE": str(self.folder / "password"), "TZ": "UTC"}
        return {**os.environ, **names, "PYTHONPATH": str(project_root())}


def finished(process: subprocess.Popen):
    """What a program printed, once it has ended well."""
    out, errors = process.communicate()
    assert process.returncode == 0, errors
    return json.loads(out)


def binaries() -> Path:
    """Folder of PostgreSQL's server programs; skips where there is none."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    folders = [folder for folder in folders if (folder / "initdb").exists()] or ([Path(found).parent] if found else [])
    if not folders:
        pytest.skip("no PostgreSQL server here: apt-get install postgresql")
    return folders[0]


def owner() -> str | None:
    """The user the server runs as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")


def tryton_server():
    """Yield a server with a company that has not traded yet; stop it afterwards."""
    # Looked for, not imported: Tryton changes the process that imports it.
    missing = [package for package in ("psycopg", "psycopg_pool", "trytond", "proteus") if find_spec(package) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: pip install -e '.[tryton-test]'")
    programs, user = binaries(), owner()
    # A socket's path has at most 107 characters, so it cannot lie in pytest's folder.
    folder = Path(tempfile.mkdtemp(prefix="serialake-pg-", dir="/tmp"))
    (folder / "password").write_text(SECRET)
    if user:
        shutil.chown(folder, user)
        shutil.chown(folder / "password", user)

    def run(*command: object) -> None:
        done = subprocess.run(
            [str(part) for part in command], user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
        )
        assert done.returncode == 0, done.stderr

    data = folder / "data"
    try:
        # Nobody needs these rows after the machine fails: no waiting for the disk.
        run(
            programs / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "scram-sha-256",
            "--pwfile",
            folder / "password",
            "-E",
            "UTF8",
            "--no-locale",
            "-N",
        )
        run(programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", f"-k {folder} -h '' -F", "start")
        try:
            yield _prepared(TrytonServer(folder))
        finally:
            run(programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _prepared(server: TrytonServer) -> TrytonServer:
    (server.folder / "trytond.conf").write_text(f"[database]\nuri = postgresql://postgres:{SECRET}@/?host={server.folder}\n")
    server.sql("create database shop", database="postgres")
    server.administrate("--all", "--email", "nobody@localhost")
    server.administrate("-u", *MODULES, "--activate-dependencies")
    server.run("trade", "set_up")
    server.sql(f"create role reader login password '{SECRET}'", f"grant select on {READABLE} to reader")
    return server
