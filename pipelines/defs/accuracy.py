"""Accuracy: what came of past forecasts, after each night, with checks on whether the model still fits the world.

The figures come from pipelines/models/accuracy.py and pipelines/forecasting/drift.py; here they get their place in the graph. The
checks warn: forecasts are published all the same, and a challenger that is better takes the champion's place by itself.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import dagster as dg
import polars as pl

from pipelines.contracts import published_contracts
from pipelines.defs.resources import Lakehouse
from pipelines.defs.specs import published_spec
from pipelines.derived import facts_told
from pipelines.forecasting.unconstrained import with_unconstrained_demand
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.models.accuracy import ACCURACY, BY_SEGMENT, add_matured
from pipelines.models.drifting import DRIFT_CHECKS, drift_of, recent_forecasts
from pipelines.models.plots import accuracy_plot, fan_plot
from pipelines.models.registry import champion
from pipelines.models.use_cases import USE_CASES
from pipelines.params import Params, read_params
from pipelines.pictures import as_markdown
from pipelines.progress import report
from pipelines.publish import publish_scores
from pipelines.warehouse import install_delta_extension, query

CONTRACTS = published_contracts()
_DEMAND = USE_CASES["demand"]
_KEY = dg.AssetKey(["gold", ACCURACY])
_READ = (_DEMAND.relation.split("."), ["models", _DEMAND.name])
"""What was said on earlier nights lies in ml/; tonight's forecasts have not matured."""


def recent_panel(home: Home, days: int) -> pl.DataFrame:
    """The newest observed days of the demand panel."""
    install_delta_extension()
    sql = f"""
        with panel as (select * from {_DEMAND.relation} where y is not null)
        select * from panel where ds > (select max(ds) from panel) - ?
    """  # noqa: S608 - a relation of our own
    return query(home.warehouse, sql, [days])


@dg.multi_asset(
    name="judge_forecasts",
    specs=[published_spec(CONTRACTS[name], _READ) for name in (ACCURACY, BY_SEGMENT)],
    check_specs=[dg.AssetCheckSpec(name, asset=_KEY, description=text) for name, text in DRIFT_CHECKS.items()],
)
def judge_forecasts(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> Iterator[dg.MaterializeResult]:
    """Judge the days that have matured since the last night, and whether anything drifts."""
    params = read_params()
    report("judge forecasts", 0)
    with lakehouse.writing() as home:
        lake, panel = lakehouse.lake(), recent_panel(home, params.accuracy.reach_days)
        last = panel["ds"].max() or date(1970, 1, 1)
        added = add_matured(
            lake,
            CONTRACTS,
            with_unconstrained_demand(panel.select("unique_id", "ds", "y", "is_stock_out")),
            scored_table=_DEMAND.scored_table,
            matured_until=last - timedelta(days=params.demand.label_maturity_days),
            horizon_days=params.demand.horizon_days,
            made_from=facts_told(home),
        )
        publish_scores(home, lake, CONTRACTS, list(added), now=lakehouse.now())
        standing = champion(home, lake, _DEMAND.name)
    context.log.info(f"rows added: {added}")
    forecasts = recent_forecasts(lake, last, params)
    verdicts = drift_of(forecasts, panel, trained_as_of=standing.trained_as_of if standing else None, params=params)
    yield dg.MaterializeResult(
        asset_key=_KEY,
        metadata={"dagster/row_count": lake.row_count(f"gold/{ACCURACY}"), "rows added": added[ACCURACY], **_fan(forecasts)},
        check_results=[_check(name, verdicts[name]) for name in DRIFT_CHECKS],
    )
    yield dg.MaterializeResult(
        asset_key=["gold", BY_SEGMENT],
        metadata={
            "dagster/row_count": lake.row_count(f"gold/{BY_SEGMENT}"),
            "rows added": added[BY_SEGMENT],
            **_over_time(lake, last, params),
        },
    )


def _check(name: str, verdicts: pl.DataFrame) -> dg.AssetCheckResult:
    drifting = verdicts.filter("is_drifting")
    return dg.AssetCheckResult(
        asset_key=_KEY,
        check_name=name,
        passed=drifting.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(drifting["text"].head(5)),
        metadata={"measured": verdicts.height, "drifting": drifting.height},
    )


def _fan(forecasts: pl.DataFrame) -> Mapping[str, dg.MetadataValue]:
    if forecasts.is_empty():
        return {}
    title = "forecast a week ahead against what came"
    return {title: dg.MetadataValue.md(as_markdown(fan_plot(forecasts, "units_p10", "units_p90"), title))}


def _over_time(lake: Lake, last: date, params: Params) -> Mapping[str, dg.MetadataValue]:
    rows = lake.read(f"gold/{BY_SEGMENT}", between=("forecast_date", last - timedelta(days=params.accuracy.reach_days), last))
    if rows.is_empty():
        return {}
    title = "WAPE by segment and week"
    return {title: dg.MetadataValue.md(as_markdown(accuracy_plot(rows), title))}
