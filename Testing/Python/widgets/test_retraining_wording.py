"""What is said of further training is plain, and claims no more than is known."""

import re
from pathlib import Path

import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")
from cacnet.dataset.contents import Contents
from cacnet.dataset.scan import ReviewState
from cacnet.retraining import EXTENTS, Length, Retraining
from CACNetSegmentationLib.widgets import retraining_wording as wording


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        (
            Contents({ReviewState.APPROVED: 9, ReviewState.PARTLY: 2, ReviewState.UNREVIEWED: 1}, usable=9, held_out=2),
            "12 cases: 9 approved, 2 partly reviewed, 1 unreviewed. 7 would be learned from, 2 held out to compare on.",
        ),
        (
            Contents({ReviewState.APPROVED: 1}, usable=1),
            "1 case: 1 approved. All would be learned from; none is left to compare on, so the gain will not be known.",
        ),
        (
            Contents(foreign=5, damaged=1, usable=5, held_out=None),
            "6 cases: 5 of another data set, 1 damaged. About a fifth would be held out to compare on.",
        ),
        (
            Contents({ReviewState.UNREVIEWED: 2}),
            "2 cases: 2 unreviewed. None can be learned from: approve reviews and add them again.",
        ),
    ],
)
def test_a_data_set_is_described(contents, text):
    assert wording.contents_text(contents) == text


def test_a_limit_of_time_that_comes_first_is_said():
    text = wording.plan_text("CPU", 24.0, EXTENTS[Length.NIGHT])
    assert text.startswith("CPU: stops after 10 hours, with about 50 % of the 3000 steps done (24 s a step)")


def test_a_graphics_processor_is_done_before_the_limit():
    text = wording.plan_text("GPU", 0.5, EXTENTS[Length.NIGHT])
    assert text.startswith("GPU: about 25 minutes for 3000 steps in all (0.5 s a step)")


@pytest.mark.parametrize(
    ("seconds", "text"), [(20, "a minute"), (600, "10 minutes"), (5000, "83 minutes"), (36000, "10 hours")]
)
def test_durations_are_no_finer_than_they_are_known(seconds, text):
    assert wording.duration_text(seconds) == text


@pytest.mark.parametrize(
    ("loss", "first", "words"),
    [
        (0.44, 0.55, "have fallen by 20 % (loss 0.44, at first 0.55)."),
        (0.66, 0.55, "are 20 % above those at the start"),
        (0.55, 0.55, "are as at the start"),
    ],
)
def test_the_loss_is_put_into_words(loss, first, words):
    assert words in wording.step_text(1, 9, loss, first)


def test_a_loss_of_nothing_has_no_trend():
    assert wording.step_text(1, 9, 0.0, 0.0) == "Step 1 of 9."


def test_time_left_is_in_the_unit_that_fits():
    assert wording.stage_text("train", None) == "Learning"
    assert wording.stage_text("train", 600) == "Learning, about 10 min left"
    assert wording.stage_text("train", 3 * 3600) == "Learning, about 3 hours left"
    assert wording.stage_text("odd", None) == "odd"


def held_out(before, after, cases=6):
    return {
        "cases": cases,
        "model_before": "old",
        "calcium_dice": {"before": before, "after": after},
        "coronary_dice": {"before": 0.7, "after": None},
        "by_case": [
            {
                "case": "a",
                "before": {"lesions": 4, "lesions_found": 2, "false_positives": 3},
                "after": {"lesions": 4, "lesions_found": 3, "false_positives": 1},
            }
        ],
    }


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (0.5, 0.6, "'new' is better than 'old' on the 6 held-out cases"),
        (0.6, 0.5, "'new' is worse than 'old'"),
        (0.5001, 0.5002, "'new' is as good as 'old'"),
        (None, None, "No held-out case has calcium"),
    ],
)
def test_the_verdict_says_whether_the_new_model_is_better(before, after, words):
    assert words in wording.verdict({"model": "new", "held_out": held_out(before, after)})


def test_few_held_out_cases_are_said_to_say_little():
    assert "So few cases say little" in wording.verdict({"model": "new", "held_out": held_out(0.5, 0.6, 2)})
    assert "So few cases say little" not in wording.verdict({"model": "new", "held_out": held_out(0.5, 0.6, 6)})


def test_without_held_out_cases_nothing_is_claimed():
    assert "not known whether it is better" in wording.verdict({"model": "new"})


def test_the_table_has_before_and_after_and_a_dash_for_what_is_unknown():
    table = wording.table_html(held_out(0.5, 0.6))
    values = re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", table)
    assert values[3:6] == ["Dice of calcium", "0.500", "0.600"]
    assert values[6:9] == ["Dice of arteries", "0.700", "–"]
    assert values[9:12] == ["Lesions found, of 4", "2", "3"]
    assert values[12:15] == ["False positives", "3", "1"]


def test_a_stopped_training_names_its_choices():
    text = wording.resume_text(Retraining(Path("exports"), "old", "new", Length.TRIAL))
    assert text.startswith("'new' was stopped before its end")
    assert "a short trial" in text
    assert "from 'old', on the cases in exports" in text
