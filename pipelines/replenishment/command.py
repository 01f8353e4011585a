"""Command: `serialake whatif`, its options and what it prints.

Reading options and showing the answer belong here; the answer does not (whatif.py). See REPLENISHMENT.md.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipelines.home import Home

if TYPE_CHECKING:
    import polars as pl

__all__ = ["whatif"]

_out = Console()
_err = Console(stderr=True)
_SHOWN = 25
_DAY = ["%Y-%m-%d"]


def whatif(
    campaign: Annotated[str | None, typer.Option("--campaign", help="Number of a campaign in the calendar, or a file like its.")] = None,
    discount: Annotated[float | None, typer.Option("--discount", min=0, max=99, help="Percent off, where there is no file.")] = None,
    first: Annotated[datetime | None, typer.Option("--from", formats=_DAY, help="First day.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=_DAY, help="Last day.")] = None,
    articles: Annotated[str | None, typer.Option("--articles", help="Variants or generic articles, comma-separated; all.")] = None,
    sites: Annotated[str | None, typer.Option("--sites", help="Sites or regions, comma-separated; default: all.")] = None,
) -> None:
    """Show forecast, stock and money with and without a campaign, variant by variant; nothing is written or changed."""
    from pipelines.lake import Lake  # noqa: PLC0415 - a command imports what it needs
    from pipelines.models.registry import champion  # noqa: PLC0415
    from pipelines.models.use_cases import USE_CASES  # noqa: PLC0415
    from pipelines.params import read_params  # noqa: PLC0415
    from pipelines.replenishment.facts import read_facts  # noqa: PLC0415
    from pipelines.replenishment.planning import prepared  # noqa: PLC0415
    from pipelines.replenishment.whatif import Asked, WhatIfError, compared, panel_with, panel_without  # noqa: PLC0415
    from pipelines.summary import show_rows  # noqa: PLC0415
    from pipelines.warehouse import install_delta_extension, query  # noqa: PLC0415

    home, use_case, params = Home.from_environment(), USE_CASES["demand"], read_params()
    facts = read_facts(home) if home.published.exists() else None
    standing = champion(home, Lake(home.lake), use_case.name) if facts else None
    if facts is None or standing is None:
        _fail(f"Nothing is forecast in {home.root} yet: serialake run (or set SERIALAKE_HOME)")
    try:
        install_delta_extension()
        offers = _offers(home, campaign, discount, first, last, articles, sites)
        panel = query(home.warehouse, f"select * from {use_case.relation}")  # noqa: S608 - a relation of our own
        panels = [panel_without(panel, offers), panel_with(panel_without(panel, offers), offers)]
    except WhatIfError as error:
        _fail(str(error))
    with _out.status("Forecasting twice"):
        asked = [Asked(each, _by_lead(use_case.score(standing.files, each, params))) for each in panels]
        table = compared(facts, prepared(facts, params.replenishment), *asked, params.replenishment)
    begin, end = offers.days()
    show_rows(_out, f"Campaign {begin} to {end}: the {min(table.height, _SHOWN)} of {table.height} that it moves most", table.head(_SHOWN))
    show_rows(_out, "All stores, and the centres behind them", _totals(table))


def _offers(home: Home, campaign: str | None, discount: float | None, first: datetime | None, last: datetime | None,
            articles: str | None, sites: str | None):  # fmt: skip
    import polars as pl  # noqa: PLC0415

    from pipelines.replenishment.whatif import Offers, WhatIfError, campaign_of_file  # noqa: PLC0415
    from pipelines.warehouse import query  # noqa: PLC0415

    if campaign is not None:
        rows = query(home.warehouse, _CAMPAIGN, [campaign])
        offers = Offers(rows) if rows.height else campaign_of_file(Path(campaign))
        changes = {
            "discount_pct": pl.lit(discount, pl.Float64) if discount is not None else pl.col("discount_pct"),
            "first_date": pl.lit(_day(first)) if first else pl.col("first_date"),
            "last_date": pl.lit(_day(last)) if last else pl.col("last_date"),
        }
        return Offers(offers.rows.with_columns(**changes))
    if discount is None or first is None or last is None:
        raise WhatIfError("Give --campaign, or else --discount, --from and --to, as in --discount 20 --from 2026-07-03 --to 2026-07-12")
    pairs = [(article, site) for article in _listed(articles) for site in _listed(sites)]
    frame = pl.DataFrame(pairs, schema={"article_id": pl.String, "place_id": pl.String}, orient="row")
    return Offers(
        frame.with_columns(first_date=pl.lit(_day(first)), last_date=pl.lit(_day(last)), discount_pct=pl.lit(discount, pl.Float64))
    )


def _by_lead(scores: pl.DataFrame) -> pl.DataFrame:
    return scores.rename({"lead_time_days": "lead"}).select("article_id", "site_id", "lead", "expected_units")


def _totals(table: pl.DataFrame) -> pl.DataFrame:
    figures = [name for name in table.columns if name.endswith(("_without", "_with"))]
    import polars as pl  # noqa: PLC0415

    return table.group_by("site_kind").agg(pl.col(figures).sum().round(2)).sort("site_kind", descending=True)


def _listed(text: str | None) -> list[str | None]:
    return [each.strip() for each in text.split(",") if each.strip()] if text else [None]


def _day(moment: datetime) -> date:
    return moment.date()


def _fail(message: str) -> None:
    _err.print(message, style="red", soft_wrap=True, markup=False)
    raise typer.Exit(1)


_CAMPAIGN = """
select
    generic_article_id as article_id, region_code as place_id, first_date, last_date, cast(discount_pct as double) as discount_pct
from staging.stg_marketing__campaigns where campaign_id = ? order by all
"""
