"""The numbers of six stored scans are what they were; see golden_cases.py for how they are made."""

import golden_cases
import numpy as np
import pytest


@pytest.mark.parametrize(
    "name", [*golden_cases.DRAWN, *(pytest.param(name, marks=pytest.mark.slow) for name in golden_cases.SIMULATED)]
)
def test_lesions_and_scores_are_what_they_were(name):
    found, expected = golden_cases.rounded(golden_cases.result(name)), golden_cases.stored(name)
    assert [lesion["vessel"] for lesion in found["lesions"]] == [lesion["vessel"] for lesion in expected["lesions"]]
    assert found == expected


@pytest.mark.parametrize("name", golden_cases.DRAWN)
def test_a_drawn_case_has_calcium_of_two_arteries(name):
    assert len({lesion["vessel"] for lesion in golden_cases.stored(name)["lesions"]}) == 2


def test_the_simulated_cases_have_calcium_of_all_four_arteries():
    lesions = [lesion for name in golden_cases.SIMULATED for lesion in golden_cases.stored(name)["lesions"]]
    assert {lesion["vessel"] for lesion in lesions} == {1, 2, 3, 4}


@pytest.mark.slow
def test_everything_after_the_network_is_the_same_bit_by_bit_with_one_thread_and_with_two():
    """Labels, names and places of arteries, centre lines, lesions and scores, in two interpreters."""
    name = "few voxels"
    assert golden_cases.fingerprints_in_a_process([name], 1) == golden_cases.fingerprints_in_a_process([name], 2)


def test_a_bit_another_type_and_another_word_have_another_fingerprint():
    values = [
        (np.zeros(4, np.float32), "right"),
        (np.nextafter(np.zeros(4, np.float32), np.float32(1)), "right"),
        (np.zeros(4, np.int32), "right"),
        (np.zeros((2, 2), np.float32), "right"),
        (np.zeros(4, np.float32), "left"),
    ]
    assert len({golden_cases.sha256_of(one) for one in values}) == len(values)


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "threads"), [("bfloat16", 1), ("float32", 2)])
def test_the_bundled_network_answers_within_the_stated_tolerance(precision, threads):
    """Documentation/reproducibility.md; on a part of a stored scan with calcium in it."""
    import torch
    from cacnet.inference import Device, predict
    from cacnet.pipeline import DEFAULT_MODEL
    from cacnet.prepare import normalise_hu
    from cacnet.weights import load_bundle

    image, model, before = (
        normalise_hu(golden_cases.part_with_calcium()),
        load_bundle(DEFAULT_MODEL),
        torch.get_num_threads(),
    )
    answers = []
    try:
        for how, count in (("float32", 1), (precision, threads)):
            torch.set_num_threads(count)
            answers.append(predict(image, model, Device("cpu", how, "CPU"), tile_voxels=64))
    finally:
        torch.set_num_threads(before)
    exact, other = answers
    assert exact.calcium.max() > 0.5
    for part in ("calcium", "coronary"):
        difference = np.abs(getattr(other, part) - getattr(exact, part))
        assert difference.max() < 0.2
        assert np.quantile(difference, 0.999) < 0.02
        assert difference.mean() < 1e-3
