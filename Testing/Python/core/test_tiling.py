"""Tiles cover a volume, overlap as asked, and their weights add up to one."""

import itertools

import numpy as np
import pytest
from cacnet.tiling import tile_starts, tile_weight, tiles_of


@pytest.mark.parametrize(
    ("length", "tile", "overlap"), itertools.product([32, 33, 95, 200], [32], [0, 0.25, 0.5, 0.75])
)
def test_tiles_cover_every_voxel_and_overlap_as_asked(length, tile, overlap):
    starts = tile_starts(length, tile, overlap)
    assert starts[0] == 0
    assert starts[-1] == length - tile
    assert max(np.diff(starts), default=0) <= tile * (1 - overlap) + 1


def test_a_tile_counts_most_in_its_middle_and_everywhere_something():
    weight = tile_weight(32)
    assert weight[15] == weight[16] == weight.max()
    assert weight.min() > 0
    np.testing.assert_array_equal(weight, weight[::-1])


def test_the_weights_of_all_tiles_add_up_to_one_at_every_voxel():
    total = np.zeros((40, 16, 33), np.float32)
    tiles = tiles_of(total.shape, 16, 0.25)
    for tile in tiles:
        assert tile.weight.shape == (16, 16, 16)
        total[tile.window] += tile.weight
    assert len(tiles) == 3 * 1 * 3
    np.testing.assert_allclose(total, 1, atol=1e-6)
