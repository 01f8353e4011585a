"""EPCIS documents: what is accepted, and one bad document for each rule."""

from __future__ import annotations

import copy
import json
from datetime import datetime
from pathlib import Path

import pytest

EVENTS = "epcis/events"
CONTEXT = ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld", {"ex": "https://ns.example.com/epcis/"}]
UNIT = "urn:epc:id:sgtin:0614141.107346.2018"
PLACE = "urn:epc:id:sgln:0614141.07346.1234"
BASE = {
    "type": "ObjectEvent",
    "eventTime": "2026-03-02T08:30:00.5+01:00",
    "eventTimeZoneOffset": "+01:00",
    "epcList": [UNIT],
    "action": "OBSERVE",
    "bizStep": "receiving",
    "disposition": "in_progress",
    "readPoint": {"id": PLACE},
}
AGGREGATION = {**BASE, "type": "AggregationEvent", "parentID": "urn:epc:id:sscc:0614141.1234567890", "childEPCs": [UNIT]}
ASSOCIATION = {**AGGREGATION, "type": "AssociationEvent"}
TRANSACTION = {
    **BASE,
    "type": "TransactionEvent",
    "bizTransactionList": [{"type": "po", "bizTransaction": "urn:epc:id:gdti:0614141.00001.1618034"}],
}
TRANSFORMATION = {**BASE, "type": "TransformationEvent", "inputEPCList": [UNIT], "outputEPCList": ["urn:epc:id:sgtin:0614141.107346.2019"]}
SENSOR = {"sensorReport": [{"type": "Temperature", "value": 26.0, "uom": "CEL"}]}


def without(event: dict, *names: str) -> dict:
    return {name: value for name, value in event.items() if name not in names}


for _event in (AGGREGATION, ASSOCIATION, TRANSFORMATION):
    _event.pop("epcList")
TRANSFORMATION.pop("action")


def document(*events: dict, **head: object) -> str:
    whole = {
        "@context": CONTEXT,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-03-09T00:00:00Z",
        "epcisBody": {"eventList": list(events)},
        **head,
    }
    return json.dumps({name: value for name, value in whole.items() if value is not None}, indent=1)


# Code, field, event: each breaks one rule.
BROKEN = {
    "a step that is no word": ("epcis_unknown_word", "bizStep", {**BASE, "bizStep": "recieving"}),
    "a step in capitals": ("epcis_unknown_word", "bizStep", {**BASE, "bizStep": "Receiving"}),
    "a step of another kind": ("epcis_unknown_word", "bizStep", {**BASE, "bizStep": "urn:epcglobal:cbv:disp:in_transit"}),
    "a step that the URN does not have": ("epcis_unknown_word", "bizStep", {**BASE, "bizStep": "urn:epcglobal:cbv:bizstep:returning"}),
    "a step that the web does not have": ("epcis_unknown_word", "bizStep", {**BASE, "bizStep": "https://ref.gs1.org/cbv/BizStep-returning"}),
    "a disposition that is a step": ("epcis_unknown_word", "disposition", {**BASE, "disposition": "receiving"}),
    "a prefix nobody declared in a value": ("epcis_undeclared_prefix", "bizStep", {**BASE, "bizStep": "other:step"}),
    "a prefix nobody declared": ("epcis_undeclared_prefix", "other:field", {**BASE, "other:field": 1}),
    "a prefix nobody declared, deep": ("epcis_undeclared_prefix", "ex:a.other:b", {**BASE, "ex:a": {"other:b": 1}}),
    "a field that does not exist": ("epcis_unknown_field", "bizstep", {**BASE, "bizstep": "receiving"}),
    "a field of another event": ("epcis_unknown_field", "childEPCs", {**BASE, "childEPCs": [UNIT]}),
    "a time without a zone": ("bad_date", "eventTime", {**BASE, "eventTime": "2026-03-02T08:30:00"}),
    "a day that does not exist": ("bad_date", "eventTime", {**BASE, "eventTime": "2026-02-30T08:30:00Z"}),
    "a day alone": ("bad_date", "eventTime", {**BASE, "eventTime": "2026-02-03"}),
    "a time as a number": ("bad_date", "eventTime", {**BASE, "eventTime": 1772440200}),
    "a blank between day and time": ("bad_date", "eventTime", {**BASE, "eventTime": "2026-03-02 08:30:00Z"}),
    "the 25th hour": ("bad_date", "eventTime", {**BASE, "eventTime": "2026-03-02T25:30:00Z"}),
    "a bad record time": ("bad_date", "recordTime", {**BASE, "recordTime": "yesterday"}),
    "an offset without a colon": ("bad_time_zone", "eventTimeZoneOffset", {**BASE, "eventTimeZoneOffset": "+0100"}),
    "an offset of 15 hours": ("bad_time_zone", "eventTimeZoneOffset", {**BASE, "eventTimeZoneOffset": "+15:00"}),
    "an offset as Z": ("bad_time_zone", "eventTimeZoneOffset", {**BASE, "eventTimeZoneOffset": "Z"}),
    "no time": ("required_missing", "eventTime", without(BASE, "eventTime")),
    "no offset": ("required_missing", "eventTimeZoneOffset", without(BASE, "eventTimeZoneOffset")),
    "no action": ("required_missing", "action", without(BASE, "action")),
    "no type": ("required_missing", "type", without(BASE, "type")),
    "a type that does not exist": ("epcis_type_unknown", "type", {**BASE, "type": "ObjectsEvent"}),
    "an action that does not exist": ("epcis_action", "action", {**BASE, "action": "observe"}),
    "an action of a transformation": ("epcis_unknown_field", "action", {**TRANSFORMATION, "action": "ADD"}),
    "units and nothing named": ("epcis_nothing_named", "epcList", without(BASE, "epcList")),
    "an aggregation of nothing": ("epcis_nothing_named", "childEPCs", {**AGGREGATION, "childEPCs": []}),
    "an aggregation without a parent": ("required_missing", "parentID", {**without(AGGREGATION, "parentID"), "action": "ADD"}),
    "an association without a parent": ("required_missing", "parentID", without(ASSOCIATION, "parentID")),
    "a transaction without one": ("required_missing", "bizTransactionList", {**TRANSACTION, "bizTransactionList": []}),
    "a transaction of nothing": ("epcis_nothing_named", "epcList", without(TRANSACTION, "epcList")),
    "a transformation of nothing": ("epcis_nothing_named", "inputEPCList", without(TRANSFORMATION, "inputEPCList", "outputEPCList")),
    "half a transformation": ("epcis_nothing_named", "transformationID", without(TRANSFORMATION, "inputEPCList")),
    "a parent that is its own child": (
        "epcis_duplicate_identifier",
        "childEPCs",
        {**AGGREGATION, "parentID": UNIT, "childEPCs": ["https://id.gs1.org/01/10614141073464/21/2018"]},
    ),
    "a description of what is only observed": ("epcis_ilmd", "ilmd", {**BASE, "ilmd": {"ex:lot": "A"}}),
    "a description without a prefix": ("epcis_unknown_field", "ilmd.lot", {**BASE, "action": "ADD", "ilmd": {"lot": "A"}}),
    "a unit twice": ("epcis_duplicate_identifier", "epcList", {**BASE, "epcList": [UNIT, UNIT]}),
    "a unit that is no URI": ("epcis_identifier", "epcList", {**BASE, "epcList": ["2018"]}),
    "a unit as a number": ("epcis_identifier", "epcList", {**BASE, "epcList": [2018]}),
    "a company prefix that is too long": ("epcis_identifier", "epcList", {**BASE, "epcList": ["urn:epc:id:sgtin:06141410000.107346.1"]}),
    "a serial that is too long": ("epcis_identifier", "epcList", {**BASE, "epcList": [f"urn:epc:id:sgtin:0614141.107346.{'9' * 21}"]}),
    "no serial": ("epcis_identifier", "epcList", {**BASE, "epcList": ["urn:epc:id:sgtin:0614141.107346"]}),
    "an EPC scheme that does not exist": ("epcis_identifier", "epcList", {**BASE, "epcList": ["urn:epc:id:gtin:0614141.107346.1"]}),
    "a wrong check digit": ("epcis_identifier", "epcList", {**BASE, "epcList": ["https://id.gs1.org/01/10614141073465/21/2018"]}),
    "a class where a unit is needed": ("epcis_identifier", "epcList", {**BASE, "epcList": ["urn:epc:idpat:sgtin:0614141.107346.*"]}),
    "a class of a link where a unit is needed": ("epcis_identifier", "epcList", {**BASE, "epcList": ["https://id.gs1.org/01/10614141073464"]}),
    "goods where a place is needed": ("epcis_identifier", "readPoint.id", {**BASE, "readPoint": {"id": UNIT}}),
    "a place without an id": ("required_missing", "bizLocation.id", {**BASE, "bizLocation": {}}),
    "a unit where a class is needed": ("epcis_identifier", "quantityList.epcClass", {**BASE, "quantityList": [{"epcClass": UNIT, "quantity": 1}]}),
    "a quantity of nothing": ("required_missing", "quantityList.epcClass", {**BASE, "quantityList": [{"quantity": 1}]}),
    "a quantity as a text": (
        "epcis_quantity",
        "quantityList.quantity",
        {**BASE, "quantityList": [{"epcClass": "urn:epc:idpat:sgtin:0614141.107346.*", "quantity": "ten"}]},
    ),
    "less than nothing": (
        "epcis_quantity",
        "quantityList.quantity",
        {**BASE, "quantityList": [{"epcClass": "urn:epc:idpat:sgtin:0614141.107346.*", "quantity": -1}]},
    ),
    "a unit of measure that is no code": (
        "epcis_unit_of_measure",
        "quantityList.uom",
        {**BASE, "quantityList": [{"epcClass": "urn:epc:class:lgtin:4012345.012345.998877", "quantity": 1, "uom": "kilo"}]},
    ),
    "a unit of measure without a quantity": (
        "epcis_unit_of_measure",
        "quantityList.uom",
        {**BASE, "quantityList": [{"epcClass": "urn:epc:class:lgtin:4012345.012345.998877", "uom": "KGM"}]},
    ),
    "a document of a type that does not exist": (
        "epcis_unknown_word",
        "bizTransactionList.type",
        {**BASE, "bizTransactionList": [{"type": "order", "bizTransaction": "urn:epc:id:gdti:0614141.00001.1618034"}]},
    ),
    "a source without a type": ("required_missing", "sourceList.type", {**BASE, "sourceList": [{"source": "urn:epc:id:pgln:4012345.00225"}]}),
    "a destination of a kind that does not exist": (
        "epcis_unknown_word",
        "destinationList.type",
        {**BASE, "destinationList": [{"type": "receiver", "destination": "urn:epc:id:pgln:4012345.00225"}]},
    ),
    "a UUID that is none": ("epcis_event_id", "eventID", {**BASE, "eventID": "urn:uuid:374d95fc-9457-4a51-bd6a"}),
    "a hash that is none": ("epcis_event_id", "eventID", {**BASE, "eventID": "ni:///sha-256;12ab?ver=CBV2.0"}),
    "a number as eventID": ("epcis_identifier", "eventID", {**BASE, "eventID": "4711"}),
    "a declaration without a time": ("required_missing", "errorDeclaration.declarationTime", {**BASE, "errorDeclaration": {}}),
    "a reason that is no word": (
        "epcis_unknown_word",
        "errorDeclaration.reason",
        {**BASE, "errorDeclaration": {"declarationTime": "2026-03-03T00:00:00Z", "reason": "typo"}},
    ),
    "a declaration with a bad time": (
        "bad_date",
        "errorDeclaration.declarationTime",
        {**BASE, "errorDeclaration": {"declarationTime": "2026-03-03"}},
    ),
    "a correction that is no event": (
        "epcis_identifier",
        "errorDeclaration.correctiveEventIDs",
        {**BASE, "errorDeclaration": {"declarationTime": "2026-03-03T00:00:00Z", "correctiveEventIDs": ["4711"]}},
    ),
    "a lasting disposition neither set nor unset": ("epcis_persistent_disposition", "persistentDisposition", {**BASE, "persistentDisposition": {}}),
    "a lasting disposition that is no word": (
        "epcis_unknown_word",
        "persistentDisposition.set",
        {**BASE, "persistentDisposition": {"set": ["complete"]}},
    ),
    "a lasting disposition both ways": (
        "epcis_persistent_disposition",
        "persistentDisposition",
        {**BASE, "persistentDisposition": {"set": ["damaged"], "unset": ["damaged"]}},
    ),
    "a sensor without a report": ("epcis_sensor", "sensorElementList.sensorReport", {**BASE, "sensorElementList": [{"sensorReport": []}]}),
    "a report without a type": ("required_missing", "sensorElementList.sensorReport.type", {**BASE, "sensorElementList": [{"sensorReport": [{"value": 1}]}]}),
    "a value that is no number": (
        "epcis_sensor",
        "sensorElementList.sensorReport.value",
        {**BASE, "sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": "warm"}]}]},
    ),
    "a field of a report that does not exist": (
        "epcis_unknown_field",
        "sensorElementList.sensorReport.values",
        {**BASE, "sensorElementList": [{"sensorReport": [{"type": "Temperature", "values": 1}]}]},
    ),
    "an alert that does not exist": (
        "epcis_unknown_word",
        "sensorElementList.sensorReport.exception",
        {**BASE, "sensorElementList": [{"sensorReport": [{"exception": "FIRE"}]}]},
    ),
    "a sensor that ends before it starts": (
        "bad_date",
        "sensorElementList.sensorMetadata.endTime",
        {**BASE, "sensorElementList": [{**SENSOR, "sensorMetadata": {"startTime": "2026-03-03T00:00:00Z", "endTime": "2026-03-02T00:00:00Z"}}]},
    ),
    "no object": ("epcis_type_unknown", "type", "receiving"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_an_event_that_breaks_a_rule_is_refused_alone_with_its_place(read, case):
    code, field, event = case
    extracted = read("epcis/1.json", document(BASE, event, BASE))
    refused = extracted.quarantined.row(0, named=True)
    assert (extracted.records_in, extracted.quarantined.height, extracted.accepted[EVENTS].height) == (3, 1, 2)
    assert (refused["reason_code"], refused["field"], refused["segment"]) == (code, field, "event[2]")
    assert refused["reason"].startswith(f"{field} in event 2 (line {refused['line']}) ")
    assert document(BASE, event, BASE).split("\n")[refused["line"] - 1].strip(" ,").startswith(("{", '"receiving"'))


@pytest.mark.parametrize(
    "event",
    [BASE, AGGREGATION, ASSOCIATION, TRANSACTION, TRANSFORMATION, {**BASE, "sensorElementList": [SENSOR]}, {**BASE, "ex:field": {"ex:a": [1]}},
     {**BASE, "bizStep": "urn:epcglobal:cbv:bizstep:receiving"}, {**BASE, "bizStep": "https://ns.example.com/steps/weighing"},
     {**BASE, "bizStep": "ex:weighing"}, {**without(AGGREGATION, "childEPCs"), "action": "DELETE"}, {**BASE, "type": "ex:WeighingEvent"}],
    ids=str,
)  # fmt: skip
def test_an_event_that_breaks_none_is_taken(read, event):
    extracted = read("epcis/1.json", document(event))
    assert extracted.quarantined.height == 0
    assert extracted.accepted[EVENTS].height == 1


# Code, field, document: each is refused whole.
REFUSED = {
    "no context": ("required_missing", "@context", document(BASE, **{"@context": None})),
    "a context that is not GS1's": ("epcis_context", "@context", document(BASE, **{"@context": ["https://example.com/c.jsonld"]})),
    "a prefix that stands for no address": ("epcis_context", "@context", document(BASE, **{"@context": [CONTEXT[0], {"ex": "nowhere"}]})),
    "no version": ("required_missing", "schemaVersion", document(BASE, schemaVersion=None)),
    "a version as a number": ("epcis_version", "schemaVersion", document(BASE, schemaVersion=2.0)),
    "a version that is none": ("epcis_version", "schemaVersion", document(BASE, schemaVersion="two")),
    "no date": ("required_missing", "creationDate", document(BASE, creationDate=None)),
    "a date that is none": ("bad_date", "creationDate", document(BASE, creationDate="2026-03-09")),
    "no body": ("required_missing", "epcisBody", document(BASE, epcisBody=None)),
    "no list of events": ("required_missing", "epcisBody.eventList", document(epcisBody={})),
    "a field that does not exist": ("epcis_unknown_field", "body", document(BASE, body=1)),
    "a type that does not exist": ("epcis_context", "@context", json.dumps({"type": "EPCISDocuments", "epcisBody": {}})),
    "no EPCIS": ("no_epcis", "type", '{"a": 1}'),
    "no object": ("no_epcis", None, "42"),
    "broken off": ("malformed_json", None, document(BASE)[:-20]),
    "a value that is none": ("malformed_json", None, document(BASE).replace('"OBSERVE"', "NaN")),
    "nested without end": ("malformed_json", None, '{"a":' * 100_000),
    "nested too deep": ("malformed_json", None, document({**BASE, "ex:a": json.loads("[" * 70 + "]" * 70)})),
    "not UTF-8": ("wrong_encoding", None, document(BASE).encode("utf-8").replace(b"OBSERVE", b"\xff\xfe\xfd")),
    "entities": ("unsafe_xml", None, "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><EPCISDocument>&b;</EPCISDocument>"),
    "a document type with an address": ("unsafe_xml", None, '<!DOCTYPE a SYSTEM "http://example.com/a.dtd"><EPCISDocument/>'),
    "no EPCIS in XML": ("no_epcis", None, "<Invoice/>"),
    "XML broken off": ("malformed_xml", None, '<e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:2"><EPCISBody>'),
    "XML without a version": ("required_missing", "schemaVersion", '<e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:2"/>'),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_a_document_that_cannot_be_read_is_refused_whole(read, refused, case):
    code, field, content = case
    extracted = read("epcis/1.jsonld" if not str(content).lstrip().startswith("<") else "epcis/1.xml", content)
    assert extracted.refused_whole
    assert (refused(extracted)["reason_code"], refused(extracted)["field"]) == (code, field)


XML = """<?xml version="1.0"?>
<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:{edition}" xmlns:ex="https://ns.example.com/epcis/" schemaVersion="{edition}.0"
  creationDate="2026-03-09T00:00:00Z"><EPCISBody><EventList>{events}</EventList></EPCISBody></epcis:EPCISDocument>"""
IN_XML = """<ObjectEvent>
<eventTime>2026-03-02T07:30:00.500Z</eventTime><eventTimeZoneOffset>+01:00</eventTimeZoneOffset>
<epcList><epc>https://id.gs1.org/01/10614141073464/21/2018</epc></epcList><action>OBSERVE</action>
<bizStep>urn:epcglobal:cbv:bizstep:receiving</bizStep><disposition>urn:epcglobal:cbv:disp:in_progress</disposition>
<readPoint><id>https://id.gs1.org/414/0614141073467/254/1234</id></readPoint>{more}</ObjectEvent>"""
QUANTITY = {"epcClass": "urn:epc:class:lgtin:4012345.012345.998877", "quantity": 200, "uom": "KGM"}
SOURCE = {"type": "possessing_party", "source": "urn:epc:id:pgln:4012345.00225"}
RICH = {**BASE, "quantityList": [QUANTITY], "sourceList": [SOURCE], "ex:shift": "late", "sensorElementList": [SENSOR]}
RICH_XML = """<quantityList><quantityElement><epcClass>https://id.gs1.org/01/04012345123456/10/998877</epcClass><quantity>200.0</quantity>
<uom>KGM</uom></quantityElement></quantityList><sourceList><source type="urn:epcglobal:cbv:sdt:possessing_party">urn:epc:id:pgln:4012345.00225
</source></sourceList><sensorElementList><sensorElement><sensorReport type="Temperature" value="26" uom="CEL"/></sensorElement>
</sensorElementList><ex:shift>late</ex:shift>"""
SAME = (
    "content_hash",
    "event_type",
    "event_time",
    "action",
    "biz_step",
    "disposition",
    "read_point",
    "read_point_gln",
    "source_gln",
    "units",
)


@pytest.mark.parametrize(("event", "more"), [(BASE, ""), (RICH, RICH_XML)], ids=["plain", "rich"])
def test_json_and_xml_of_one_event_give_the_same_record(read, event, more):
    of_json = read("epcis/1.json", document(event)).accepted[EVENTS]
    of_xml = read("epcis/1.xml", XML.format(edition=2, events=IN_XML.format(more=more))).accepted[EVENTS]
    assert json.loads(of_json["units"][0])[0] == json.loads(of_xml["units"][0])[0]
    assert of_json.select(SAME[:-1]).rows() == of_xml.select(SAME[:-1]).rows()
    assert of_json["event_time"].item() == datetime(2026, 3, 2, 7, 30, 0, 500_000)


def test_edition_1_2_tells_later_fields_within_extensions(read):
    more = "<extension><quantityList><quantityElement><epcClass>urn:epc:class:lgtin:4012345.012345.998877</epcClass><quantity>200</quantity><uom>KGM</uom></quantityElement></quantityList></extension>"
    event = IN_XML.format(more=more)
    wrapped = "<extension>" + event.replace("ObjectEvent>", "TransformationEvent>").replace("epcList", "inputEPCList").replace(
        "<action>OBSERVE</action>", "<outputEPCList><epc>urn:epc:id:sgtin:0614141.107346.2019</epc></outputEPCList>"
    ).replace("quantityList", "outputQuantityList") + "</extension>"  # fmt: skip
    extracted = read("epcis/1.xml", XML.format(edition=1, events=event + wrapped))
    assert extracted.quarantined["reason"].to_list() == []
    units = [[unit["role"] for unit in json.loads(text)] for text in extracted.accepted[EVENTS]["units"]]
    assert units == [["object", "object"], ["input", "output", "output"]]


def test_what_only_the_time_of_recording_tells_apart_is_the_same_event(read):
    events = [BASE, {**BASE, "recordTime": "2026-03-02T09:00:00Z"}, {**BASE, "eventID": "urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8"}]
    rows = read("epcis/1.json", document(*events)).accepted[EVENTS]
    assert rows["content_hash"].n_unique() == 1
    assert rows["record_hash"].n_unique() == 2


def test_units_tell_their_role_and_what_can_be_read_out_of_them(read):
    event = {**AGGREGATION, "childQuantityList": [QUANTITY]}
    rows = read("epcis/1.json", document(event)).accepted[EVENTS]
    assert json.loads(rows["units"].item()) == [
        {"number": 1, "role": "parent", "id": "https://id.gs1.org/00/106141412345678908", "key": "sscc", "sscc": "106141412345678908"},
        {"number": 2, "role": "child", "id": "https://id.gs1.org/01/10614141073464/21/2018", "key": "sgtin", "gtin": "10614141073464", "serial": "2018"},
        {"number": 3, "role": "child", "id": "https://id.gs1.org/01/04012345123456/10/998877", "key": "lgtin", "gtin": "04012345123456",
         "lot": "998877", "quantity": "200", "uom": "KGM"},
    ]  # fmt: skip


def test_master_data_is_taken_with_the_events(read):
    place = {"id": PLACE, "attributes": [{"id": "urn:epcglobal:cbv:mda:site", "attribute": "0614141073467"}]}
    header = {"epcisMasterData": {"vocabularyList": [{"type": "urn:epcglobal:epcis:vtype:ReadPoint", "vocabularyElementList": [place]}]}}
    extracted = read("epcis/1.json", document(BASE, epcisHeader=header))
    row = extracted.accepted["epcis/master_data"].row(0, named=True)
    assert (extracted.records_in, row["gln"], row["attributes"]) == (2, "0614141073467", '{"urn:epcglobal:cbv:mda:site":"0614141073467"}')


def test_half_of_a_character_in_a_text_or_a_name_refuses_the_event_alone(read):
    extracted = read("epcis/a.json", document(BASE, {**BASE, "ex:note": "half \ud800"}, {**BASE, "ex:\ud800": "x"}, {**BASE, "\udc00": 1}))
    assert extracted.accepted[EVENTS].height == 1
    assert extracted.quarantined.select("line", "segment").rows()[0] == (extracted.quarantined["line"][0], "event[2]")
    assert extracted.quarantined["reason_code"].to_list() == ["malformed_json", "malformed_json", "epcis_unknown_field"]
    assert extracted.quarantined["field"][2] == "\\udc00"


def test_half_of_a_character_around_the_events_refuses_the_document_and_is_shown_as_written(read, refused):
    assert refused(read("epcis/a.json", document(BASE, **{"\ud800": 1})))["field"] == "\\ud800"


@pytest.mark.parametrize("name", ["anything.jsonld", "partner/events.json", "partner/events.xml"])
def test_events_are_known_by_what_they_begin_with_wherever_they_lie(read, name):
    content = document(BASE) if not name.endswith("xml") else XML.format(edition=2, events=IN_XML.format(more=""))
    assert read(name, content).accepted[EVENTS].height == 1


def test_a_query_and_the_state_of_a_capture_job_bring_no_event(read):
    assert read("epcis/query.json", '{"eventType": ["ObjectEvent"]}').records_in == 0
    assert read("epcis/job.xml", '<e:EPCISCaptureJob xmlns:e="urn:epcglobal:epcis:xsd:2"/>').records_in == 0


def test_documents_of_the_standard_itself_are_accepted_whole(shared_data, read):
    files = [
        path
        for folder in ("JSON", "XML", "openepcis_valid")
        for path in sorted((shared_data / "epcis" / folder).rglob("*"))
        if path.suffix in {".json", ".jsonld", ".xml"}
    ]
    read_in = 0
    for path in files:
        extracted = read(f"epcis/{path.name}", path.read_bytes())
        assert extracted.quarantined["reason"].to_list() == [], path
        read_in += extracted.records_in
    assert (len(files) > 180, read_in > 330) == (True, True)


def test_events_that_the_standard_calls_identical_have_one_hash(shared_data, read):
    files = sorted((Path(shared_data) / "epcis" / "XML" / "WithEventHashID").iterdir())
    hashes = {read(f"epcis/{path.name}", path.read_bytes()).accepted[EVENTS]["content_hash"].item() for path in files}
    assert (len(files), len(hashes)) == (7, 1)


def test_the_events_of_these_tests_are_not_changed_by_reading(read):
    before = copy.deepcopy(RICH)
    read("epcis/1.json", document(RICH))
    assert before == RICH
