"""CT and result are chosen together, whichever of them the user picks."""

from types import SimpleNamespace

import pytest
from CACNetSegmentationLib.widgets.selection import Selection

CT_OF = {"A1": "A", "A2": "A", "B1": "B"}


def result_of(volume, preferred):
    mine = [result for result, ct in CT_OF.items() if ct == volume]
    return preferred if preferred in mine else (mine[-1] if mine else None)


@pytest.fixture
def selection():
    return Selection(result_of, CT_OF.get)


def chosen(selection, volume, segmentation):
    parameters = SimpleNamespace(input_volume=volume, segmentation=segmentation)
    selection.agree(parameters)
    return parameters.input_volume, parameters.segmentation


def test_a_ct_brings_its_newest_result(selection):
    assert chosen(selection, "A", None) == ("A", "A2")


def test_a_result_chosen_before_stays_with_its_ct(selection):
    assert chosen(selection, "A", "A1") == ("A", "A1")


def test_another_ct_brings_its_own_result_or_none(selection):
    chosen(selection, "A", "A1")
    assert chosen(selection, "B", "A1") == ("B", "B1")
    assert chosen(selection, "C", "B1") == ("C", None)


def test_a_result_brings_its_ct(selection):
    chosen(selection, "A", "A1")
    assert chosen(selection, "A", "B1") == ("B", "B1")


def test_a_foreign_segmentation_and_none_leave_the_ct(selection):
    chosen(selection, "A", "A1")
    assert chosen(selection, "A", "Liver") == ("A", "Liver")
    assert chosen(selection, "A", None) == ("A", None)


def test_another_scene_starts_afresh(selection):
    chosen(selection, "A", "A1")
    selection.forget()
    assert chosen(selection, "A", None) == ("A", "A2")
