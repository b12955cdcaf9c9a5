"""Names from a data set neither identify anyone nor lead out of a folder."""

import os

import pytest
from cacnet.dataset import source
from cacnet.dataset.errors import DatasetFileError, UnsafeNameError


def test_a_pseudonym_depends_on_the_content_and_not_on_the_name(tmp_path):
    (tmp_path / "Smith.nii").write_bytes(b"one")
    (tmp_path / "Jones.nii").write_bytes(b"one")
    (tmp_path / "Other.nii").write_bytes(b"two")
    smith, jones, other = (source.pseudonym(tmp_path / f"{name}.nii") for name in ("Smith", "Jones", "Other"))
    assert smith == jones != other
    assert source.require_safe_id(smith) == smith


def test_a_fingerprint_changes_with_a_file_and_not_with_its_name(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    before = source.fingerprint([path])
    renamed = path.rename(tmp_path / "b")
    assert source.fingerprint([renamed]) == before
    os.utime(renamed, ns=(1, 1))
    assert source.fingerprint([renamed]) != before


@pytest.mark.parametrize("name", ["TRV1P12", "coca-0012", "case-0a", "a_b"])
def test_plain_ids_are_safe(name):
    assert source.require_safe_id(name) == name


@pytest.mark.parametrize("name", ["../x", "..", ".", "a/b", "a\\b", "", ".hidden", "a b", "x" * 65, "a\n", 7, None])
def test_ids_that_could_lead_elsewhere_are_refused(name):
    with pytest.raises(UnsafeNameError, match="case id"):
        source.require_safe_id(name)


def test_a_path_inside_the_folder_is_joined(tmp_path):
    assert source.path_inside(tmp_path, "imagesTr/a_0000.nii.gz") == tmp_path / "imagesTr" / "a_0000.nii.gz"


@pytest.mark.parametrize(
    "path", ["../x.nii", "a/../../x", "/etc/passwd", "C:\\x", "a\\..\\..\\x", "\\\\host\\x", "", None, 3]
)
def test_a_path_that_leaves_the_folder_is_refused(tmp_path, path):
    with pytest.raises(UnsafeNameError, match="inside its own folder"):
        source.path_inside(tmp_path, path)


def test_a_description_that_is_far_too_large_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "dataset.json"
    with path.open("wb") as file:
        file.truncate(source.MAX_DESCRIPTION_BYTES + 1)
    with pytest.raises(DatasetFileError, match="67 MB large"):
        source.read_json(path)


@pytest.mark.parametrize("content", ["{", "[]", "null", "[" * 100_000])
def test_what_is_no_json_object_is_refused(tmp_path, content):
    path = tmp_path / "dataset.json"
    path.write_text(content, "utf-8")
    with pytest.raises(DatasetFileError):
        source.read_json(path)


def test_a_missing_description_is_said(tmp_path):
    with pytest.raises(DatasetFileError, match=r"no file 'dataset\.json'"):
        source.read_json(tmp_path / "dataset.json")
