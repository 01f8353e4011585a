"""Command: `serialake accept-load`, by which a person lets a site go live in spite of what its initial load differs in.

The decision is a file below landing/ like any other delivery, so that it has its lineage, and a lake that is built anew knows it. It
names the differences that were seen: others hold the site anew. See ROLLOUT.md.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from pipelines.home import Home

__all__ = ["accept_load"]

_LONGEST_REASON = 500
_out = Console()
_err = Console(stderr=True)


def accept_load(
    site: Annotated[str, typer.Argument(help="Site that is held, as status shows it.")],
    reason: Annotated[str, typer.Option(help="Why its initial load is right in spite of the differences.")],
) -> None:
    """Accept the differences of a site's initial load; the next run takes the site as live."""
    from pipelines.rollout.judging import held_sites  # noqa: PLC0415 - a command imports what it needs

    home = Home.from_environment()
    if not home.published.exists():
        _fail(f"Nothing is published in {home.root} yet: serialake run (or set SERIALAKE_HOME)")
    if not reason.strip() or len(reason) > _LONGEST_REASON:
        _fail(f"A reason has 1 to {_LONGEST_REASON} characters.")
    held = {row["site_id"]: row["difference_id"] for row in held_sites(home).iter_rows(named=True)}
    if site.upper() not in held:
        _fail(f"{site} is not held; those that are: {', '.join(held) or 'none'}")
    named = held[site.upper()]
    buffer = io.StringIO()
    rows = csv.writer(buffer, lineterminator="\n")
    rows.writerow(["site", "difference_id", "reason", "decided_at"])
    rows.writerow([site.upper(), named, " ".join(reason.split()), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")])
    target = home.prepare().landing / "rollout" / f"acceptances_{site.upper()}_{named[:12]}.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    temporary.write_text(buffer.getvalue(), encoding="utf-8")
    temporary.replace(target)
    _out.print(f"The differences of {site.upper()} are accepted; serialake run takes it as live.")


def _fail(message: str) -> None:
    _err.print(message, style="red", soft_wrap=True, markup=False)
    raise typer.Exit(1)
