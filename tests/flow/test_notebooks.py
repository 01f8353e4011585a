"""Notebooks: each runs from top to bottom on the built retailer, and is committed without what it showed."""

import json

import nbclient
import nbformat
import pytest

from pipelines.home import project_root

NOTEBOOKS = sorted((project_root() / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_the_published_tables(path, built_world, monkeypatch):
    monkeypatch.setenv("SERIALAKE_HOME", str(built_world.home.root))
    monkeypatch.setenv("PYTHONPATH", str(project_root()))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in shown)
    assert not [output for output in shown if output.output_type == "error" or output.get("name") == "stderr"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_output_and_opens_with_a_question(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert not [cell for cell in cells if cell["cell_type"] == "code" and (cell["outputs"] or cell["execution_count"])]
    assert "?" in "".join(cells[0]["source"])
    assert not [line for cell in cells if cell["cell_type"] == "code" for line in cell["source"] if line.startswith(("def ", "class "))]
