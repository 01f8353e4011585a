"""Processes: who runs and who is gone, by number and start time.

Naming a process so that a number used again is not taken for the old one, and ending what a killed run left running, belong here.
What the processes do does not. Why it matters is told in README.md, section "When something fails".
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

__all__ = ["end_left_behind", "is_alive", "note_child", "process_name"]

_END_SECONDS = 30.0


def process_name(pid: int) -> str:
    """Number and start time of a process."""
    stat = Path(f"/proc/{pid}/stat")
    started = stat.read_text(encoding="utf-8").rsplit(")", 1)[1].split()[19] if stat.exists() else str(int(time.time()))
    return f"{pid}-{started}"


def is_alive(process: str) -> bool:
    """Whether the process of this name still runs; one that has ended and waits for its parent does not."""
    pid = int(process.split("-", maxsplit=1)[0])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return True
    return process_name(pid) == process and stat.read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"


def note_child(note: Path, pid: int) -> None:
    """Write down which process works for this one, so that the next run can end it if this one is killed."""
    note.write_text(process_name(pid), encoding="utf-8")


def end_left_behind(note: Path) -> None:
    """End the process that the note names, and wait until it is gone; call it only where its parent cannot be alive.

    Raises TimeoutError, naming the process, where it does not end.
    """
    if not note.exists():
        return
    process = note.read_text(encoding="utf-8")
    pid = int(process.split("-", maxsplit=1)[0]) if process else 0
    deadline = time.monotonic() + _END_SECONDS
    while process and is_alive(process):
        os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise TimeoutError(f"process {pid} is left from a run that was killed, and does not end; end it, then run again")
        time.sleep(0.05)
    note.unlink(missing_ok=True)
