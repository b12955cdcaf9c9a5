"""A full disk is noticed, also where the library that writes says nothing."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet.image_files import write_image

LABELS = np.random.default_rng(0).integers(0, 6, (8, 9, 10)).astype(np.uint8)


@pytest.mark.parametrize("name", ["labels.nii.gz", "labels.nrrd"])
def test_what_is_written_is_there(tmp_path: Path, name: str) -> None:
    write_image(sitk.GetImageFromArray(LABELS), tmp_path / name)
    assert (sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / name))) == LABELS).all()


@pytest.mark.parametrize("kept", [0, 20, 0.5, -1])
def test_a_file_that_was_cut_short_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: float) -> None:
    """As NIfTI's writer leaves it on a full disk, without a word."""
    real = sitk.WriteImage

    def cut(image: sitk.Image, path: str, **options: bool) -> None:
        real(image, path, **options)
        whole = Path(path).read_bytes()
        Path(path).write_bytes(whole[: int(kept * len(whole)) if kept == 0.5 else int(kept)])

    monkeypatch.setattr(sitk, "WriteImage", cut)
    with pytest.raises(OSError, match="could not be written whole"):
        write_image(sitk.GetImageFromArray(LABELS), tmp_path / "labels.nii.gz")


def test_damage_within_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = sitk.WriteImage

    def damaged(image: sitk.Image, path: str, **options: bool) -> None:
        real(image, path, **options)
        whole = bytearray(Path(path).read_bytes())
        whole[-6] ^= 1  # of the checksum
        Path(path).write_bytes(whole)

    monkeypatch.setattr(sitk, "WriteImage", damaged)
    with pytest.raises(OSError, match="whole"):
        write_image(sitk.GetImageFromArray(LABELS), tmp_path / "labels.nii.gz")


def test_what_the_library_says_comes_without_its_source_files(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"^\[Errno 5\]") as error:
        write_image(sitk.GetImageFromArray(LABELS), tmp_path / "missing" / "labels.nrrd")
    assert ".cxx" not in str(error.value)
