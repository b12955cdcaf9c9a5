"""Case names are stable, tell nothing, and are explained in one file only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cacnet.cohort.pseudonyms import IDENTIFYING_FILE, PseudonymFileError, name_cases


def test_the_same_scan_keeps_its_name_when_others_come_and_go(tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    first = name_cases(tmp_path, folder, [folder / "DOE^JANE", folder / "b"])
    second = name_cases(tmp_path, folder, [folder / "c", folder / "b"])
    names = {path.name: name for name, path in first.items()}
    assert second[names["b"]] == folder / "b"
    content = json.loads((tmp_path / IDENTIFYING_FILE).read_text("utf-8"))
    assert set(content["cases"].values()) == {"DOE^JANE", "b", "c"}
    assert "do not pass it on" in content["warning"]


def test_names_cannot_be_guessed_from_paths(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    folder = tmp_path / "scans"
    assert set(name_cases(tmp_path / "1", folder, [folder / "a"])) != set(
        name_cases(tmp_path / "2", folder, [folder / "a"])
    )


def test_a_moved_folder_keeps_its_names(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    assert set(name_cases(tmp_path, old, [old / "p" / "1"])) == set(name_cases(tmp_path, new, [new / "p" / "1"]))


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    name_cases(tmp_path, tmp_path, [tmp_path / "a"])
    assert (tmp_path / IDENTIFYING_FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "[]", '{"schema_version": 9, "salt": "x", "cases": {}}', '{"cases": 3}'])
def test_a_damaged_file_stops_the_run_instead_of_renaming_every_case(tmp_path: Path, text: str) -> None:
    (tmp_path / IDENTIFYING_FILE).write_text(text)
    with pytest.raises(PseudonymFileError):
        name_cases(tmp_path, tmp_path, [tmp_path / "a"])
