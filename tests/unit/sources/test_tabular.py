"""Tabular: a mapping contract alone takes in a file; the same verdicts hold as for any feed."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from io import BytesIO

import polars as pl
import pytest

from pipelines.contracts import Contract
from pipelines.sources import extract, mapping_problems

RETAIL = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,CustomerID,Country"


def parquet(**columns) -> bytes:
    """A Parquet file of these columns."""
    buffer = BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


def changed(mapping: Contract, *, path: str | None = None, file_format: str | None = None, **custom) -> Contract:
    """A copy of the mapping for another file."""
    document = mapping.document.model_copy(deep=True)
    document.servers[0].path = path or document.servers[0].path
    document.servers[0].format = file_format or document.servers[0].format
    for name, value in custom.items():
        document.customProperties.append(document.customProperties[0].model_copy(update={"property": name, "value": value}))
    return Contract(mapping.path, document)


@pytest.fixture
def named(mappings):
    """The example mapping of that name."""
    return lambda name: next(mapping for mapping in mappings if mapping.document.name == name)


@pytest.fixture
def readings(named) -> Contract:
    """A mapping of daily measurements: unit, day, and two measures in columns of their own."""
    base = changed(named("backblaze"), path="smart/*.parquet", measures=["smart_5_raw", "smart_9_raw"])
    base.document.customProperties[0].value = "tabular/readings"
    properties = {p.name: p for p in base.document.schema_[0].properties}
    kept = [properties["article_id"], properties["serial_number"], properties["moved_on"].model_copy(update={"name": "read_at"})]
    base.document.schema_[0].properties = kept
    return Contract(base.path, base.document)


def test_codes_expressions_and_names_make_our_columns(read, named):
    content = parquet(
        serial_number=["S1", "S1"],
        model=["ST4000DM000", "ST4000DM000"],
        date=[datetime(2016, 9, 10), datetime(2016, 9, 11)],
        event=["installed", "failed"],
    )
    rows = read("backblaze/a.parquet", content, mappings=[named("backblaze")]).accepted["tabular/movements"]
    columns = ("document_id", "movement_type", "moved_on", "article_id", "serial_number", "site_id", "vendor_id", "_line")
    assert rows.select(columns).rows() == [
        ("installed-20160910", "101", date(2016, 9, 10), "ST4000DM000", "S1", "ST4000DM000", None, 1),
        ("failed-20160911", "551", date(2016, 9, 11), "ST4000DM000", "S1", "ST4000DM000", None, 2),
    ]


def test_a_code_that_the_mapping_lacks_refuses_its_record_and_lists_the_known_ones(read, named, refused):
    content = parquet(serial_number=["S1", "S2"], model=["M"] * 2, date=[date(2016, 9, 10)] * 2, event=["installed", "stolen"])
    extracted = read("backblaze/a.parquet", content, mappings=[named("backblaze")])
    row = refused(extracted)
    assert (row["reason_code"], row["field"], row["line"], row["table_name"]) == ("unknown_code", "movement_type", 2, "tabular/movements")
    assert (
        "is 'stolen', a code that the mapping contract backblaze.odcs.yaml lacks, which knows failed, installed, removed" in row["reason"]
    )
    assert '"event":"stolen"' in row["raw_record"]
    assert extracted.accepted["tabular/movements"]["serial_number"].to_list() == ["S1"]


def test_the_same_mapping_reads_csv_where_an_expression_sees_numbers_as_numbers(read, named):
    lines = [
        RETAIL,
        '489434,85048,"GLASS BALL, 20",12,2009-12-01 07:45:00,6.95,13085,United Kingdom',
        "C489449,22087,BUNTING,-12,2009-12-01T10:33:00,2.95,,Australia",
        "489464,21733,85123a mixed,-96,2009-12-01 10:52:00,0,,United Kingdom",
        "489521,21646,,10,2009-12-01 11:44:00,0.0,,United Kingdom",
    ]
    mapping = changed(named("online_retail"), path="online_retail/*.csv", file_format="csv")
    rows = read("online_retail/a.csv", "\n".join(lines), mappings=[mapping]).accepted["tabular/sales"]
    assert rows.select("line_kind", "quantity", "article_id", "customer_id", "_line").rows() == [
        ("sale", Decimal(12), "85048", "13085", 2),
        ("return", Decimal(-12), "22087", None, 3),
        ("adjustment", Decimal(-96), "21733", None, 4),
        ("other", Decimal(10), "21646", None, 5),
    ]
    only_numbers = "\n".join([lines[0], lines[1], lines[3]])
    assert read("online_retail/a.csv", only_numbers, mappings=[mapping]).accepted["tabular/sales"]["line_kind"].to_list() == [
        "sale",
        "adjustment",
    ]


def test_a_ragged_csv_line_is_refused_and_the_rest_goes_on(read, named, refused):
    mapping = changed(named("online_retail"), path="online_retail/*.csv", file_format="csv")
    line = "489434,85048,BALL,12,2009-12-01 07:45:00,6.95,13085,United Kingdom"
    extracted = read("online_retail/a.csv", "\n".join([RETAIL, line, line + ",x", line]), mappings=[mapping])
    row = refused(extracted)
    assert (row["reason_code"], row["line"], row["raw_record"]) == ("ragged_line", 3, "***")
    assert (extracted.records_in, extracted.records_accepted) == (3, 2)


def test_an_unreadable_value_refuses_its_record_with_the_customer_masked(read, named, refused):
    mapping = changed(named("online_retail"), path="online_retail/*.csv", file_format="csv")
    content = f"{RETAIL}\n489434,85048,BALL,12,2009-02-30 07:45:00,6.95,13085,United Kingdom\n"
    row = refused(read("online_retail/a.csv", content, mappings=[mapping]))
    assert (row["reason_code"], row["field"], row["line"]) == ("bad_date", "sold_at", 2)
    assert "'2009-02-30 07:45:00', which is no moment" in row["reason"]
    assert '"CustomerID":"***"' in row["raw_record"]
    assert "13085" not in row["raw_record"]


def test_a_blank_required_value_is_refused(read, named, refused):
    content = parquet(serial_number=["S1", None], model=["M"] * 2, date=[date(2016, 9, 10)] * 2, event=["installed"] * 2)
    row = refused(read("backblaze/a.parquet", content, mappings=[named("backblaze")]))
    assert (row["reason_code"], row["field"], row["line"]) == ("required_missing", "serial_number", 2)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_missing_column_refuses_the_file_with_what_it_may_be_now(read, named, refused, kind):
    columns = {"serial": ["S1"], "model": ["M"], "date": ["2016-09-10"], "event": ["installed"]}
    content = parquet(**columns) if kind == "parquet" else "serial,model,date,event\nS1,M,2016-09-10,installed\n"
    mapping = changed(named("backblaze"), path=f"backblaze/*.{kind}", file_format=kind)
    extracted = read(f"backblaze/a.{kind}", content, mappings=[mapping])
    row = refused(extracted)
    assert (row["reason_code"], row["table_name"], extracted.refused_whole) == ("column_missing", "tabular/movements", True)
    assert "lacks the required column serial_number (serial_number may have been renamed to serial)" in row["reason"]


@pytest.mark.parametrize("content", [b"PAR1 this is not", b"PAR1" + b"\x00" * 100 + b"PAR1", b"a,b\n1,2\n"])
def test_what_is_no_parquet_file_is_refused(read, named, refused, content):
    extracted = read("backblaze/a.parquet", content, mappings=[named("backblaze")])
    row = refused(extracted)
    assert (row["reason_code"], extracted.refused_whole) == ("malformed_parquet", True)
    assert "is no Parquet file that can be read" in row["reason"]


def test_a_cut_off_parquet_file_is_refused(read, named, refused):
    content = parquet(serial_number=["S1"] * 999, model=["M"] * 999, date=[date(2016, 9, 10)] * 999, event=["installed"] * 999)
    for length in (len(content) // 2, len(content) - 1):
        assert refused(read("backblaze/a.parquet", content[:length], mappings=[named("backblaze")]))["reason_code"] == "malformed_parquet"


def test_a_damaged_parquet_file_is_read_or_refused_but_never_raises(read, named):
    day = [date(2016, 9, 10)] * 9
    content = parquet(serial_number=[f"S{n}" for n in range(9)], model=["M"] * 9, date=day, event=["installed"] * 9)
    codes = set()
    for at in range(4, len(content), 5):
        extracted = read("backblaze/a.parquet", content[:at] + content[at + 1 :], mappings=[named("backblaze")])
        codes |= set(extracted.quarantined["reason_code"])
    assert "malformed_parquet" in codes


def test_an_expression_that_fails_on_the_values_refuses_the_file(read, named, refused):
    content = parquet(serial_number=["S1"], model=["M"], date=["not a day"], event=["installed"])
    row = refused(read("backblaze/a.parquet", content, mappings=[named("backblaze")]))
    assert row["reason_code"] == "expression_failed"
    assert "The transformLogic of document_id (event || '-' || strftime(date, '%Y%m%d')) fails on the file's values" in row["reason"]


def test_a_column_of_lists_refuses_the_file(read, named, refused):
    content = parquet(serial_number=[["S1"]], model=["M"], date=[date(2016, 9, 10)], event=["installed"])
    row = refused(read("backblaze/a.parquet", content, mappings=[named("backblaze")]))
    assert row["reason_code"] == "unsupported_type"
    assert "Column serial_number is of type List" in row["reason"]


def test_latin_letters_in_a_csv_file_refuse_it(read, named, refused):
    mapping = changed(named("online_retail"), path="online_retail/*.csv", file_format="csv")
    row = refused(read("online_retail/a.csv", RETAIL.encode() + b"\n1,2,Ger\xe4t", mappings=[mapping]))
    assert (row["reason_code"], row["line"]) == ("wrong_encoding", 2)
    assert "Ger" not in row["raw_record"]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_file_without_rows_is_accepted(read, named, kind):
    empty = pl.DataFrame(schema={"serial_number": pl.String, "model": pl.String, "date": pl.Datetime, "event": pl.String})
    buffer = BytesIO()
    empty.write_parquet(buffer) if kind == "parquet" else empty.write_csv(buffer)
    mapping = changed(named("backblaze"), path=f"backblaze/*.{kind}", file_format=kind)
    extracted = read(f"backblaze/a.{kind}", buffer.getvalue(), mappings=[mapping])
    assert (extracted.records_in, extracted.refused_whole, extracted.accepted["tabular/movements"].height) == (0, False, 0)


def test_measures_become_one_record_per_reading_that_is_not_null(read, readings, contracts):
    assert mapping_problems(readings, contracts) == []
    content = parquet(
        serial_number=["S1", "S2", "S3"],
        model=["M"] * 3,
        date=[date(2013, 4, 10)] * 3,
        smart_5_raw=[0, None, None],
        smart_9_raw=["100", "2.5", None],
    )
    extracted = read("smart/a.parquet", content, mappings=[readings])
    assert extracted.records_in == 3
    rows = extracted.accepted["tabular/readings"].select("serial_number", "read_at", "measure", "reading", "_line")
    assert sorted(rows.rows()) == [
        ("S1", datetime(2013, 4, 10), "smart_5_raw", 0.0, 1),
        ("S1", datetime(2013, 4, 10), "smart_9_raw", 100.0, 1),
        ("S2", datetime(2013, 4, 10), "smart_9_raw", 2.5, 2),
    ]


def test_faults_of_a_unit_and_of_a_reading_are_told_apart(read, readings):
    content = parquet(
        serial_number=["S1", None], model=["M"] * 2, date=[date(2013, 4, 10)] * 2, smart_5_raw=["many", "1"], smart_9_raw=["1", "2"]
    )
    extracted = read("smart/a.parquet", content, mappings=[readings])
    rows = extracted.quarantined.select("reason_code", "field", "line").rows()
    assert rows == [("bad_number", "reading", 1), ("required_missing", "serial_number", 2), ("required_missing", "serial_number", 2)]
    assert extracted.records_in == 4


def test_every_backblaze_event_is_accepted(shared_data, contracts, mappings, check):
    path = shared_data / "backblaze_lifecycle_ST4000DM000_ST8000NM0055.parquet"
    extracted = check(extract(path, "backblaze/life.parquet", contracts=contracts, mappings=mappings), contracts)
    rows = extracted.accepted["tabular/movements"]
    assert (extracted.records_in, rows.height) == (92_029, 92_029)
    assert dict(rows["movement_type"].value_counts().iter_rows()) == {"101": 52_720, "201": 31_337, "551": 7_972}
    assert rows.select(pl.struct("document_id", "article_id", "serial_number").n_unique()).item() == 92_029


def test_every_online_retail_line_is_accepted_and_its_units_add_up(shared_data, contracts, mappings, check):
    path = shared_data / "online_retail_2009_2010.parquet"
    extracted = check(extract(path, "online_retail/2010.parquet", contracts=contracts, mappings=mappings), contracts)
    rows = extracted.accepted["tabular/sales"]
    assert (extracted.records_in, rows.height) == (502_938, 502_938)
    sums = rows.group_by("line_kind").agg(
        pl.len(),
        pl.col("quantity").filter(pl.col("quantity") > 0).sum().cast(pl.Int64).alias("out"),
        pl.col("quantity").filter(pl.col("quantity") < 0).sum().cast(pl.Int64).alias("back"),
    )
    assert sorted(sums.rows()) == [
        ("adjustment", 2_057, 0, -362_357),
        ("other", 1_455, 178_170, 0),
        ("return", 9_877, 1, -201_390),
        ("sale", 489_549, 5_650_969, 0),
    ]
    assert (sums["out"].sum(), sums["back"].sum()) == (5_829_140, -563_747)
    assert (rows["unit_price"] <= 0).sum() == 3_512


def test_every_shipment_is_accepted_and_remarks_are_no_weights(shared_data, contracts, mappings, check):
    path = shared_data / "scms_delivery_2006_2013.parquet"
    extracted = check(extract(path, "scms/all.parquet", contracts=contracts, mappings=mappings), contracts)
    rows = extracted.accepted["tabular/shipments"]
    assert (extracted.records_in, rows.height) == (7_779, 7_779)
    assert [rows[name].null_count() for name in ("weight_kg", "freight_amount", "scheduled_on", "delivered_on")] == [2_647, 2_792, 0, 0]
    assert rows["vendor_id"].n_unique() == 65
    assert rows.select((pl.col("delivered_on") > pl.col("scheduled_on")).sum()).item() == 830


def test_readings_of_real_disks_count_as_their_non_null_cells(shared_data, contracts, readings, check):
    path = shared_data / "backblaze_smart_20130410_20130504.parquet"
    extracted = check(extract(path, "smart/2013.parquet", contracts=contracts, mappings=[readings]), contracts)
    source = pl.read_parquet(path, columns=["smart_5_raw", "smart_9_raw"])
    assert extracted.records_in == sum(source[name].len() - source[name].null_count() for name in source.columns)
    assert extracted.refused_whole is False


def test_a_parquet_file_that_would_unpack_to_far_more_than_it_is_stays_packed(read, named, refused, monkeypatch):
    monkeypatch.setattr("pipelines.sources.tabular_files._MANY_VALUES", 100_000)
    content = parquet(serial_number=["S1"] * 99_999, model=["M"] * 99_999, date=[date(2016, 9, 10)] * 99_999, event=["installed"] * 99_999)
    row = refused(read("backblaze/a.parquet", content, mappings=[named("backblaze")]))
    assert row["reason_code"] == "too_large"
    assert "would unpack to 399,996 values" in row["reason"]
    assert row["reason"].endswith("deliver it in files of at most 25,000 rows.")
