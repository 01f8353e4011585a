"""Command line: the commands of the README.

Reading arguments and showing progress belong here; the work is done elsewhere, and imported only by the command that needs it.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from pipelines.forecasting.command import backtest_app
from pipelines.home import Home, project_root
from pipelines.models.command import model_app
from pipelines.recall.command import recall
from pipelines.replenishment.command import whatif
from pipelines.rollout.command import accept_load
from pipelines.sweeper.command import cases, decide

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False, help=__doc__.splitlines()[0])
_out = Console()
_err = Console(stderr=True)

app.command()(recall)
app.command("accept-load")(accept_load)
app.command()(cases)
app.command()(decide)
app.command()(whatif)
app.add_typer(backtest_app, name="backtest")
app.add_typer(model_app, name="model")

SAMPLE_DAYS = 120
SHOWN_FILES = 20
_MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write the feeds into.")],
    truth: Annotated[Path | None, typer.Option(help="Folder for the planted truth; default: a folder `truth` beside --out.")] = None,
    days: Annotated[int, typer.Option(min=30, help="Days to simulate.")] = SAMPLE_DAYS,
    stores: Annotated[int, typer.Option(min=3, help="Stores, besides two distribution centres.")] = 10,
    articles: Annotated[int, typer.Option(min=4, help="Variants of phones, tablets and wearables.")] = 24,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files, byte for byte.")] = 7,
    scale: Annotated[float, typer.Option(min=0.05, help="Volume of sales, as a factor.")] = 1.0,
    start: Annotated[str, typer.Option(help="First day, ISO.")] = "2026-03-02",
    tables: Annotated[str | None, typer.Option(help="Also the ERP's own tables of all postings, as ecc or s4 has them.")] = None,
    replenishment: Annotated[
        str, typer.Option(help="as_sold: every customer finds a unit; min_max: stores order by levels, run out and lose sales.")
    ] = "as_sold",
) -> None:
    """Write the feeds of a simulated retailer of serialised goods, with planted faults whose truth goes to a folder beside."""
    from pipelines.simulator import SimulationConfig

    config = SimulationConfig(
        days=days,
        stores=stores,
        articles=articles,
        seed=seed,
        scale=scale,
        start=date.fromisoformat(start),
        tables=tables,
        replenishment=replenishment,
    )
    files = _simulate(config, out, truth or out.parent / "truth")
    _out.print(f"{files:,} files below {out}; truth below {truth or out.parent / 'truth'}")


@app.command()
def run(
    sample: Annotated[
        bool, typer.Option("--sample", help="Where landing/ and lake are empty, simulate 120 days of a small retailer first.")
    ] = False,
    is_intraday: Annotated[
        bool, typer.Option("--intraday", help="Only take files in and show them in the live tables; facts are built by the night.")
    ] = False,
) -> None:
    """Take what is new in landing/ and do the nightly job: extract, build the facts, publish."""
    home = Home.from_environment().prepare()
    if is_intraday:
        _run_intraday(home)
        return
    from pipelines.ingest import ensure_tables, new_files
    from pipelines.lake import Lake

    lake = Lake(home.lake)
    if sample and not any(home.landing.iterdir()) and not lake.exists("manifest"):
        from pipelines.simulator import SimulationConfig

        _simulate(SimulationConfig(days=SAMPLE_DAYS), home.landing, home.truth)
    from pipelines.contracts import source_contracts
    from pipelines.models.scoring import scores_are_current
    from pipelines.models.summing import sums_are_current
    from pipelines.publish import is_current
    from pipelines.replenishment.publishing import replenishment_is_current
    from pipelines.rollout.judging import judgements_are_current

    ensure_tables(lake, source_contracts())
    new, left = new_files(home, lake)
    if left:
        _err.print(f"Left for the next run, since still being written or not readable: {', '.join(left)}", soft_wrap=True, markup=False)
    judged = (scores_are_current, sums_are_current, judgements_are_current, replenishment_is_current)
    if not new and is_current(home, lake) and all(current(home, lake) for current in judged):
        if home.run_note.exists():
            from pipelines.runs import close_dead_runs

            close_dead_runs(home)
        _out.print(f"Nothing new in {home.landing}; {home.published.name} shows everything that was loaded.", soft_wrap=True)
        return
    outcome = _run_with_progress(home)
    if not outcome.succeeded:
        _fail_run(home, outcome)
    from pipelines.summary import show_summary

    show_summary(_out, home, outcome.stage_seconds, outcome.checks)


@app.command()
def extract(
    system: Annotated[str, typer.Argument(help="Live system: tryton (SERIALAKE_TRYTON_DSN), or s4 (SERIALAKE_S4_URL).")],
    is_full: Annotated[bool, typer.Option("--full", help="Read everything, not only what changed; after a restore, for example.")] = False,
) -> None:
    """Read what changed in a live system into files below landing/; the next run takes them in."""
    home = Home.from_environment().prepare()
    from pipelines.contracts import source_contracts
    from pipelines.lake import Lake
    from pipelines.live import S4, SYSTEMS, LiveError, connection_string, extract_s4, s4_address
    from pipelines.live import extract as extract_system

    if system not in {*SYSTEMS, S4}:
        _fail(f"No live system is called {system}; there is {', '.join((*SYSTEMS, S4))}")
    lake, contracts = Lake(home.lake), source_contracts()
    try:
        if system == S4:
            done = extract_s4(home, lake, contracts, address=s4_address(), now=_now(), is_full=is_full)
        else:
            found = connection_string(SYSTEMS[system])
            done = extract_system(SYSTEMS[system], home, lake, contracts, connection_string=found, is_full=is_full)
    except LiveError as error:
        _fail(str(error))
    for table, rows in done.changed.items():
        if rows or done.deleted[table]:
            _out.print(f"{system}/{table}: {rows:,} rows new or changed, {done.deleted[table]:,} gone")
    _out.print(
        f"{len(done.files)} files below {home.landing}; serialake run takes them in." if done.files else "Nothing changed.", soft_wrap=True
    )


@app.command()
def feed(
    system: Annotated[str, typer.Argument(help="System that is fed: peoplesoft. What a site maps stands in feeds/peoplesoft.yaml.")],
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="One business day; default: all that a night looks at.")
    ] = None,
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First business day.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last business day.")] = None,
    is_resent: Annotated[bool, typer.Option("--resend", help="Send again what was refused, though nothing in it has changed.")] = False,
) -> None:
    """Write the files of closed business days into outbox/, each once; what changed since goes into a file of its own."""
    home = Home.from_environment().prepare()
    from pipelines.contracts import published_contracts, source_contracts
    from pipelines.feeds import FeedError, FeedSettingsError, feed_peoplesoft, read_settings
    from pipelines.ingest import ensure_tables
    from pipelines.lake import Lake

    if system != "peoplesoft":
        _fail(f"No feed is called {system}; there is peoplesoft")
    if (day and (first or last)) or (first is None) != (last is None):
        _fail("Give --day, or both --from and --to, or neither")
    days = (day.date(), day.date()) if day else (first.date(), last.date()) if first and last else None
    lake = Lake(home.lake)
    with home.writer_lock():
        try:
            ensure_tables(lake, source_contracts())
            fed = feed_peoplesoft(home, lake, published_contracts(), read_settings(home), now=_now(), days=days, is_resent=is_resent)
        except (FeedError, FeedSettingsError) as error:
            _fail(str(error))
    files = [*fed.written, *fed.put_back]
    for file in files[:SHOWN_FILES]:
        _out.print(f"outbox/{file}", soft_wrap=True)
    if len(files) > SHOWN_FILES:
        _out.print(f"... and {len(files) - SHOWN_FILES:,} more")
    told = ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in fed.states.items())
    _out.print(f"{len(fed.written)} files written, {len(fed.put_back)} put back; of all files: {told or 'none'}", soft_wrap=True)


@app.command()
def status() -> None:
    """Show the last run, what is held back, how fresh each published table is, and what lies in quarantine."""
    home = Home.from_environment().prepare()
    from pipelines.runs import last_run
    from pipelines.summary import show_freshness, show_held_sites, show_live, show_quarantine

    outcome = last_run(home)
    if outcome is None:
        _out.print("No run yet: serialake run")
        return
    _out.print(f"Last run {outcome.run_id} ({outcome.job}), started {outcome.started_at:%Y-%m-%d %H:%M} UTC: [bold]{outcome.state}[/bold]")
    for stage, message in outcome.errors.items():
        _out.print(f"  [red]{stage}[/red]: {escape(message)}", soft_wrap=True)
    from pipelines.checks.verdict_tables import show_red
    from pipelines.lake import Lake

    show_red(_out, Lake(home.lake))
    show_held_sites(_out, home)
    show_live(_out, home, Lake(home.lake), _now())
    show_freshness(_out, home, _now())
    show_quarantine(_out, home)


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Files to check, before they are sent.")],
    lands_at: Annotated[
        str | None,
        typer.Option("--as", help="Where below landing/ the file would lie, for example sap/mara.csv; default: its last folder and name."),
    ] = None,
) -> None:
    """Give a supplier the verdict that a delivery would get: what is refused, and which rules of the contract are broken."""
    from pipelines.checks.verdict_tables import check_file
    from pipelines.contracts import ContractError, source_contracts
    from pipelines.sources import read_extract_settings, read_mappings

    home = Home.from_environment()
    contracts = source_contracts()
    try:
        mappings, settings = read_mappings(home.contracts), read_extract_settings(home.contracts, contracts)
    except ContractError as error:
        _fail(str(error))
    missing = [path for path in files if not path.is_file()]
    if missing:
        _fail(f"{missing[0]} is not a file")
    names = {path: lands_at or "/".join(path.resolve().parts[-2:]) for path in files}
    good = [
        check_file(_out, path, name, contracts=contracts, mappings=mappings, settings=settings, now=_now(), layouts=home.layouts)
        for path, name in names.items()
    ]
    if not all(good):
        _fail("Not fit to be sent as it is.")


@app.command()
def accept(
    file: Annotated[str, typer.Argument(help="File below landing/, as status shows it.")],
    reason: Annotated[str, typer.Option(help="Why its rows are right in spite of the rule.")],
) -> None:
    """Let a file pass that a contract holds back; the next run builds on it."""
    from pipelines.checks.decisions import accept as accept_file

    _decide(lambda lake, held: accept_file(lake, file, held_back=held, reason=reason, now=_now()))
    _out.print(f"{file} is accepted; serialake run takes it in.")


@app.command()
def reject(
    file: Annotated[str, typer.Argument(help="File below landing/, as status shows it.")],
    reason: Annotated[str, typer.Option(help="Why its rows are wrong.")],
) -> None:
    """Move all rows of a file that a contract holds back to quarantine; a corrected file can then be delivered."""
    from pipelines.checks.decisions import reject as reject_file
    from pipelines.contracts import source_contracts

    moved = _decide(lambda lake, held: reject_file(lake, source_contracts(), file, held_back=held, reason=reason, now=_now()))
    _out.print(f"{moved:,} rows of {file} are in quarantine; serialake run goes on without them.")


@app.command()
def serial(
    serial_number: Annotated[str, typer.Argument(help="Serial number, as scanned.")],
    article: Annotated[
        str | None, typer.Option("--article", help="Article number, where several articles share the serial number.")
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=_MOMENTS, help="Where it was at this moment, UTC; a day alone means its beginning."),
    ] = None,
    known_at: Annotated[
        datetime | None, typer.Option("--known-at", formats=_MOMENTS, help="By what had been taken in at this moment, UTC.")
    ] = None,
) -> None:
    """Print a unit's card and its history, newest last; or where it was at a moment, or was thought to be."""
    home = Home.from_environment()
    from pipelines.card import find_units, show_unit, show_unit_at

    _need_published(home)
    if as_of or known_at:
        if not show_unit_at(_out, home, serial_number, article, as_of=as_of, known_at=known_at):
            _fail(f"Nothing is known of serial number {serial_number} at that time")
        return
    units = find_units(home, serial_number, article)
    if units.is_empty():
        _fail(
            f"No unit has serial number {serial_number}"
            + (f" and article {article}" if article else "")
            + "; check for typing errors, or look in quarantine"
        )
    if units.height > 1:
        _out.print(f"{units.height} articles share this serial number; add --article to see one.")
    for unit in units.iter_rows(named=True):
        show_unit(_out, home, unit)


@app.command()
def template(
    kind: Annotated[str, typer.Argument(help="Kind of delivery, for example wms/receipts; any other word lists them.")],
    out: Annotated[Path, typer.Option("--out", help="File to write, .xlsx or .csv.")],
) -> None:
    """Write an empty spreadsheet for one kind of delivery, with instructions and rules."""
    from pipelines.contracts import source_contracts
    from pipelines.templates import TemplateError, write_template

    try:
        contract = write_template(source_contracts(), kind, out)
    except TemplateError as error:
        _fail(str(error))
    pattern = (contract.landing_pattern or "").removesuffix(".csv") + out.suffix
    _out.print(f"{out} has {len(contract.columns)} columns; fill it in and deliver it as landing/{pattern}.")


@app.command()
def epcis(
    out: Annotated[Path, typer.Option("--out", help="File to write, for example history.jsonld.")],
    serial_number: Annotated[str | None, typer.Option("--serial", help="Serial number whose history is told.")] = None,
    article: Annotated[str | None, typer.Option("--article", help="Article number.")] = None,
    where: Annotated[str | None, typer.Option("--where", help="SQL condition on serial_movements.")] = None,
) -> None:
    """Write movements as an EPCIS 2.0 document for a partner."""
    home = Home.from_environment()
    from pipelines.epcis_export import epcis_document, movements_to_tell
    from pipelines.warehouse import QueryError

    _need_published(home)
    if serial_number is None and article is None and where is None:
        _fail("Which movements? Give --serial, --article or --where, for example --where \"moved_at >= date '2026-03-01'\".")
    try:
        movements = movements_to_tell(home.published, serial_number=serial_number, article=article, where=where)
    except QueryError as error:
        _fail(str(error))
    if movements.is_empty():
        _fail("No movement fits; nothing was written.")
    out.write_text(epcis_document(movements, created_at=_now()), encoding="utf-8")
    _out.print(f"{movements.height:,} movements of units are in {out}.")


@app.command()
def count_plan(
    site: Annotated[str, typer.Option(help="Site that is to count.")],
    lines: Annotated[int, typer.Option(min=1, help="Articles to show.")] = 20,
) -> None:
    """Print which articles a site should count next, those first of which a count is expected to find most value amiss."""
    home = Home.from_environment()
    from pipelines.summary import show_rows
    from pipelines.warehouse import query as run_query

    _need_published(home)
    plan = run_query(home.published, "select * from count_plan where site_id = ? order by site_rank", [site])
    if plan.is_empty():
        sites = run_query(home.published, "select distinct site_id from count_plan order by all")["site_id"]
        _fail(f"No article is to be counted at site {site}; the plan knows the sites {', '.join(sites) or 'of no count at all'}")
    columns = ("site_rank", "article_id", "article_name", "stock_units", "days_since_count", "expected_units", "expected_value")
    shown = plan.head(lines).select(*columns, "open_discrepancies").with_columns(plan["expected_units"].head(lines).round(2))
    show_rows(_out, f"Count plan of {site}, as of {plan['as_of_date'][0]}", shown)


@app.command()
def sql(query: Annotated[str, typer.Argument(help="A SELECT on the published tables.")]) -> None:
    """Run a query on the published tables and print the first 1,000 rows."""
    home = Home.from_environment()
    from pipelines.summary import show_rows
    from pipelines.warehouse import QueryError
    from pipelines.warehouse import query as run_query

    _need_published(home)
    try:
        frame = run_query(home.published, query)
    except QueryError as error:
        _fail(str(error))
    show_rows(_out, f"{frame.height:,} row{'s' * (frame.height != 1)}", frame.head(1000))


@app.command()
def ui(port: Annotated[int, typer.Option(help="Port of the web page, on this machine only.")] = 3000) -> None:
    """Open Dagster's web page with the graph, the runs, the schedule and the sensor (dagster dev on workspace.yaml)."""
    Home.from_environment().prepare()
    command = [
        sys.executable,
        "-m",
        "dagster",
        "dev",
        "-w",
        str(project_root() / "workspace.yaml"),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    os.chdir(project_root())
    # Dagster takes this process over, so that whoever stops it stops Dagster.
    os.execv(sys.executable, command)  # noqa: S606 - our own command line


def _simulate(config, out: Path, truth: Path) -> int:
    from pipelines.progress_bar import progress_bar
    from pipelines.simulator import simulate as simulate_world
    from pipelines.simulator import write

    with progress_bar(_err) as advance:
        advance("simulate", 0, None)
        world = simulate_world(config)
        return write(world, out, truth, on_file=lambda count: advance("simulate", count, None))


def _run_intraday(home: Home) -> None:
    from pipelines.lake import Lake
    from pipelines.runs import run_job
    from pipelines.summary import show_live

    _need_published(home)
    outcome = run_job(home, "intraday")
    if not outcome.succeeded:
        _fail_run(home, outcome)
    show_live(_out, home, Lake(home.lake), _now())


def _run_with_progress(home: Home):
    from pipelines.progress import listening
    from pipelines.progress_bar import progress_bar, quiet_output

    with progress_bar(_err) as advance, listening(advance), quiet_output(home.root / "run.log"):
        advance("start", 0, None)
        from pipelines.runs import run_job

        return run_job(home)


def _fail_run(home: Home, outcome) -> None:
    from pipelines.checks.verdict_tables import show_red
    from pipelines.lake import Lake

    for stage, message in outcome.errors.items():
        _err.print(f"[red]{stage} failed[/red]: {escape(message)}", soft_wrap=True)
    show_red(_err, Lake(home.lake))
    _fail(f"Run {outcome.run_id} failed; what was published before still serves. Details: serialake ui, or {home.root / 'run.log'}")


def _decide(decision):
    """What a decision returns, taken while nothing else writes; only files that a contract holds back can be decided on."""
    from pipelines.checks.decisions import DecisionError
    from pipelines.checks.gate import held_back_files
    from pipelines.lake import Lake

    home = Home.from_environment().prepare()
    lake = Lake(home.lake)
    with home.writer_lock(), home.ingest_lock():
        try:
            return decision(lake, held_back_files(lake))
        except DecisionError as error:
            _fail(str(error))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _need_published(home: Home) -> None:
    if not home.published.exists():
        _fail(f"Nothing is published in {home.root} yet: serialake run (or set SERIALAKE_HOME)")


def _fail(message: str) -> None:
    _err.print(message, style="red", soft_wrap=True, markup=False)
    raise typer.Exit(1)


if __name__ == "__main__":
    app()
