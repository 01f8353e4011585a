"""SAP's own CAP runtime, serving the entities of S/4HANA for as long as the tests of one module take."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

HERE = Path(__file__).parent
USER, SECRET = "reader", "not-to-be-shown"
DOCUMENTS = "odata/v4/API_MATERIAL_DOCUMENT_SRV/A_MaterialDocumentHeader"
PRODUCTS = "odata/v4/API_PRODUCT_SRV/A_Product"
_INSTALL_SECONDS, _START_SECONDS = 600, 60


@dataclass(frozen=True)
class S4Server:
    """The server's port."""

    port: int

    def address(self, version: int = 4) -> str:
        """Root of the services in one version of OData."""
        return f"http://127.0.0.1:{self.port}/{'odata/v4' if version == 4 else 'odata/v2/odata/v4'}"

    def create(self, path: str, entity: dict) -> None:
        """Post an entity with what hangs below it."""
        answer = requests.post(f"http://127.0.0.1:{self.port}/{path}", json=entity, auth=(USER, SECRET), timeout=30)
        assert answer.status_code == 201, answer.text

    def clear(self) -> None:
        """Delete all that was created."""
        for path, key in (
            (DOCUMENTS, "MaterialDocumentYear='{MaterialDocumentYear}',MaterialDocument='{MaterialDocument}'"),
            (PRODUCTS, "'{Product}'"),
        ):
            while found := requests.get(f"http://127.0.0.1:{self.port}/{path}", auth=(USER, SECRET), timeout=30).json()["value"]:
                for entity in found:
                    requests.delete(f"http://127.0.0.1:{self.port}/{path}({key.format(**entity)})", auth=(USER, SECRET), timeout=30)


def packages() -> Path:
    """Folder of the installed packages, installed once per user; skips where that cannot be."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not on this machine, so there is no OData server to read from")
    wanted = (HERE / "package.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "serialake-tests"
    folder = cache / f"cap-{hashlib.sha256(wanted).hexdigest()[:12]}"
    if (folder / "done").exists():
        return folder / "node_modules"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_bytes(wanted)
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("the packages of the OData server could not be installed in time")
    if done.returncode:
        pytest.skip("the packages of the OData server could not be installed: no registry can be reached")
    (folder / "done").touch()
    return folder / "node_modules"


def s4_server() -> Iterator[S4Server]:
    """A running server, empty at first."""
    modules = packages()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "srv").mkdir()
        shutil.copy(HERE / "services.cds", folder / "srv")
        shutil.copy(HERE / "package.json", folder)
        (folder / "node_modules").symlink_to(modules)
        port = _free_port()
        with (folder / "log").open("w") as log:
            command = [str(modules / ".bin" / "cds-serve"), "all", "--in-memory", "--port", str(port)]
            process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(process, port, folder / "log")
            yield S4Server(port)
        finally:
            process.terminate()
            process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait(process: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            requests.get(f"http://127.0.0.1:{port}/{DOCUMENTS}", auth=(USER, SECRET), timeout=5).raise_for_status()
        except requests.RequestException:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"the OData server did not start: {log.read_text()[-2000:]}")
