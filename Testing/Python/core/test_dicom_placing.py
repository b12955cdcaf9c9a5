"""Labels go back onto the source images' grid, however a viewer turned, mirrored or cropped it."""

import numpy as np
import pytest
from cacnet.dicom.placing import placed_on
from cacnet.volume import Geometry

TARGET = Geometry((3, 4, 5), (3.0, 0.5, 0.4), (-10.0, -20.0, 100.0))
LABELS = np.random.default_rng(0).integers(0, 6, TARGET.shape_zyx).astype(np.uint8)


def test_labels_on_the_same_grid_stay_as_they_are():
    np.testing.assert_array_equal(placed_on(TARGET, LABELS, TARGET), LABELS)


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (0, 1, 2)])
def test_mirrored_axes_are_mirrored_back(axes):
    origin = TARGET.index_to_lps(np.array([TARGET.shape_zyx[a] - 1 if a in axes else 0 for a in range(3)]))
    signs = [-1.0 if 2 - column in axes else 1.0 for column in range(3)]
    direction = np.diag(signs)
    mirrored = Geometry(TARGET.shape_zyx, TARGET.spacing_mm_zyx, tuple(origin), tuple(direction.ravel()))
    np.testing.assert_array_equal(placed_on(TARGET, np.flip(LABELS, axes), mirrored), LABELS)


def test_turned_axes_are_turned_back():
    # Array axes (y, x, z) of the same voxels: index axes x, y, z of the file run along z, x, y of the patient.
    direction = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]], float)
    turned = Geometry((4, 5, 3), (0.5, 0.4, 3.0), TARGET.origin_mm_lps, tuple(direction.ravel()))
    np.testing.assert_array_equal(placed_on(TARGET, LABELS.transpose(1, 2, 0), turned), LABELS)


def test_a_crop_is_put_where_it_was_cut_out():
    box = (slice(1, 3), slice(0, 2), slice(2, 5))
    expected = np.zeros_like(LABELS)
    expected[box] = LABELS[box]
    np.testing.assert_array_equal(placed_on(TARGET, LABELS[box], TARGET.crop(box)), expected)


@pytest.mark.parametrize(
    "other",
    [
        Geometry((3, 4, 5), (3.0, 0.5, 0.4), (-10.0, -20.0, 101.0)),
        Geometry((3, 4, 5), (3.0, 0.5, 0.5), (-10.0, -20.0, 100.0)),
        Geometry((4, 4, 5), (3.0, 0.5, 0.4), (-10.0, -20.0, 100.0)),
        Geometry((3, 4, 5), (3.0, 0.5, 0.4), (-10.0, -20.0, 103.0)),
    ],
)
def test_another_grid_is_refused(other):
    assert placed_on(TARGET, np.zeros(other.shape_zyx, np.uint8), other) is None
