"""Commands: `serialake cases` and `serialake decide`, their options and what they print.

Reading options and showing answers belong here; what cases are does not (cases.py), nor what a decision does (decisions.py).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from pipelines.home import Home

__all__ = ["cases", "decide"]

_out = Console()
_err = Console(stderr=True)
_SHOWN = 30
_WAITING = ("open", "proposed", "approved")


def cases(
    case: Annotated[list[str] | None, typer.Argument(help="Cases to show with their units; default: those that have not ended.")] = None,
    state: Annotated[str | None, typer.Option("--state", help="open, proposed, approved, posted, rejected or closed.")] = None,
    site: Annotated[str | None, typer.Option("--site", help="Site that received, or should have.")] = None,
) -> None:
    """Show discrepancy cases: what is wrong, what is proposed, what is at stake; those of most value first."""
    from pipelines.summary import show_rows  # noqa: PLC0415 - a command imports what it needs
    from pipelines.warehouse import query  # noqa: PLC0415

    home = _published_home()
    if case:
        wanted = [each.strip().upper() for each in case]
        found = query(home.published, "select * from discrepancy_cases where case_id in (select unnest(?::varchar[]))", [wanted])
        if missing := sorted(set(wanted) - set(found["case_id"])):
            _fail(f"{', '.join(missing)} is no case; serialake cases shows those that have not ended")
        for row in found.iter_slices(1):
            show_rows(_out, row["case_id"][0], row)
            show_rows(_out, "Units", query(home.published, _UNITS, [row["case_id"][0]]))
        return
    states = [state] if state else list(_WAITING)
    found = query(home.published, _CASES, [states, site, site])
    show_rows(_out, f"{found.height:,} cases{f', the first {_SHOWN}' if found.height > _SHOWN else ''}", found.head(_SHOWN))
    _out.print("serialake decide CASE --approve, or --reject, --reason WHY --by CODE", soft_wrap=True)


def decide(
    case: Annotated[list[str], typer.Argument(help="Cases to decide on, as serialake cases shows them.")],
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    decided_by: Annotated[str, typer.Option("--by", help="Your code; no name.")],
    approve: Annotated[bool, typer.Option("--approve", help="What is proposed may be posted.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="It may not, and the case is finished.")] = False,
    day: Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Day of the decision; default: today.")] = None,
) -> None:
    """Approve or reject what is proposed for discrepancy cases; the decision is a file in landing/, and the next run takes it in."""
    from pipelines.sweeper.decisions import CaseDecisionError, deliver_decision  # noqa: PLC0415
    from pipelines.warehouse import query  # noqa: PLC0415

    home = _published_home()
    if approve == reject:
        _fail("Give either --approve or --reject")
    decided_on = day.date() if day else datetime.now(UTC).date()
    known = query(home.published, "select * from discrepancy_cases")
    decision = "approve" if approve else "reject"
    try:
        file = deliver_decision(home, known, case, decision=decision, decided_by=decided_by, reason=reason, day=decided_on)
    except CaseDecisionError as error:
        _fail(str(error))
    _out.print(f"landing/{file} says so; serialake run takes it in.", soft_wrap=True)


def _published_home() -> Home:
    home = Home.from_environment()
    if not home.published.exists():
        _fail(f"Nothing is published in {home.root} yet: serialake run (or set SERIALAKE_HOME)")
    return home


def _fail(message: str) -> None:
    _err.print(message, style="red", soft_wrap=True, markup=False)
    raise typer.Exit(1)


_CASES = """
select
    case_id as "case", state_code as state, kind_code as kind, action_code as proposed, to_site_id as site, document_id as document,
    units_outstanding as units, outstanding_amount as value, currency_code as currency, opened_date as since, reason
from discrepancy_cases
where state_code in (select unnest(?::varchar[])) and (?::varchar is null or to_site_id = ?)
order by outstanding_amount desc nulls last, case_id
"""

_UNITS = """
select
    article_id, serial_number, role_code as role, unit_quantity as units, action_code as proposed, seen_site_id as seen_at,
    opened_at, resolved_at, resolved_document_id as ended_by
from discrepancy_case_units where case_id = ? order by all
"""
