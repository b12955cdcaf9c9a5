"""A data set is recognised by its own marks, and never guessed."""

import pytest
from cacnet.dataset.command import LAYOUT_CHOICES
from cacnet.dataset.corrections import write_corrected_case
from cacnet.dataset.errors import UnknownLayoutError
from cacnet.dataset.layouts import AUTO, LAYOUTS, find_layout, list_cases
from cacnet.dataset.nnunet_labels import Kind, Structure
from cacnet.reading.errors import InputNotFoundError
from dataset_folders import corrected_scan, write_coca, write_nnunet, write_orcascore

WRITERS = {
    "nnunet": write_nnunet,
    "orcascore": write_orcascore,
    "coca": write_coca,
    "cacnet": lambda folder: write_corrected_case(folder, corrected_scan()),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_recognised_and_listed(tmp_path, layout):
    WRITERS[layout](tmp_path)
    assert find_layout(tmp_path) == layout
    [case] = list_cases(tmp_path)
    assert case.read().provenance.layout == layout
    assert case.files


def test_the_command_line_offers_every_layout():
    assert set(LAYOUT_CHOICES) == {AUTO, *LAYOUTS}


def test_an_unknown_folder_is_refused(tmp_path):
    with pytest.raises(UnknownLayoutError, match="no labelled data set"):
        list_cases(tmp_path)


def test_a_folder_that_could_be_two_data_sets_needs_a_layout(tmp_path):
    write_nnunet(tmp_path)
    write_orcascore(tmp_path)
    with pytest.raises(UnknownLayoutError, match="nnunet or orcascore"):
        list_cases(tmp_path)
    assert [case.name for case in list_cases(tmp_path, "orcascore")] == ["TRV1P2"]


@pytest.mark.parametrize("layout", [AUTO, "coca"])
def test_a_missing_folder_is_said(tmp_path, layout):
    with pytest.raises(InputNotFoundError, match="no folder"):
        list_cases(tmp_path / "none", layout)


def test_a_data_set_without_cases_is_refused(tmp_path):
    (tmp_path / "calcium_xml").mkdir()
    with pytest.raises(UnknownLayoutError, match="no cases"):
        list_cases(tmp_path)


def test_meanings_of_labels_are_for_nnunet_only(tmp_path):
    write_orcascore(tmp_path)
    with pytest.raises(UnknownLayoutError, match="meanings of labels"):
        list_cases(tmp_path, label_meanings={"LAD": Structure(Kind.CALCIUM)})
