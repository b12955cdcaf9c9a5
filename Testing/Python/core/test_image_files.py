"""A full disk is noticed, also where the library that writes says nothing."""

import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet.image_files import write_image, write_nrrd_layers
from cacnet.volume import Geometry, geometry_of

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


OBLIQUE = Geometry((2, 3, 4), (2.0, 0.5, 0.25), (1.5, -20.0, 1e-7), (0.6, -0.8, 0, 0.8, 0.6, 0, 0, 0, -1.0))


def test_layers_lie_side_by_side_on_an_oblique_grid(tmp_path: Path) -> None:
    planes = np.arange(2 * 3 * 4 * 2, dtype=np.uint8).reshape(2, 3, 4, 2)
    write_nrrd_layers(tmp_path / "a.nrrd", planes, 2, OBLIQUE, {"Name": "µ, 1 = one: 2"})
    image = sitk.ReadImage(str(tmp_path / "a.nrrd"))
    assert (sitk.GetArrayFromImage(image) == planes).all()
    assert image.GetNumberOfComponentsPerPixel() == 2
    assert geometry_of(sitk.VectorIndexSelectionCast(image, 0)).same_grid(OBLIQUE)
    assert image.GetMetaData("Name") == "µ, 1 = one: 2"


def test_the_same_layers_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.nrrd", "b.nrrd"):
        write_nrrd_layers(tmp_path / name, np.ones((2, 3, 4, 2), np.uint8), 2, OBLIQUE, {})
    assert (tmp_path / "a.nrrd").read_bytes() == (tmp_path / "b.nrrd").read_bytes()


def test_layers_are_never_all_in_memory(tmp_path: Path) -> None:
    """Each plane is asked for only when the one before it has been packed."""
    alive: list[weakref.ref[np.ndarray]] = []

    def planes() -> Iterator[np.ndarray]:
        for _ in range(6):
            assert sum(plane() is not None for plane in alive) <= 1
            plane = np.zeros((3, 4, 2), np.uint8)
            alive.append(weakref.ref(plane))
            yield plane
            del plane

    write_nrrd_layers(tmp_path / "a.nrrd", planes(), 2, Geometry((6, 3, 4), (1.0, 1.0, 1.0)), {})
    assert len(alive) == 6


def test_a_full_disk_is_said_while_layers_are_written() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    noise = np.random.default_rng(0).integers(0, 255, (4, 200, 200, 2), np.uint8)
    with pytest.raises(OSError, match="No space left"):
        write_nrrd_layers(Path("/dev/full"), noise, 2, Geometry((4, 200, 200), (1.0, 1.0, 1.0)), {})
