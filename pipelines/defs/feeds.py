"""Feeds: what other systems are told, after the facts are published.

A feed that fails delays nobody's facts. What a feed says stands in pipelines/feeds; here it gets its place in the graph.
"""

from collections.abc import Iterator

import dagster as dg

from pipelines.contracts import published_contracts
from pipelines.defs.resources import RETRIES, WAREHOUSE_POOL, Lakehouse
from pipelines.defs.specs import published_spec
from pipelines.feeds import ACKNOWLEDGEMENTS, FeedSettingsError, feed_peoplesoft, read_settings, settings_file

CONTRACTS = published_contracts()
CONTRACT = CONTRACTS[ACKNOWLEDGEMENTS]
OUTBOX = dg.AssetKey(["outbox", "peoplesoft"])


@dg.multi_asset(
    name="feed_peoplesoft",
    specs=[
        dg.AssetSpec(
            OUTBOX,
            deps=[["gold", "serial_movements"], ["bronze", "sap", "ekpo"], ["bronze", "sap", "ekko"]],
            group_name="feeds",
            description="One file per closed business day and kind: stock adjustments, receipts of purchase orders, journals.",
            owners=["team:feeds"],
            kinds={"polars"},
        ),
        published_spec(CONTRACT, [OUTBOX, ["bronze", "peoplesoft", "acks"]]),
    ],
    pool=WAREHOUSE_POOL,
    retry_policy=RETRIES,
)
def write_peoplesoft_feed(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> Iterator[dg.MaterializeResult]:
    """Bring the feed up to date, where settings turn it on."""
    states, metadata = {}, {"turned on by": "feeds/peoplesoft.yaml below SERIALAKE_HOME, which is not there"}
    if settings_file(lakehouse.home()):
        with lakehouse.writing() as home:
            try:
                settings = read_settings(home)
            except FeedSettingsError as error:
                # Trying again mends no settings.
                raise dg.Failure(str(error), allow_retries=False) from error
            fed = feed_peoplesoft(home, lakehouse.lake(), CONTRACTS, settings, now=lakehouse.now())
        states = dict(fed.states)
        metadata = {"files_written": list(fed.written), "files_put_back": list(fed.put_back)}
        context.log.info(f"{len(fed.written)} new files; {states}")
    yield dg.MaterializeResult(asset_key=OUTBOX, metadata=metadata)
    yield dg.MaterializeResult(asset_key=["gold", ACKNOWLEDGEMENTS], metadata={"dagster/row_count": sum(states.values()), **states})
