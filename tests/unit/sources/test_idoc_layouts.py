"""Layouts: from parser reports and from our own files, the user's before the shipped ones."""

from __future__ import annotations

import os

import pytest

from pipelines.sources import extract
from pipelines.sources.idoc.layouts import LayoutError, internal_name, parser_report, read_layouts, shipped_layouts

REPORT = """BEGIN_SEGMENT_SECTION
  BEGIN_IDOC          ZDELVRY07
    BEGIN_SEGMENT       Z2HEAD
      SEGMENTTYPE         Z1HEAD
      BEGIN_FIELDS
        NAME                CODE
        TEXT                Code of a thing
        LENGTH              000004
        CHARACTER_FIRST     000064
      END_FIELDS
    END_SEGMENT
    BEGIN_GROUP                  1
      LEVEL               02
      BEGIN_SEGMENT       E2EDL20005
        SEGMENTTYPE         E1EDL20
        BEGIN_FIELDS
          NAME                VBELN
          LENGTH              000010
          CHARACTER_FIRST     000064
          CHARACTER_LAST      000073

          NAME                VSTEL
          LENGTH              000004
          CHARACTER_FIRST     000084
        END_FIELDS
      END_SEGMENT
      BEGIN_GROUP                  2
        BEGIN_SEGMENT       Z2PART001
          SEGMENTTYPE         Z1PART
          BEGIN_FIELDS
          END_FIELDS
        END_SEGMENT
      END_GROUP
    END_GROUP
  END_IDOC
END_SEGMENT_SECTION
"""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "layouts"
    folder.mkdir()
    return folder


def test_a_report_tells_fields_by_their_place_and_parents_by_their_groups(folder):
    path = folder / "zdelvry07.txt"
    path.write_bytes(REPORT.replace("\n", "\r\n").encode())
    segments = parser_report(path).segments
    assert segments["E1EDL20"].fields == {"VBELN": (0, 10), "VSTEL": (20, 24)}
    assert {name: layout.parents for name, layout in segments.items()} == {
        "Z1HEAD": ("IDOC",),
        "E1EDL20": ("IDOC",),
        "Z1PART": ("E1EDL20",),
    }
    assert {name: layout.record for name, layout in segments.items()} == {
        "Z1HEAD": "Z2HEAD",
        "E1EDL20": "E2EDL20005",
        "Z1PART": "Z2PART001",
    }


def test_a_report_goes_before_what_is_shipped_and_the_rest_stays(folder):
    (folder / "zdelvry07.txt").write_text(REPORT)
    layouts = read_layouts(folder)
    assert layouts.find("E2EDL20005")[1].fields["VSTEL"] == (20, 24)
    assert layouts.find("E2EDL24006")[1] == shipped_layouts().segments["E1EDL24"]


def test_reports_are_looked_for_anew_when_one_changes(folder):
    path = folder / "zdelvry07.txt"
    path.write_text(REPORT)
    assert read_layouts(folder).segments["Z1HEAD"].fields == {"CODE": (0, 4)}
    path.write_text(REPORT.replace("000004", "000006", 1))
    os.utime(path, (1, 1))
    assert read_layouts(folder).segments["Z1HEAD"].fields == {"CODE": (0, 6)}


@pytest.mark.parametrize(
    ("record", "segment"),
    [
        ("E2EDL24006", "E1EDL24"),
        ("E2EDL11", "E1EDL11"),
        ("E2EDL11001", "E1EDL11"),
        ("E2WPB01", "E1WPB01"),
        ("E1WPB02", "E1WPB02"),
        ("E2BP2017_GM_HEAD_01", "E1BP2017_GM_HEAD_01"),
        ("E2BP2017_GM_HEAD_01004", "E1BP2017_GM_HEAD_01"),
        ("E2BP2017_GM_ITEM_CREATE1001", "E1BP2017_GM_ITEM_CREATE1"),
        ("/SPE/E2BP2017_GM_REF_EWM", "E1BP2017_GM_REF_EWM"),
        ("Z2PARTS001", "Z1PARTS"),
    ],
)
def test_records_name_segments_with_and_without_a_version(record, segment):
    assert internal_name(record, shipped_layouts().segments) == segment


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", "this is a letter", "a.txt: no segment in it, so it is no parser report"),
        ("a.txt", REPORT.replace("000064", "000000", 1), "a.txt, line 9: CODE lies outside the 1000 characters"),
        ("a.txt", REPORT.replace("SEGMENTTYPE         Z1HEAD", ""), "a.txt, line 11: Z2HEAD has no SEGMENTTYPE"),
        ("a.yaml", "Z1HEAD: [", "a.yaml: not a layout file"),
        ("a.yaml", "Z1HEAD: {fields: {CODE: 1001}}", "takes 1001 characters, more than 1000"),
    ],
)
def test_a_file_that_is_no_layout_stops_with_its_name_and_place(folder, contracts, tmp_path, name, content, told):
    (folder / name).write_text(content)
    flat = tmp_path / "any.txt"
    flat.write_text("EDI_DC40  \n")
    with pytest.raises(LayoutError, match=told):
        extract(flat, "any.txt", contracts=contracts, layouts=folder)


def test_our_own_format_describes_a_segment_in_three_lines(folder):
    (folder / "own.yml").write_text("Z1PART:\n  parents: [E1EDL24]\n  fields: {COLOUR: 10, GRADE: 2}\n")
    layout = read_layouts(folder).find("Z2PART")[1]
    assert (layout.parents, layout.fields) == (("E1EDL24",), {"COLOUR": (0, 10), "GRADE": (10, 12)})
