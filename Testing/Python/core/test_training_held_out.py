"""What further training gained and lost, case by case."""

import math

import pytest
from cacnet.training.held_out import HeldOut, HeldOutCase
from cacnet.training.validation import ValidationScores

NAN = math.nan
HELD_OUT = HeldOut(
    "start",
    (
        HeldOutCase("a", ValidationScores(0.4, 0.8, 5, 2, 3), ValidationScores(0.6, 0.9, 5, 4, 1)),
        HeldOutCase("b", ValidationScores(0.2, NAN, 1, 0, 0), ValidationScores(0.5, NAN, 1, 1, 2)),
        HeldOutCase("c", ValidationScores(0.0, 0.6, 0, 0, 1), ValidationScores(NAN, 0.7, 0, 0, 0)),
    ),
)


def test_means_leave_out_what_is_not_known_and_scans_without_calcium():
    assert HELD_OUT.calcium_dice == pytest.approx((0.3, 0.55))
    assert HELD_OUT.coronary_dice == pytest.approx((0.7, 0.8))
    assert math.isnan(HeldOut("start", ()).calcium_dice[0])


def test_the_table_has_a_row_for_each_case_and_one_for_all():
    lines = HELD_OUT.table().splitlines()
    assert lines[2] == "| a | 0.400 | 0.600 | 0.800 | 0.900 | 2 of 5 | 4 of 5 | 3 | 1 |"
    assert lines[3] == "| b | 0.200 | 0.500 | – | – | 0 of 1 | 1 of 1 | 0 | 2 |"
    assert lines[5] == "| all | 0.300 | 0.550 | 0.700 | 0.800 | 2 of 6 | 5 of 6 | 4 | 3 |"


def test_the_record_holds_no_number_that_json_lacks():
    record = HELD_OUT.record()
    assert record["calcium_dice"] == {"before": 0.3, "after": 0.55}
    assert record["by_case"][1]["before"]["coronary_dice"] is None
    assert record["by_case"][0]["after"] == {
        "calcium_dice": 0.6,
        "coronary_dice": 0.9,
        "lesions": 5,
        "lesions_found": 4,
        "false_positives": 1,
    }
