"""A compressed file is unpacked once: its own checksum says whether what was read is what it holds."""

import gzip
import zlib

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet.reading import UnreadableImageError, images, read_ct
from cacnet.reading.seal import MOST_BYTES, MOST_HEADER_BYTES, seal_of

HEADER = b"header"
VOXELS = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "sealed.gz"
    path.write_bytes(gzip.compress(HEADER + VOXELS.tobytes()))
    return path


def sealed(path, offset=0, wrong_by=0):
    return seal_of(path, offset, len(HEADER) + wrong_by, VOXELS.nbytes)


def test_a_seal_fits_its_voxels_and_no_others(path):
    seal = sealed(path)
    assert seal.crc32 == zlib.crc32(HEADER + VOXELS.tobytes())
    assert seal.fits(VOXELS)
    other = VOXELS.copy()
    other[1, 2, 3] += 1
    assert not seal.fits(other)
    assert not seal.fits(VOXELS.byteswap())


def test_a_seal_is_found_behind_a_text_header(path):
    path.write_bytes(b"NRRD0004\n\n" + path.read_bytes())
    assert sealed(path, offset=10).fits(VOXELS)


def test_a_file_that_holds_more_or_less_has_no_seal(path):
    assert sealed(path, wrong_by=1) is None
    assert sealed(path, wrong_by=-1) is None


@pytest.mark.parametrize("header_bytes", [MOST_HEADER_BYTES + 1, MOST_BYTES])
def test_a_header_of_impossible_length_has_no_seal(path, header_bytes):
    assert seal_of(path, 0, header_bytes, VOXELS.nbytes) is None


@pytest.mark.parametrize("damaged", [b"", b"short", b"no gzip file at all, but long enough"])
def test_a_damaged_file_has_no_seal(path, damaged):
    length = (len(HEADER) + VOXELS.nbytes).to_bytes(4, "little")
    path.write_bytes(damaged + length if len(damaged) > 8 else damaged)
    assert sealed(path) is None


def ct_file(path):
    values = np.random.default_rng(0).integers(-1000, 1000, (20, 30, 40)).astype(np.int16)
    sitk.WriteImage(sitk.GetImageFromArray(values), str(path), useCompression=True)
    return path, values


@pytest.mark.parametrize("name", ["ct.nii.gz", "ct.nrrd"])
def test_a_whole_file_is_unpacked_only_by_the_library_that_reads_it(tmp_path, monkeypatch, name):
    path, values = ct_file(tmp_path / name)
    monkeypatch.setattr(images, "_gzip_bytes", None)
    assert np.array_equal(read_ct(path).hu, values)


@pytest.mark.parametrize("name", ["ct.nii.gz", "ct.nrrd"])
def test_a_file_damaged_in_the_middle_is_refused(tmp_path, name):
    path, _ = ct_file(tmp_path / name)
    packed = bytearray(path.read_bytes())
    packed[len(packed) // 2] ^= 0xFF
    path.write_bytes(packed)
    with pytest.raises(UnreadableImageError, match=name):
        read_ct(path)


def test_a_file_with_a_wrong_checksum_is_refused(tmp_path):
    path, _ = ct_file(tmp_path / "ct.nii.gz")
    packed = bytearray(path.read_bytes())
    packed[-8] ^= 0xFF
    path.write_bytes(packed)
    with pytest.raises(UnreadableImageError, match=r"ct\.nii\.gz"):
        read_ct(path)


def test_a_file_in_two_parts_is_read(tmp_path):
    path, values = ct_file(tmp_path / "ct.nii.gz")
    whole = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(whole[:9000]) + gzip.compress(whole[9000:]))
    assert np.array_equal(read_ct(path).hu, values)


@pytest.mark.parametrize("pack", [gzip.compress, bytes])
def test_whole_numbers_with_an_intercept_do_not_fit_the_seal_and_are_read_all_the_same(tmp_path, pack):
    path, values = ct_file(tmp_path / "ct.nii.gz")
    whole = bytearray(gzip.decompress(path.read_bytes()))
    whole[112:120] = np.array([1, -24], "<f4").tobytes()  # scl_slope, scl_inter
    path = path.with_suffix(".gz" if pack is gzip.compress else "")
    path.write_bytes(pack(whole))
    assert np.array_equal(read_ct(path).hu, values - 24)
