"""Processes: what a killed run left running is ended, and nothing else is."""

import os
import signal
import subprocess
import sys

import pytest

from pipelines.processes import end_left_behind, is_alive, note_child, process_name

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
PARENT = """
import subprocess, sys
from pathlib import Path
from pipelines.processes import note_child
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdout=subprocess.DEVNULL)
note_child(Path(sys.argv[1]), child.pid)
print("noted", flush=True)
child.wait()
"""


@pytest.fixture
def sleeper():
    process = subprocess.Popen(SLEEPER)
    yield process
    process.kill()
    process.wait()


def test_the_child_of_a_killed_parent_is_ended_by_the_next_run(tmp_path):
    note = tmp_path / "note"
    with subprocess.Popen([sys.executable, "-c", PARENT, str(note)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout.readline() == "noted\n"
        os.kill(parent.pid, signal.SIGKILL)
    left = note.read_text()
    assert is_alive(left)
    end_left_behind(note)
    assert not is_alive(left)
    assert not note.exists()


def test_a_number_that_another_process_has_taken_since_is_left_alone(tmp_path, sleeper):
    note = tmp_path / "note"
    note.write_text(f"{sleeper.pid}-1")
    end_left_behind(note)
    assert sleeper.poll() is None
    assert not note.exists()


def test_a_process_that_ended_is_not_alive_even_before_its_parent_looks(sleeper):
    name = process_name(sleeper.pid)
    assert is_alive(name)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(name)


@pytest.mark.parametrize("content", [None, ""])
def test_without_a_note_there_is_nothing_to_end(tmp_path, content):
    note = tmp_path / "note"
    if content is not None:
        note.write_text(content)
    end_left_behind(note)
    assert not note.exists()


def test_a_note_names_the_process(tmp_path, sleeper):
    note_child(tmp_path / "note", sleeper.pid)
    assert (tmp_path / "note").read_text() == process_name(sleeper.pid)
