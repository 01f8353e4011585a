"""The feed as a night and as a command run it: off until settings lie there, and clear about what it cannot do."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from pipelines import feeds
from pipelines.cli import app
from pipelines.defs.feeds import write_peoplesoft_feed
from pipelines.defs.resources import Lakehouse
from tests.unit.feeds.support import DAY_2, bought, moved, outbox, price, publish

SHIPPED = Path(feeds.__file__).with_name("peoplesoft.yaml")


def night(home) -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.ephemeral() as instance:
        resources = {"lakehouse": Lakehouse(root=str(home.root))}
        return dg.materialize([write_peoplesoft_feed], instance=instance, resources=resources, raise_on_error=False)


@pytest.fixture
def sold(home):
    lake = publish(home, [bought("A"), moved("A", 2, DAY_2, "251", "with_customer")])
    price(lake)
    return lake


@pytest.fixture
def turned_on(home):
    (home.root / "feeds").mkdir()
    return Path(shutil.copy(SHIPPED, home.root / "feeds" / "peoplesoft.yaml"))


def test_a_night_writes_nothing_until_settings_lie_there(home, sold):
    assert night(home).success
    assert outbox(home) == {}


def test_a_night_writes_the_feed_where_settings_lie(home, sold, turned_on):
    result = night(home)
    assert result.success
    assert len(outbox(home)) == 4
    (table,) = result.asset_materializations_for_node("feed_peoplesoft")[1:]
    assert table.metadata["dagster/row_count"].value == 4


def test_settings_that_cannot_be_used_fail_the_step_and_write_nothing(home, sold, turned_on):
    turned_on.write_text("kinds: [")
    result = night(home)
    assert not result.success
    assert outbox(home) == {}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["sap"], "No feed is called sap; there is peoplesoft"),
        (["peoplesoft", "--from", "2026-03-02"], "Give --day, or both --from and --to"),
        (["peoplesoft", "--day", "2026-03-02", "--to", "2026-03-03"], "Give --day, or both --from and --to"),
        (["peoplesoft", "--day", "2999-01-01"], "2999-01-01 is not over"),
    ],
)
def test_the_command_says_what_it_cannot_do(home, sold, arguments, told):
    result = CliRunner().invoke(app, ["feed", *arguments])
    assert result.exit_code == 1
    assert told in result.output
    assert outbox(home) == {}


def test_the_command_says_that_nothing_is_published(home):
    result = CliRunner().invoke(app, ["feed", "peoplesoft"])
    assert result.exit_code == 1
    assert "Nothing is published" in result.output


def test_the_command_writes_one_day(home, sold):
    result = CliRunner().invoke(app, ["feed", "peoplesoft", "--day", DAY_2.isoformat()])
    assert result.exit_code == 0, result.output
    assert sorted(outbox(home)) == ["20260303_inventory_adjustment_00.xml", "20260303_journal_00.csv"]
    assert "2 files written, 0 put back; of all files: 2 written" in result.output
