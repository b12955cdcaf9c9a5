"""Which files a result becomes, and in which order they appear."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cacnet import outputs
from cacnet.edits.stored_json import read_review
from cacnet.files import UnwritableOutputError
from cacnet.findings import Finding, Severity
from cacnet.lesions import find_lesions
from cacnet.outputs import OVERVIEW, write_for_review, write_result
from cacnet.pipeline import Result, resolve_for
from cacnet.report import Scores
from cacnet.volume import Geometry, Volume

DATA = {"segmentation.seg.nrrd", "calcium.nii.gz", "coronary.nii.gz", "lesions.csv", "report.json", "review.json"}


@pytest.fixture
def result() -> Result:
    hu = np.full((20, 20, 20), 400, np.int16)
    calcium, coronary = np.zeros(hu.shape, np.uint8), np.full(hu.shape, 2, np.uint8)
    calcium[9:11, 9:11, 9:11] = 2
    hu[calcium > 0] = 1200
    volume = Volume(hu, Geometry(hu.shape, (1.0, 1.0, 1.0)), source="test")
    resolved = resolve_for(volume, "ccta-adaptive", np.full(100, 400.0))
    return Result(volume, calcium, coronary, Scores(find_lesions(calcium, hu, volume.geometry, resolved), resolved))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_table_is_there_before_the_picture_is_drawn(
    tmp_path: Path, result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    monkeypatch.setattr(outputs, "draw_overview", lambda path, result: seen.append(names(path.parent)))
    write_result(tmp_path, result)
    assert seen == [DATA]


def test_the_picture_of_an_earlier_result_does_not_stay_beside_a_new_one(
    tmp_path: Path, result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / OVERVIEW).write_text("earlier")
    monkeypatch.setattr(outputs, "draw_overview", lambda path, result: None)
    write_result(tmp_path, result)
    assert names(tmp_path) == DATA


def test_a_picture_that_cannot_be_removed_is_an_error_and_leaves_the_earlier_result(
    tmp_path: Path, result: Result
) -> None:
    (tmp_path / OVERVIEW).mkdir()
    with pytest.raises(UnwritableOutputError):
        write_result(tmp_path, result)
    assert names(tmp_path) == {OVERVIEW}


def test_a_review_is_told_what_only_the_run_knows(tmp_path: Path, result: Result) -> None:
    told = Finding("second-look", Severity.NOTE, "One lesion is from the second look.")
    of_the_scan = Finding("slice-increment-thick", Severity.WARNING, "The slices are thick.")
    scores = replace(result.scores, findings=(of_the_scan, told))
    write_for_review(tmp_path, replace(result, scores=scores))
    assert read_review(tmp_path / "review.json").findings == (told,)


def test_a_review_begins_without_pictures_and_label_maps(tmp_path: Path, result: Result) -> None:
    write_for_review(tmp_path, result)
    assert names(tmp_path) == {"segmentation.seg.nrrd", "lesions.csv", "report.json", "review.json"}
