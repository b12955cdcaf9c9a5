"""Writing happens wholly or not at all."""

import json
import os
from pathlib import Path

import pytest
from cacnet.files import (
    UnwritableOutputError,
    remove_staging,
    replaced_folder,
    replacing,
    require_writable,
    staged_folder,
    write_json,
    writing_to,
)


class Interrupted(BaseException):
    pass


def test_files_appear_together_when_the_block_ends(tmp_path: Path) -> None:
    output = tmp_path / "deep" / "output"
    with staged_folder(output) as staging:
        (staging / "a.txt").write_text("a")
        (staging / "b.txt").write_text("b")
        assert [f.name for f in output.iterdir()] == [staging.name]
    assert sorted(f.name for f in output.iterdir()) == ["a.txt", "b.txt"]


def test_a_failure_leaves_no_file_and_no_folder_that_was_not_there(tmp_path: Path) -> None:
    with pytest.raises(Interrupted), staged_folder(tmp_path / "deep" / "output") as staging:
        (staging / "a.txt").write_text("a")
        raise Interrupted
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_an_earlier_result_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("earlier")
    with pytest.raises(Interrupted), staged_folder(tmp_path) as staging:
        (staging / "a.txt").write_text("later")
        raise Interrupted
    assert [f.name for f in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "earlier"


def test_a_new_result_replaces_its_own_files_and_spares_others(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("earlier")
    (tmp_path / "notes.txt").write_text("mine")
    with staged_folder(tmp_path) as staging:
        (staging / "a.txt").write_text("later")
    assert (tmp_path / "a.txt").read_text() == "later"
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_an_output_below_a_file_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritableOutputError, match="cannot be written"), staged_folder(tmp_path / "file" / "output"):
        pytest.fail("the block must not run")


def test_a_full_disk_becomes_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnwritableOutputError, match="No space left"), staged_folder(tmp_path / "output"):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_in_one_step_and_keeps_its_suffixes(tmp_path: Path) -> None:
    target = tmp_path / "labels.nii.gz"
    target.write_text("earlier")
    with replacing(target) as temporary:
        assert temporary.name.endswith(".nii.gz")
        temporary.write_text("later")
        assert target.read_text() == "earlier"
    assert target.read_text() == "later"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failed_replacement_keeps_the_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("earlier")
    with pytest.raises(Interrupted), replacing(target) as temporary:
        temporary.write_text("half")
        raise Interrupted
    assert [f.name for f in tmp_path.iterdir()] == ["a.txt"]
    assert target.read_text() == "earlier"


def test_replacing_in_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnwritableOutputError), replacing(tmp_path / "missing" / "a.txt"):
        pytest.fail("the block must not run")


def test_json_is_readable_and_never_holds_nan(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"vessel": "LCx", "volume_mm³": 1.5})
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {"vessel": "LCx", "volume_mm³": 1.5}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "b.json", {"x": float("nan")})
    assert [f.name for f in tmp_path.iterdir()] == ["a.json"]


def test_asking_whether_a_folder_is_writable_leaves_nothing(tmp_path: Path) -> None:
    require_writable(tmp_path / "deep" / "output")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritableOutputError):
        require_writable(tmp_path / "file" / "output")


def test_leftovers_of_an_interrupted_run_are_removed_and_results_are_not(tmp_path: Path) -> None:
    (tmp_path / ".cacnet-x").mkdir()
    (tmp_path / ".cacnet-x" / "half.nii.gz").write_text("")
    (tmp_path / "report.json").write_text("{}")
    remove_staging(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]
    (tmp_path / "report.json").unlink()
    remove_staging(tmp_path)
    assert not tmp_path.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_a_replaced_file_may_be_read_by_others(tmp_path: Path) -> None:
    with replacing(tmp_path / "report.json") as temporary:
        temporary.write_text("{}")
    assert (tmp_path / "report.json").stat().st_mode & 0o044 == 0o044


def test_a_move_that_fails_half_way_leaves_the_earlier_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("earlier")
    real, moves = os.replace, []

    def failing(source: Path, target: Path) -> None:
        moves.append(target)
        if len(moves) == 4:
            raise OSError(5, "Input/output error")
        real(source, target)

    with pytest.raises(UnwritableOutputError, match="Input/output"), staged_folder(tmp_path) as staging:
        for name in ("a.txt", "b.txt"):
            (staging / name).write_text("later")
        monkeypatch.setattr(os, "replace", failing)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"a.txt": "earlier", "b.txt": "earlier"}


def test_two_results_are_never_mixed_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("earlier")
    real, seen = os.replace, []

    def watched(source: Path, target: Path) -> None:
        real(source, target)
        seen.append({file.read_text() for file in tmp_path.glob("*.txt")})

    with staged_folder(tmp_path) as staging:
        for name in ("a.txt", "b.txt"):
            (staging / name).write_text("later")
        monkeypatch.setattr(os, "replace", watched)
    assert len(seen) == 4
    assert all(len(texts) <= 1 for texts in seen)


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "old.txt").write_text("old")
    with replaced_folder(tmp_path / "case") as staging:
        (staging / "new.txt").write_text("new")
        assert (tmp_path / "case" / "old.txt").exists()
    assert [file.name for file in (tmp_path / "case").iterdir()] == ["new.txt"]
    assert [file.name for file in tmp_path.iterdir()] == ["case"]
    assert (tmp_path / "case").stat().st_mode & 0o055 == 0o055 or os.name == "nt"


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "old.txt").write_text("old")
    real, moves = os.replace, []

    def failing(source: Path, target: Path) -> None:
        moves.append(target)
        if len(moves) == 2:
            raise OSError(5, "Input/output error")
        real(source, target)

    with pytest.raises(UnwritableOutputError), replaced_folder(tmp_path / "case"):
        monkeypatch.setattr(os, "replace", failing)
    assert (tmp_path / "case" / "old.txt").read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["case"]


def test_what_the_operating_system_says_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(UnwritableOutputError, match=r"patients.*No space left"), writing_to(tmp_path / "patients"):
        raise OSError(28, "No space left on device")


def test_a_folder_that_vanishes_meanwhile_is_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "network"
    folder.mkdir()
    with pytest.raises(UnwritableOutputError, match="network"), replacing(folder / "a.txt") as temporary:
        temporary.unlink()
        folder.rmdir()
