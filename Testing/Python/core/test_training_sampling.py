"""Patches: centred where they should be, reproducible one by one, and labels that follow their image."""

from dataclasses import replace

import numpy as np
import pytest
from cacnet.network import NetworkConfig
from cacnet.prepare import REMOVED_HU, normalise_hu
from cacnet.training.cases import CaseError, write_case
from cacnet.training.configuration import AugmentationConfig, SamplingConfig, TrainingConfig
from cacnet.training.mining import store_mined
from cacnet.training.sampling import CaseSampler, PatchDataset, draw_patch, folder_shares

PLAIN = AugmentationConfig(enabled=False)
NOTHING = AugmentationConfig(
    flip=0, affine=0, table_step=0, cut=0, intensity=0, shading=0, blur=0, sharpen=0, thick_slices=0, noise=0
)
CONFIG = TrainingConfig(
    patch_voxels=16, sampling=SamplingConfig(rescan_patches=4), augmentation=PLAIN, workers=0, total_steps=50
)


def write_heart(folder, seed=0):
    """40³ voxels: a vessel along z at (20, 20) with a speck and a long plaque, and one distractor."""
    hu = np.random.default_rng(seed).normal(0, 20, (40, 40, 40)).astype(np.int16)
    coronary, distractor = np.zeros((2, 40, 40, 40), np.uint8)
    coronary[:, 18:23, 18:23] = 2
    calcium = np.zeros_like(coronary)
    calcium[5, 20, 20] = 2
    calcium[20:35, 19:21, 19:21] = 2
    distractor[30, 3, 3] = 4
    hu[coronary > 0], hu[calcium > 0], hu[distractor > 0] = 400, 900, 1200
    return write_case(folder, hu, calcium, coronary, distractor)


@pytest.fixture
def sampler(tmp_path):
    return CaseSampler(write_heart(tmp_path / "heart"))


def test_a_long_plaque_is_chosen_more_often_than_a_speck_but_not_by_its_size_alone(sampler):
    """1 of 61 voxels: alike in 65 of 100, by size in 35, so (0.65 / 2 + 0.35 / 61) × 400 = 132 of 400."""
    random = np.random.default_rng(0)
    specks = sum(sampler.choose("calcium", random)[0] == 5 for _ in range(400))
    assert [len(lesion) for lesion in sampler.lesions] == [1, 60]
    assert 132 - 40 < specks < 132 + 40


@pytest.mark.parametrize("kind", ["calcium", "vessel", "distractor"])
def test_a_chosen_voxel_is_of_its_kind(sampler, kind):
    random = np.random.default_rng(0)
    labels = {"vessel": "coronary"}.get(kind, kind)
    assert all(getattr(sampler.case, labels)[tuple(sampler.choose(kind, random))] for _ in range(20))


def test_mined_positions_are_chosen_where_there_are_some_and_distractors_before(sampler):
    random = np.random.default_rng(0)
    assert sampler.choose("mined", random).tolist() == [30, 3, 3]
    sampler.mined = np.array([[7, 8, 9]])
    assert sampler.choose("mined", random).tolist() == [7, 8, 9]


def test_mined_positions_reach_the_patches_of_later_steps(tmp_path):
    write_heart(tmp_path / "cases" / "heart")
    store_mined(tmp_path / "mined", "heart", 10, np.array([[7, 8, 9]]))
    patches = PatchDataset([tmp_path / "cases"], replace(CONFIG, total_steps=500), tmp_path / "mined")
    found = []
    for number in (0, 119, 120, 800):  # two patches a step, a delay of 50 steps
        patches[number]
        found.append(len(next(iter(patches.samplers.values())).mined))
    assert found == [0, 0, 1, 1]


def test_arteries_without_calcium_are_looked_at_instead(tmp_path, sampler):
    case = sampler.case
    healthy = CaseSampler(write_case(tmp_path / "healthy", case.hu, np.zeros_like(case.calcium), case.coronary))
    random = np.random.default_rng(0)
    assert all(case.coronary[tuple(healthy.choose("calcium", random))] for _ in range(20))


def test_a_case_without_anything_is_sampled_anywhere(tmp_path):
    empty = np.zeros((20, 20, 20), np.uint8)
    sampler = CaseSampler(write_case(tmp_path / "empty", empty, empty, empty))
    random = np.random.default_rng(0)
    for kind in ("calcium", "vessel", "distractor", "mined", "anywhere"):
        assert all(0 <= index < 20 for index in sampler.choose(kind, random))


def test_a_calcium_patch_holds_calcium_and_its_own_image(sampler):
    for number in range(10):
        image, target = draw_patch(sampler, "calcium", CONFIG, np.random.default_rng(number))
        assert tuple(image.shape) == (1, 16, 16, 16)
        assert tuple(target.shape) == (2, 16, 16, 16)
        assert target[0].any()
        bright = normalise_hu(np.array([900]))[0]
        np.testing.assert_allclose(image[0].numpy()[target[0].numpy() > 0], bright)


def test_beyond_the_volume_lies_air(tmp_path):
    small = np.full((8, 8, 8), 100, np.int16)
    nothing = np.zeros((8, 8, 8), np.uint8)
    sampler = CaseSampler(write_case(tmp_path / "small", small, nothing, nothing))
    image, _ = draw_patch(sampler, "anywhere", CONFIG, np.random.default_rng(0))
    assert set(np.unique(image.numpy())) <= {normalise_hu(np.array([value]))[0] for value in (100, REMOVED_HU)}


def test_mirroring_moves_labels_with_the_image(sampler):
    config = replace(CONFIG, augmentation=replace(NOTHING, flip=0.5))
    for number in range(10):
        image, target = draw_patch(sampler, "vessel", config, np.random.default_rng(number))
        np.testing.assert_array_equal(image[0] == normalise_hu(np.array([900]))[0], target[0] > 0)


def test_turning_and_zooming_keep_labels_on_bright_voxels(sampler):
    config = replace(CONFIG, augmentation=replace(NOTHING, affine=1))
    for number in range(10):
        image, target = draw_patch(sampler, "vessel", config, np.random.default_rng(number))
        assert tuple(image.shape) == (1, 16, 16, 16)
        assert target[1].sum() > 50
        assert image[0].numpy()[target[1].numpy() > 0].mean() > normalise_hu(np.array([300]))[0]


def test_a_table_step_moves_what_lies_above_it_with_its_label(sampler):
    config = replace(CONFIG, augmentation=replace(NOTHING, table_step=1, table_step_mm=3.0))
    moved = 0
    for number in range(10):
        image, target = draw_patch(sampler, "vessel", config, np.random.default_rng(number))
        np.testing.assert_array_equal(image[0] == normalise_hu(np.array([900]))[0], target[0] > 0)
        rows = {tuple(np.flatnonzero(plane.any(1))) for plane in target[1].numpy() if plane.any()}
        moved += len(rows) > 1
    assert moved >= 3


def test_beyond_the_end_of_the_scan_nothing_is_labelled(sampler):
    config = replace(CONFIG, augmentation=replace(NOTHING, cut=1, cut_fraction=1.0))
    air = normalise_hu(np.array([REMOVED_HU]))[0]
    cut = 0
    for number in range(10):
        image, target = draw_patch(sampler, "vessel", config, np.random.default_rng(number))
        assert not target[:, image[0] == air].any()
        cut += bool((image == air).any())
    assert cut >= 8


def test_what_nobody_labelled_is_unknown_and_the_rest_is_not(tmp_path, sampler):
    case = sampler.case
    unlabelled = CaseSampler(write_case(tmp_path / "clinic", case.hu, case.calcium, None))
    for changes in (PLAIN, AugmentationConfig()):
        config = replace(CONFIG, augmentation=changes)
        _, target = draw_patch(unlabelled, "calcium", config, np.random.default_rng(0))
        assert set(target[0].unique().tolist()) <= {0, 1}
        assert target[1].unique().tolist() == [255]


def test_folders_of_cases_are_seen_as_often_as_told(tmp_path):
    for name in ("a/one", "a/two", "a/three", "b/four"):
        write_heart(tmp_path / name)
    folders = [tmp_path / "a", tmp_path / "b"]
    drawn = {}
    for mix in ((), (1.0, 3.0)):
        patches = PatchDataset(folders, replace(CONFIG, sampling=SamplingConfig(mix=mix)))
        patches[0]
        assert [len(group) for group in patches.by_folder] == [3, 1]
        drawn[mix] = folder_shares(mix, patches.by_folder)
    assert drawn == {(): [3.0, 1.0], (1.0, 3.0): [1.0, 3.0]}


def test_a_folder_that_is_still_empty_is_not_drawn_from(tmp_path):
    write_heart(tmp_path / "a" / "one")
    config = replace(CONFIG, sampling=SamplingConfig(mix=(1.0, 9.0)))
    patches = PatchDataset([tmp_path / "a", tmp_path / "b"], config)
    assert [patches[number][0].shape[0] for number in range(4)] == [1] * 4


@pytest.mark.parametrize(
    ("mix", "message"), [((1.0,), "as many as sampling.mix has"), ((0.0, 1.0), "no case"), ((), "in two folders")]
)
def test_folders_that_cannot_be_mixed_are_named(tmp_path, mix, message):
    write_heart(tmp_path / "a" / "one")
    if not mix:
        write_heart(tmp_path / "b" / "one")
    with pytest.raises(CaseError, match=message):
        PatchDataset([tmp_path / "a", tmp_path / "b"], replace(CONFIG, sampling=SamplingConfig(mix=mix)))[0]


def test_a_patch_depends_on_its_number_alone(tmp_path):
    write_heart(tmp_path / "a", 1)
    write_heart(tmp_path / "b", 2)
    config = replace(CONFIG, augmentation=AugmentationConfig())
    all_in_turn = PatchDataset([tmp_path], config)
    drawn = [all_in_turn[number] for number in range(8)]
    image, target = PatchDataset([tmp_path], config)[7]
    assert image.equal(drawn[7][0])
    assert target.equal(drawn[7][1])
    assert not drawn[6][0].equal(drawn[7][0])


def test_new_cases_are_noticed_while_training(tmp_path):
    write_heart(tmp_path / "a")
    patches = PatchDataset([tmp_path], CONFIG)
    patches[0]
    write_heart(tmp_path / "b")
    patches[3]
    assert len(patches.samplers) == 1
    patches[4]  # rescan_patches
    assert [folder.name for folder in patches.samplers] == ["a", "b"]


def test_a_folder_without_cases_is_named(tmp_path):
    with pytest.raises(CaseError, match="no case"):
        PatchDataset([tmp_path], CONFIG)[0]


def test_one_class_has_one_target(sampler):
    config = replace(CONFIG, network=NetworkConfig(classes=1))
    _, target = draw_patch(sampler, "calcium", config, np.random.default_rng(0))
    assert tuple(target.shape) == (1, 16, 16, 16)
