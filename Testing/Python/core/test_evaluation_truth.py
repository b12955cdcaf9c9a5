"""The truth beside a scan: labels by artery or plain masks, and where the case comes from."""

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet.evaluation.truth import NoTruthError, Origin, UnreadableTruthError, read_origin, read_truth
from cacnet.masks import UnreadableMaskError
from cacnet.volume import Geometry, GeometryMismatchError, to_sitk

GRID = Geometry((2, 2, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))


def write(folder: Path, name: str, row: list[int], grid: Geometry = GRID) -> None:
    array = np.zeros(grid.shape_zyx, np.uint8)
    array[0, 0, : len(row)] = row
    sitk.WriteImage(to_sitk(array, grid), str(folder / f"{name}.nii.gz"))


def truth_of(folder: Path, calcium: list[int], coronary: list[int]):
    write(folder, "calcium", calcium)
    write(folder, "coronary", coronary)
    return read_truth(folder, GRID)


def test_labels_by_artery_stay_as_they_are(tmp_path: Path) -> None:
    truth = truth_of(tmp_path, [2, 0, 4], [2, 2, 4, 4])
    assert truth.names_vessels
    assert truth.calcium[0, 0].tolist() == [2, 0, 4, 0]
    assert truth.coronary[0, 0].tolist() == [2, 2, 4, 4]
    assert truth.distractors is None


def test_a_plain_calcium_mask_takes_the_arteries_of_the_coronary_map(tmp_path: Path) -> None:
    truth = truth_of(tmp_path, [1, 0, 1, 1], [2, 2, 4, 0])
    assert truth.names_vessels
    assert truth.calcium[0, 0].tolist() == [2, 0, 4, 5]


def test_plain_masks_name_no_arteries(tmp_path: Path) -> None:
    truth = truth_of(tmp_path, [1, 0], [1, 1])
    assert not truth.names_vessels
    assert truth.calcium[0, 0].tolist() == [5, 0, 0, 0]
    assert truth.coronary[0, 0].tolist() == [5, 5, 0, 0]


@pytest.mark.parametrize(("there", "missing"), [("calcium", "coronary"), ("coronary", "calcium")])
def test_a_missing_map_is_unknown_not_empty(tmp_path: Path, there: str, missing: str) -> None:
    write(tmp_path, there, [2])
    truth = read_truth(tmp_path, GRID)
    assert getattr(truth, missing) is None
    assert getattr(truth, there)[0, 0].tolist() == [2, 0, 0, 0]
    assert truth.names_vessels


def test_a_case_without_any_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoTruthError, match="neither calcium nor coronary"):
        read_truth(tmp_path, GRID)


@pytest.mark.parametrize(("unknown", "missing"), [("calcium", "calcium"), ("distractor", "distractors")])
def test_what_the_record_calls_unknown_is_not_taken_from_a_file(tmp_path: Path, unknown: str, missing: str) -> None:
    write(tmp_path, "distractors", [0, 1])
    (tmp_path / "record.json").write_text(json.dumps({"schema_version": 1, "unknown": [unknown]}))
    assert getattr(truth_of(tmp_path, [2], [2, 2]), missing) is None


def test_a_record_that_does_not_know_the_arteries_names_takes_them_away(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text(json.dumps({"schema_version": 1, "unknown": ["vessels"]}))
    truth = truth_of(tmp_path, [2], [2, 3])
    assert not truth.names_vessels
    assert truth.coronary is not None
    assert truth.coronary[0, 0].tolist() == [5, 5, 0, 0]


def test_a_map_on_another_grid_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "calcium", [1], Geometry((2, 2, 5), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)))
    with pytest.raises(GeometryMismatchError):
        read_truth(tmp_path, GRID)


def test_distractors_are_read_with_any_number(tmp_path: Path) -> None:
    write(tmp_path, "distractors", [0, 12])
    truth = truth_of(tmp_path, [1], [1])
    assert truth.distractors is not None
    assert truth.distractors[0, 0].tolist() == [0, 12, 0, 0]


def test_damaged_distractors_are_refused(tmp_path: Path) -> None:
    (tmp_path / "distractors.nii.gz").write_bytes(b"nothing")
    with pytest.raises(UnreadableMaskError, match="distractors"):
        truth_of(tmp_path, [1], [1])


def test_a_simulated_case_tells_its_seed(tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text(json.dumps({"simulated": True, "patient": {"seed": 9101}}))
    assert read_origin(tmp_path) == Origin(True, 9101, None)


def test_a_simulated_case_tells_its_score_without_contrast(tmp_path: Path) -> None:
    record = {"simulated": True, "patient": {"seed": 1}, "agatston_without_contrast": {"LAD": 3.5, "total": 7.5}}
    (tmp_path / "truth.json").write_text(json.dumps(record))
    assert read_origin(tmp_path) == Origin(True, 1, 7.5)


def motion_of(folder: Path, *moves: tuple[int, list[float]]) -> float | None:
    motion = [{"vessel": vessel, "displacement_mm_xyz": way} for vessel, way in moves]
    record = {"simulated": True, "patient": {"seed": 1}, "scan": {"motion": motion}}
    (folder / "truth.json").write_text(json.dumps(record))
    return read_origin(folder).motion_mm


def test_motion_is_the_longest_way_of_an_artery(tmp_path: Path) -> None:
    assert motion_of(tmp_path, (2, [0.0, 0.3, 0.4]), (4, [3.0, 4.0, 0.0])) == pytest.approx(5.0)


def test_an_artery_goes_with_the_whole_heart(tmp_path: Path) -> None:
    assert motion_of(tmp_path, (0, [1.0, 0.0, 0.0]), (4, [2.0, 4.0, 0.0])) == pytest.approx(5.0)
    # The others move with the heart where the one with a motion of its own stands still against it.
    assert motion_of(tmp_path, (0, [1.0, 0.0, 0.0]), (4, [-1.0, 0.0, 0.0])) == pytest.approx(1.0)


def test_a_still_heart_has_no_motion_and_an_unknown_one_is_not_still(tmp_path: Path) -> None:
    assert motion_of(tmp_path) == 0.0
    (tmp_path / "truth.json").write_text(json.dumps({"simulated": True, "patient": {"seed": 1}}))
    assert read_origin(tmp_path).motion_mm is None


def test_a_case_without_a_record_is_not_simulated(tmp_path: Path) -> None:
    assert read_origin(tmp_path) == Origin()
    (tmp_path / "truth.json").write_text(json.dumps({"reader": "A"}))
    assert read_origin(tmp_path) == Origin()


@pytest.mark.parametrize("text", ["{", "[]", '{"simulated": true}', '{"simulated": true, "patient": {"seed": "x"}}'])
def test_a_damaged_record_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "truth.json").write_text(text)
    with pytest.raises(UnreadableTruthError, match=r"truth\.json"):
        read_origin(tmp_path)
