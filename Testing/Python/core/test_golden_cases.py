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
