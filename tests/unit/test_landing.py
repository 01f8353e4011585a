"""Which delivered files are taken, and which are left for the next run."""

import os
import threading
import time

import pytest

from pipelines.landing import content_sha256, delivered_files, still_same


def _deliver(landing, name, content=b"x", age_seconds=60):
    path = landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    moment = time.time() - age_seconds
    os.utime(path, (moment, moment))
    return path


def test_files_come_in_name_order_with_their_size(tmp_path):
    _deliver(tmp_path, "wms/b.csv", b"12345")
    _deliver(tmp_path, "wms/a.csv", b"1")
    files, unfinished = delivered_files(tmp_path, settle_seconds=1)
    assert [(f.name, f.size) for f in files] == [("wms/a.csv", 1), ("wms/b.csv", 5)]
    assert unfinished == []


@pytest.mark.parametrize("name", ["a.csv.part", "a.csv.tmp", "a.CSV.FILEPART", "a.csv~"])
def test_a_file_whose_ending_says_it_is_unfinished_is_left(tmp_path, name):
    _deliver(tmp_path, name)
    assert delivered_files(tmp_path, settle_seconds=1) == ([], [name])


@pytest.mark.parametrize("name", [".DS_Store", "wms/.a.csv", "tryton/.unfinished/moves_0001.csv", ".git/a.csv"])
def test_hidden_files_and_folders_are_nobodys_delivery(tmp_path, name):
    _deliver(tmp_path, name)
    assert delivered_files(tmp_path, settle_seconds=1) == ([], [])


def test_a_file_that_grows_between_two_looks_is_left(tmp_path):
    path = _deliver(tmp_path, "growing.csv", b"1", age_seconds=0)
    _deliver(tmp_path, "whole.csv", b"1", age_seconds=0)
    writer = threading.Timer(0.2, lambda: path.write_bytes(b"12"))
    writer.start()
    files, unfinished = delivered_files(tmp_path, settle_seconds=0.6)
    writer.join()
    assert [f.name for f in files] == ["whole.csv"]
    assert unfinished == ["growing.csv"]


def test_a_file_that_changes_after_it_was_listed_is_noticed(tmp_path):
    path = _deliver(tmp_path, "a.csv", b"1")
    (file,), _ = delivered_files(tmp_path, settle_seconds=0.1)
    assert still_same(file)
    path.write_bytes(b"12")
    assert not still_same(file)


def test_a_name_that_is_not_utf_8_is_shown_with_its_bytes(tmp_path):
    (tmp_path / os.fsdecode(b"ger\xe4te.csv")).write_bytes(b"x")
    (file,), _ = delivered_files(tmp_path, settle_seconds=0.1)
    assert file.name == "ger\\xe4te.csv"
    assert content_sha256(file.path) == content_sha256(tmp_path / os.fsdecode(b"ger\xe4te.csv"))


def test_a_file_taken_away_between_two_looks_is_no_delivery(tmp_path):
    path = _deliver(tmp_path, "gone.csv", age_seconds=0)
    taker = threading.Timer(0.2, path.unlink)
    taker.start()
    files, unfinished = delivered_files(tmp_path, settle_seconds=0.6)
    taker.join()
    assert (files, unfinished) == ([], ["gone.csv"])


def test_folders_links_to_themselves_and_pipes_are_no_deliveries(tmp_path):
    (tmp_path / "folder.xml").mkdir()
    (tmp_path / "loop.xml").symlink_to("loop.xml")
    (tmp_path / "nowhere.xml").symlink_to("missing.xml")
    (tmp_path / "folder.xml" / "up").symlink_to("..")
    os.mkfifo(tmp_path / "pipe.xml")
    _deliver(tmp_path, "folder.xml/a.csv")
    files, unfinished = delivered_files(tmp_path, settle_seconds=0.1)
    assert ([f.name for f in files], unfinished) == (["folder.xml/a.csv"], [])


def test_a_linked_folder_is_looked_into_and_its_files_bear_the_links_name(tmp_path):
    landing, share = tmp_path / "landing", tmp_path / "share"
    _deliver(share, "idoc/a.xml", b"12")
    landing.mkdir()
    (landing / "sap").symlink_to(share)
    (landing / "again.xml").symlink_to(share / "idoc" / "a.xml")
    files, unfinished = delivered_files(landing, settle_seconds=0.1)
    assert [(f.name, f.size) for f in files] == [("again.xml", 2), ("sap/idoc/a.xml", 2)]
    assert unfinished == []


def test_links_that_lead_in_a_circle_are_followed_once(tmp_path):
    landing, share = tmp_path / "landing", tmp_path / "share"
    _deliver(share, "a.xml")
    _deliver(share, "deep/b.xml")
    (share / "deep" / "up").symlink_to("..")
    (share / "home").symlink_to(landing)
    landing.mkdir()
    (landing / "sap").symlink_to(share)
    files, _ = delivered_files(landing, settle_seconds=0.1)
    assert [f.name for f in files] == ["sap/a.xml", "sap/deep/b.xml"]


def test_the_hash_is_that_of_the_bytes(tmp_path):
    path = _deliver(tmp_path, "a.csv", b"abc")
    assert content_sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
