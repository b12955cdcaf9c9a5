"""The numbers of three stored scans are what they were; see golden_cases.py for how they are made."""

import golden_cases
import pytest


@pytest.mark.parametrize("name", golden_cases.CASES)
def test_lesions_and_scores_are_what_they_were(name):
    found, expected = golden_cases.rounded(golden_cases.result(name)), golden_cases.stored(name)
    assert [lesion["vessel"] for lesion in found["lesions"]] == [lesion["vessel"] for lesion in expected["lesions"]]
    assert found == expected


@pytest.mark.parametrize("name", golden_cases.CASES)
def test_a_stored_case_has_calcium_of_two_arteries(name):
    assert len({lesion["vessel"] for lesion in golden_cases.stored(name)["lesions"]}) == 2
