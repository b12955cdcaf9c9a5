"""The numbers of the distractors are a file format."""

from cacnet.phantom.devices import Distractor


def test_the_numbers_are_those_that_written_cases_hold():
    assert {d.name: d.value for d in Distractor} == {
        "NONE": 0,
        "VEIN": 1,
        "AORTIC": 2,
        "VALVE": 3,
        "ANNULUS": 4,
        "PAPILLARY": 5,
        "BONE": 6,
        "STENT": 7,
        "CLIP": 8,
        "LEAD": 9,
        "NODE": 10,
        "PERICARDIAL": 11,
        "DENSE_CONTRAST": 12,
        "GRAFT": 13,
        "PROSTHESIS": 14,
        "SURFACE": 15,
    }
