"""Models: one asset per model that trains and judges it when due, one that scores, and the cards of all trainings.

What a model is stands in pipelines/models; here it gets its place in the graph. Facts are published before any training, so
that a model that fails delays no stock.
"""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from pipelines.contracts import published_contracts, source_contracts
from pipelines.defs.resources import Lakehouse
from pipelines.defs.specs import column_schema
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.models.artefacts import keep_input
from pipelines.models.cards import ON_TRIAL, PROMOTED, REFUSED
from pipelines.models.learning import Learned, Occasion, is_comparable, is_due
from pipelines.models.promotion import Verdict
from pipelines.models.registry import champion, record, save
from pipelines.models.scoring import score, score_beside, write_scores
from pipelines.models.trials import hold_trial
from pipelines.models.use_cases import USE_CASES, UseCase
from pipelines.params import read_params
from pipelines.pictures import as_markdown
from pipelines.progress import report
from pipelines.publish import facts_versions, publish_scores
from pipelines.warehouse import install_delta_extension, query

CONTRACTS = published_contracts()
CARDS = "model_cards"


def _read(home, use_case: UseCase):
    """The use case's panel or case table, whole."""
    install_delta_extension()
    return query(home.warehouse, f"select * from {use_case.relation}")  # noqa: S608 - a relation of our own


def training_asset(use_case: UseCase) -> dg.AssetsDefinition:
    """The asset that trains a model when it is due, with the checks that decide on its use."""
    key = dg.AssetKey(["models", use_case.name])

    @dg.multi_asset(
        name=f"train_{use_case.name}",
        specs=[
            dg.AssetSpec(
                key,
                deps=[use_case.relation.split("."), ["gold", use_case.source_table]],
                group_name=use_case.name,
                description=f"One model and card per training. {use_case.question}",
                owners=[f"team:{use_case.name}"],
                kinds={"lightgbm"},
            )
        ],
        check_specs=[
            dg.AssetCheckSpec(
                "promotion", asset=key, blocking=True, description="Fit, better than its baseline, not worse than the champion."
            ),
            dg.AssetCheckSpec("calibration", asset=key, description="Quantiles or probabilities hold what they promise."),
        ],
    )
    def train(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> Iterator[dg.MaterializeResult]:
        params = read_params()
        with lakehouse.writing() as home:
            lake, now = lakehouse.lake(), lakehouse.now()
            table, verdict = _read(home, use_case), None
            if not table.is_empty():
                verdict = hold_trial(home, lake, use_case, CONTRACTS[use_case.scored_table], table, params=params, now=now)
                publish_scores(home, lake, CONTRACTS, [CARDS] if verdict else [], now=now)
            standing = champion(home, lake, use_case.name)
        report(f"train {use_case.name}", 0)
        is_on_trial = verdict is not None and verdict.is_won is None
        due = None if table.is_empty() else is_due(standing, use_case.observed_until(table), use_case.features, params, use_case.name)
        # While a challenger is on trial, no other takes its place, unless what it was made with has changed.
        same = is_comparable(standing, use_case.features, params, use_case.name)
        due = None if is_on_trial and same else due
        learned = None
        if due:
            with lakehouse.writing() as home:
                versions = _input_versions(home, lake, use_case, table)
            learned = use_case.learn(table, params, Occasion(versions, standing, now, is_tried=same))
        if learned is None:
            reason = "too little history to learn from" if due else f"champion {standing.model_version} stands" if standing else "no data"
            yield _untrained(key, reason, verdict)
            return
        context.log.info(f"trained, since {due}: {learned.card.decision.code}, {learned.card.decision.reason}")
        with lakehouse.writing() as home:
            folder = save(home, lake, learned.card, learned.files)
            record(lake, CONTRACTS[CARDS], learned.card)
            publish_scores(home, lake, CONTRACTS, [CARDS], now=lakehouse.now())
        context.log_event(dg.AssetMaterialization(["gold", CARDS], metadata={"dagster/row_count": lake.row_count(f"gold/{CARDS}")}))
        yield _trained(key, use_case, learned, str(folder), verdict)

    return train


def _input_versions(home: Home, lake: Lake, use_case: UseCase, table: pl.DataFrame) -> dict[str, int]:
    """Delta version of everything that the training reads, and of everything that this was made from."""
    kept, version = keep_input(lake, use_case.relation, table)
    bronze = {f"bronze/{name}": lake.version(f"bronze/{name}") for name in source_contracts() if lake.exists(f"bronze/{name}")}
    return {kept: version, **facts_versions(home), **bronze}


def _trial_metadata(verdict: Verdict | None) -> dict[str, str]:
    if verdict is None:
        return {}
    outcome = {None: "still on trial", True: "promoted", False: "not better"}[verdict.is_won]
    return {"trial of the challenger": f"{outcome}: {verdict.reason}"}


def _untrained(key: dg.AssetKey, reason: str, verdict: Verdict | None) -> dg.MaterializeResult:
    told = {"not trained": reason, **_trial_metadata(verdict)}
    checks = [dg.AssetCheckResult(asset_key=key, check_name=name, passed=True, metadata=told) for name in ("promotion", "calibration")]
    return dg.MaterializeResult(asset_key=key, metadata=told, check_results=checks)


def _trained(key: dg.AssetKey, use_case: UseCase, learned: Learned, folder: str, verdict: Verdict | None) -> dg.MaterializeResult:
    card = learned.card
    figures = {f"{m.name}": m.value for m in card.metrics} | {
        f"{m.name} of the baseline": m.baseline for m in card.metrics if m.baseline is not None
    }
    plots = {title: dg.MetadataValue.md(as_markdown(png, title)) for title, png in use_case.plots(learned).items()}
    decided = {"decision": card.decision.code, "reason": card.decision.reason, **_trial_metadata(verdict)}
    promotion = dg.AssetCheckResult(
        asset_key=key,
        check_name="promotion",
        passed=card.decision.code in {PROMOTED, ON_TRIAL},
        # A model that is only not better leaves the champion in place; one that is not fit stops the scoring.
        severity=dg.AssetCheckSeverity.ERROR if card.decision.code == REFUSED else dg.AssetCheckSeverity.WARN,
        description=card.decision.reason,
        metadata=decided,
    )
    calibration = dg.AssetCheckResult(
        asset_key=key,
        check_name="calibration",
        passed=learned.calibration_warning is None,
        severity=dg.AssetCheckSeverity.WARN,
        description=learned.calibration_warning or "",
    )
    metadata = {**decided, **figures, **plots, "card": dg.MetadataValue.md(card.text()), "folder": dg.MetadataValue.path(folder)}
    return dg.MaterializeResult(asset_key=key, metadata=metadata, check_results=[promotion, calibration])


def scoring_asset(use_case: UseCase) -> dg.AssetsDefinition:
    """The asset that lets the champion score, and publishes the scores."""
    contract = CONTRACTS[use_case.scored_table]

    @dg.asset(
        key=["gold", contract.name],
        deps=[["models", use_case.name], use_case.relation.split(".")],
        group_name=use_case.name,
        description=f"{contract.grain} {contract.description}",
        owners=[f"team:{use_case.name}"],
        kinds={"lightgbm", "deltalake"},
        metadata={"dagster/column_schema": column_schema(contract)},
    )
    def scores(lakehouse: Lakehouse) -> dg.MaterializeResult:
        params = read_params()
        report(f"score {use_case.name}", 0)
        with lakehouse.writing() as home:
            lake = lakehouse.lake()
            table = _read(home, use_case)
            found = score(home, lake, use_case, table, params)
            rows = write_scores(home, lake, CONTRACTS, use_case, found, params=params, now=lakehouse.now())
            # After the champion's scores are shown: a challenger that fails delays nobody.
            beside = (
                score_beside(home, lake, contract, use_case, table, params=params, now=lakehouse.now()) if use_case.is_remembered else 0
            )
        version = found["model_version"][0] if rows else "no model is in use"
        return dg.MaterializeResult(metadata={"dagster/row_count": rows, "model_version": version, "rows of a challenger": beside})

    return scores


@dg.definitions
def models() -> dg.Definitions:
    """Training and scoring of every model; the cards are written by the trainings."""
    contract = CONTRACTS[CARDS]
    cards = dg.AssetSpec(
        ["gold", CARDS],
        deps=[["models", name] for name in USE_CASES],
        group_name="models",
        description=f"{contract.grain} {contract.description}",
        owners=["team:models"],
        metadata={"dagster/column_schema": column_schema(contract)},
    )
    assets = [make(use_case) for use_case in USE_CASES.values() for make in (training_asset, scoring_asset)]
    return dg.Definitions(assets=[cards, *assets])
