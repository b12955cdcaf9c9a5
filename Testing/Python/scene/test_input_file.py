"""The CT goes to the worker as it is: every value, and its place to the last digit."""

import numpy as np
import pytest
from cacnet.reading import read_ct
from cacnet.volume import Geometry, Volume

pytest.importorskip("slicer", reason="slicer-core is not installed")
from CACNetSegmentationLib.scene import input_file, volumes

GEOMETRY = Geometry(
    (3, 4, 5), (0.5, 0.4, 0.3), (11.123456789, -22.0, 1 / 3), (0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
)


def node_of(scene, hu):
    return volumes.node_from_volume(scene, Volume(hu, GEOMETRY), "CT")


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.int32, np.uint16])
def test_the_file_holds_the_ct_exactly(scene, tmp_path, dtype):
    hu = np.arange(60, dtype=dtype).reshape(GEOMETRY.shape_zyx)
    input_file.write_ct(node_of(scene, hu), tmp_path / "ct.nrrd")
    back = read_ct(tmp_path / "ct.nrrd")
    np.testing.assert_array_equal(back.hu, hu)
    assert back.geometry.origin_mm_lps == pytest.approx(GEOMETRY.origin_mm_lps, abs=1e-12)
    assert back.geometry.same_grid(GEOMETRY)


def test_a_disk_that_takes_no_more_is_a_sentence(scene, tmp_path):
    node = node_of(scene, np.zeros(GEOMETRY.shape_zyx, np.int16))
    with pytest.raises(input_file.InputWriteError, match="room on that disk"):
        input_file.write_ct(node, tmp_path / "absent" / "ct.nrrd")


def test_values_of_an_unknown_type_are_refused(scene, tmp_path, monkeypatch):
    node = node_of(scene, np.zeros(GEOMETRY.shape_zyx, np.int16))
    monkeypatch.setattr(input_file, "arrayFromVolume", lambda node: np.zeros(GEOMETRY.shape_zyx, np.complex64))
    with pytest.raises(input_file.InputWriteError, match="complex64"):
        input_file.write_ct(node, tmp_path / "ct.nrrd")
