"""Which windows of a CT the border network learns from."""

import numpy as np
import pytest
from cacnet.phantom.devices import Distractor
from cacnet.refinement import NothingToRefineByError
from cacnet.training.border_cases import (
    CUT_VOXELS,
    KINDS,
    BorderCase,
    BorderCaseError,
    cut_windows,
    read_border_case,
    write_border_case,
)
from cacnet.volume import Geometry

SHAPE = (20, 40, 80)
GEOMETRY = Geometry(SHAPE, (0.6, 0.5, 0.5))


@pytest.fixture(scope="module")
def scan() -> dict[str, np.ndarray]:
    """An artery of 8 × 8 voxels along x, of 400 HU in fat: a plaque that was found, one that was missed, metal, and
    blood that was marked by mistake; a clip and calcium of the annulus beside it."""
    hu = np.full(SHAPE, -100, np.int16)
    artery = np.zeros(SHAPE, bool)
    artery[6:14, 16:24] = True
    hu[artery] = 400
    calcium = np.zeros(SHAPE, bool)
    calcium[7:10, 17:20, 10:14] = calcium[7:10, 17:20, 30:34] = True
    hu[calcium] = 900
    hu[7:10, 17:20, 50:54] = 2000
    distractor = np.zeros(SHAPE, np.uint8)
    distractor[7:10, 28:30, 50:52] = Distractor.CLIP
    distractor[7:10, 28:30, 20:40] = Distractor.ANNULUS
    distractor[7:10, 38:40] = Distractor.BONE  # more than 8 voxels away
    hu[distractor == Distractor.CLIP] = 3000
    hu[distractor == Distractor.ANNULUS] = 1100
    answer = np.zeros(SHAPE, np.float32)
    answer[7:10, 17:20, 10:14] = 0.9
    answer[7:10, 17:20, 70:72] = 0.6
    return {"hu": hu, "calcium": calcium, "distractor": distractor, "answer": answer, "artery": artery}


@pytest.fixture(scope="module")
def case(scan: dict[str, np.ndarray]) -> BorderCase:
    return cut_windows(
        scan["hu"],
        scan["calcium"],
        scan["distractor"],
        scan["answer"],
        scan["artery"].astype(np.float32),
        GEOMETRY,
        np.random.default_rng(0),
    )


def middles(case: BorderCase, kind: str) -> list[tuple[int, bool, float]]:
    """HU, truth and CAC-Net's answer in the middle of each window of a kind."""
    at = tuple(size // 2 for size in CUT_VOXELS)
    rows = np.flatnonzero(case.kind == KINDS.index(kind))
    return [
        (int(case.hu[row][at]), bool(case.calcium[row][at]), case.calcium_probability[row][at] / 255) for row in rows
    ]


def test_windows_are_centred_on_what_was_found_rightly_and_wrongly(case: BorderCase) -> None:
    assert middles(case, "found") == [(900, True, pytest.approx(0.9, abs=0.01))]
    assert middles(case, "false") == [(400, False, pytest.approx(0.6, abs=0.01))]


def test_windows_are_centred_on_true_lesions_found_and_missed(case: BorderCase) -> None:
    assert middles(case, "lesion") == [(900, True, pytest.approx(0.9, abs=0.01))]
    assert middles(case, "missed") == [(900, True, 0.0)]


def test_windows_are_centred_on_bright_parts_that_were_not_marked(case: BorderCase) -> None:
    assert middles(case, "missed plaque") == [(900, True, 0.0)]
    assert middles(case, "other bright part") == [(2000, False, 0.0)]


def test_windows_show_arteries_and_distractors_near_them(case: BorderCase) -> None:
    assert len(middles(case, "artery")) == 12
    assert {hu for hu, _, _ in middles(case, "artery")} <= {400, 900, 2000}


def test_every_sort_of_distractor_near_an_artery_is_seen_as_often(case: BorderCase) -> None:
    seen = [hu for hu, _, _ in middles(case, "distractor")]
    assert sorted(seen) == [1100] * 8 + [3000] * 8


def test_beyond_the_scan_a_window_shows_air_without_any_answer(case: BorderCase) -> None:
    assert (case.hu[:, 0] == -1024).all()  # 20 slices in windows of 48
    assert (case.calcium_probability[:, 0] == 0).all()
    assert not case.calcium[:, 0].any()


def test_the_patients_blood_is_kept(case: BorderCase) -> None:
    assert case.blood_hu == 400


def test_a_case_comes_back_from_its_file(case: BorderCase, tmp_path) -> None:
    write_border_case(tmp_path / "case.npz", case)
    back = read_border_case(tmp_path / "case.npz")
    for name, value in vars(case).items():
        np.testing.assert_array_equal(getattr(back, name), value)


def test_a_damaged_file_is_no_case(case: BorderCase, tmp_path) -> None:
    path = tmp_path / "case.npz"
    write_border_case(path, case)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(BorderCaseError, match=r"case\.npz"):
        read_border_case(path)
    np.savez(path, hu=np.zeros(3))
    with pytest.raises(BorderCaseError, match=r"case\.npz"):
        read_border_case(path)


def test_a_scan_in_which_no_lumen_was_found_gives_no_case(scan: dict[str, np.ndarray]) -> None:
    nothing = np.zeros(SHAPE, np.float32)
    with pytest.raises(NothingToRefineByError, match="too little lumen"):
        cut_windows(
            scan["hu"],
            scan["calcium"],
            scan["distractor"],
            nothing,
            nothing,
            GEOMETRY,
            np.random.default_rng(0),
        )
