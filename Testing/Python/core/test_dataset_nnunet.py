"""nnU-Net v2 raw folders with their known traps."""

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.dataset import nnunet
from cacnet.dataset.errors import DatasetFileError, IncompleteCaseError, LabelError, UnsafeNameError
from cacnet.volume import Geometry, GeometryMismatchError
from dataset_folders import GEOMETRY, SHAPE_ZYX, hu, spots, write_image, write_nnunet


def test_a_case_is_read_with_its_labels(tmp_path):
    labels = {"background": 0, "LM calcium": 1, "LAD calcium": 2, "LCX calcium": 3, "RCA calcium": 4}
    [case] = nnunet.list_cases(write_nnunet(tmp_path, labels, label_map=spots()))
    scan = case.read()
    np.testing.assert_array_equal(scan.volume.hu, hu())
    np.testing.assert_array_equal(scan.calcium, spots())
    assert scan.volume.geometry.same_grid(GEOMETRY)
    assert scan.unknown == ("coronary", "distractor")
    assert scan.provenance.named_vessels == (Vessel.LM, Vessel.LAD, Vessel.LCX, Vessel.RCA)


def test_the_case_name_does_not_become_its_id(tmp_path):
    [case] = nnunet.list_cases(write_nnunet(tmp_path, cases=("Smith_John",)))
    assert case.name == "Smith_John"
    assert case.read().case_id == case.case_id()
    assert "smith" not in case.case_id().lower()


@pytest.mark.parametrize("ending", [".nrrd", ".mha", ".nii"])
def test_other_file_endings_are_read(tmp_path, ending):
    [case] = nnunet.list_cases(write_nnunet(tmp_path, ending=ending))
    assert np.count_nonzero(case.read().calcium) == 8


def test_labels_without_names_of_arteries_are_unassigned(tmp_path):
    [case] = nnunet.list_cases(write_nnunet(tmp_path))
    scan = case.read()
    assert set(np.unique(scan.calcium)) == {0, 5}
    assert "vessels" in scan.unknown


def test_a_case_without_a_label_file_is_not_a_case_without_calcium(tmp_path):
    folder = write_nnunet(tmp_path, cases=("a", "b"))
    (folder / "labelsTr" / "a.nii.gz").unlink()
    broken, whole = nnunet.list_cases(folder)
    assert [broken.name, whole.name] == ["a", "b"]
    with pytest.raises(IncompleteCaseError, match=r"no file 'a\.nii\.gz'"):
        broken.read()
    assert whole.read().calcium.any()


def test_labels_without_an_image_are_reported(tmp_path):
    folder = write_nnunet(tmp_path)
    (folder / "imagesTr" / "Smith_John_0000.nii.gz").unlink()
    [case] = nnunet.list_cases(folder)
    with pytest.raises(IncompleteCaseError, match=r"no CT 'Smith_John_0000\.nii\.gz'"):
        case.case_id()


def test_an_image_without_a_channel_number_is_reported(tmp_path):
    folder = write_nnunet(tmp_path)
    (folder / "imagesTr" / "Smith_John_0000.nii.gz").rename(folder / "imagesTr" / "Smith_John.nii.gz")
    [case] = nnunet.list_cases(folder)
    with pytest.raises(IncompleteCaseError, match="no channel number"):
        case.read()


@pytest.mark.parametrize(("names", "ct"), [({"0": "vesselness", "1": "CT"}, 1), ({"0": "CT", "1": "vesselness"}, 0)])
def test_of_several_channels_the_one_called_ct_is_read(tmp_path, names, ct):
    folder = write_nnunet(tmp_path, channel_names=names)
    image = folder / "imagesTr" / "Smith_John_0000.nii.gz"
    for channel in (0, 1):
        values = hu() if channel == ct else np.zeros(SHAPE_ZYX, np.float32)
        write_image(image.with_name(f"Smith_John_{channel:04d}.nii.gz"), values)
    [case] = nnunet.list_cases(folder)
    assert case.read().volume.hu.max() == 400


@pytest.mark.parametrize("names", [None, {}, ["CT"], {"CT": 0}, {"0": "T1", "1": "T2"}, {"0": "CT", "1": "CT"}])
def test_channels_of_which_none_or_several_is_the_ct_are_refused(tmp_path, names):
    folder = write_nnunet(tmp_path, channel_names=names)
    with pytest.raises(DatasetFileError, match="channel"):
        nnunet.list_cases(folder)


@pytest.mark.parametrize("ending", [".png", ".tif", None, 3])
def test_a_file_ending_that_cannot_be_read_is_refused(tmp_path, ending):
    folder = write_nnunet(tmp_path, file_ending=ending)
    with pytest.raises(DatasetFileError, match="file ending"):
        nnunet.list_cases(folder)


def test_labels_on_another_grid_are_refused(tmp_path):
    folder = write_nnunet(tmp_path)
    write_image(folder / "labelsTr" / "Smith_John.nii.gz", spots({1: 1}), Geometry(SHAPE_ZYX, (3.0, 2.5, 2.5)))
    [case] = nnunet.list_cases(folder)
    with pytest.raises(GeometryMismatchError, match=r"Smith_John\.nii\.gz"):
        case.read()


def test_a_number_that_dataset_json_does_not_name_is_refused(tmp_path):
    [case] = nnunet.list_cases(write_nnunet(tmp_path, label_map=spots({1: 1, 2: 3})))
    with pytest.raises(LabelError, match="the number 3"):
        case.read()


def test_paths_that_dataset_json_gives_itself_are_followed(tmp_path):
    folder = write_nnunet(tmp_path)
    listed = {"x": {"images": ["imagesTr/Smith_John_0000.nii.gz"], "label": "labelsTr/Smith_John.nii.gz"}}
    [case] = nnunet.list_cases(write_nnunet(folder, dataset=listed))
    assert case.name == "x"
    assert case.read().calcium.any()


@pytest.mark.parametrize("image", ["../x_0000.nii.gz", "/etc/passwd", 5])
def test_paths_that_lead_out_of_the_data_set_are_refused_for_that_case(tmp_path, image):
    listed = {"x": {"images": [image], "label": "labelsTr/Smith_John.nii.gz"}}
    [case] = nnunet.list_cases(write_nnunet(tmp_path, dataset=listed))
    with pytest.raises(UnsafeNameError):
        case.case_id()


@pytest.mark.parametrize("listed", [["x"], {"x": 3}, {"x": {"images": []}}, {"x": {"label": "y"}}])
def test_a_list_of_cases_of_another_form_is_refused(tmp_path, listed):
    with pytest.raises(DatasetFileError):
        nnunet.list_cases(write_nnunet(tmp_path, dataset=listed))


def test_hidden_files_and_test_images_are_no_cases(tmp_path):
    folder = write_nnunet(tmp_path)
    (folder / "imagesTr" / "._Smith_John_0000.nii.gz").write_bytes(b"x")
    write_image(folder / "imagesTs" / "Test_0000.nii.gz", hu())
    assert [case.name for case in nnunet.list_cases(folder)] == ["Smith_John"]
