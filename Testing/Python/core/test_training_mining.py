"""Hard-negative mining: false calcium is found once per structure, false arteries along their course, and both are used
only by patches that come late enough."""

import numpy as np
import pytest
import torch
from cacnet.inference import Device
from cacnet.network import CACNet, NetworkConfig
from cacnet.training.cases import write_case
from cacnet.training.mining import MINING_DELAY_STEPS, forget_mined_after, mine, mined_positions, store_mined
from cacnet.weights import InputContract, LoadedModel, ModelCard

CPU = Device("cpu", "float32", "CPU")


class Threshold(CACNet):
    """Calls everything above 600 HU calcium, the brighter the surer, and everything from 300 to 600 HU an artery."""

    def forward(self, image):
        above_300, above_600 = 10 * (image - 0.1), 10 * (image - 0.7)
        return torch.cat([above_600, torch.minimum(above_300, -above_600)], 1)


@pytest.fixture
def model():
    network = Threshold(NetworkConfig(widths=(1, 1, 1, 1, 1), conditioner=False)).eval()
    return LoadedModel(network, ModelCard("threshold", "Threshold", input=InputContract(tile_voxels=32)))


@pytest.fixture
def case(tmp_path):
    hu, calcium = np.full((32, 32, 32), 100, np.int16), np.zeros((32, 32, 32), np.uint8)
    hu[4:6, 4, 4], calcium[4, 4, 4] = 700, 1  # a true lesion, found a voxel too large
    hu[20, 20, 20], hu[20, 20, 21], hu[10, 10, 10] = 800, 900, 700
    return write_case(tmp_path / "case", hu, calcium, calcium)


def test_every_false_positive_is_given_by_its_surest_voxel(model, case):
    assert mine(model, case, CPU).tolist() == [[20, 20, 21], [10, 10, 10]]


def test_a_case_without_false_positives_gives_none(model, tmp_path):
    nothing = np.zeros((16, 16, 16), np.uint8)
    folder = write_case(tmp_path / "case", nothing + 100, nothing, nothing)
    assert mine(model, folder, CPU).shape == (0, 3)


def test_a_vein_taken_for_an_artery_is_given_along_its_course_but_no_thick_outline_and_no_speck(model, tmp_path):
    hu, nothing = np.full((32, 32, 64), 100, np.int16), np.zeros((32, 32, 64), np.uint8)
    coronary = nothing.copy()
    coronary[4:8, 4:8] = 1
    hu[1:11, 1:11] = 450  # three voxels too wide
    hu[20:23, 20:23] = 450  # a vein of 576 voxels
    hu[28, 28, 5:34] = 450  # a voxel smaller than what counts
    folder = write_case(tmp_path / "case", hu, nothing, coronary)
    found = mine(model, folder, CPU)
    assert len(found) == 4
    assert all(20 <= z < 23 and 20 <= y < 23 for z, y, _ in found.tolist())


def test_a_short_part_of_false_artery_is_given_by_its_middle(model, tmp_path):
    hu, nothing = np.full((32, 32, 64), 100, np.int16), np.zeros((32, 32, 64), np.uint8)
    hu[28, 28, 5:35] = 450
    folder = write_case(tmp_path / "case", hu, nothing, nothing)
    assert mine(model, folder, CPU).tolist() == [[28, 28, 20]]


def test_what_was_mined_is_used_after_its_delay_and_until_the_next(tmp_path):
    store_mined(tmp_path, "a", 100, np.array([[1, 1, 1]]))
    store_mined(tmp_path, "a", 200, np.array([[2, 2, 2]]))
    store_mined(tmp_path, "other", 100, np.array([[3, 3, 3]]))
    used = [mined_positions(tmp_path, "a", step + MINING_DELAY_STEPS).tolist() for step in (99, 100, 199, 200, 10**6)]
    assert used == [[], [[1, 1, 1]], [[1, 1, 1]], [[2, 2, 2]], [[2, 2, 2]]]
    assert mined_positions(tmp_path / "missing", "a", 10**6).shape == (0, 3)


def test_a_resumed_run_forgets_what_it_will_mine_again(tmp_path):
    for step in (100, 200):
        store_mined(tmp_path, "a", step, np.array([[step, 0, 0]]))
    forget_mined_after(tmp_path, 150)
    assert [path.name for path in tmp_path.iterdir()] == ["a@000000100.npy"]
