"""`cacnet batch`, with the real chain and a tiny network."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from cacnet.cli import main
from cacnet.cohort import run
from cacnet.cohort.case import CaseOutcome
from cacnet.cohort.command import duration, step_line
from cacnet.cohort.run import Step


@pytest.mark.slow
def test_batch_does_what_it_can_and_says_so(
    tmp_path: Path, schematic_file: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in" / "DOE").mkdir(parents=True)
    shutil.copy(schematic_file, tmp_path / "in" / "DOE" / "ct.nii.gz")
    (tmp_path / "in" / "damaged.nrrd").write_text("nothing")
    arguments = ["batch", str(tmp_path / "in"), "--output", str(tmp_path / "out"), "--model", str(tiny_bundle)]
    assert main([*arguments, "--device", "cpu", "--report", "json"]) == 1
    shown = capsys.readouterr().out
    assert "1 of 2 cases done" in shown
    assert "not for diagnosis" in shown
    assert "DOE" not in shown
    with (tmp_path / "out" / "summary.csv").open(encoding="utf-8", newline="") as file:
        [done, failed] = sorted(csv.DictReader(file), key=lambda row: row["status"])
    assert (done["model"], done["protocol"]) == ("tiny", "ccta-adaptive")
    assert "damaged" not in failed["error"].split("'")
    assert (tmp_path / "out" / done["case"] / "case_report.json").is_file()
    assert main([*arguments, "--device", "cpu", "--report", "json"]) == 1
    assert "(done before)" in capsys.readouterr().out


def test_an_interruption_says_how_to_go_on(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "run_cohort", interrupt)
    assert main(["batch", str(tmp_path), "--output", str(tmp_path / "out"), "--model", str(tiny_bundle)]) == 130
    assert "goes on from there" in capsys.readouterr().err


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_the_exit_code_tells_how_much_failed(
    tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    outcomes = tuple(CaseOutcome(str(n), "failed" if n < failures else "done") for n in range(2))
    monkeypatch.setattr(run, "run_cohort", lambda *arguments: outcomes)
    code = main(["batch", str(tmp_path), "--output", str(tmp_path / "out"), "--model", str(tiny_bundle)])
    assert code == failures


@pytest.mark.parametrize("options", [["--workers", "0"], ["--workers", "2", "--scheduler", "tcp://h:1"]])
def test_options_that_make_no_sense_are_refused(tmp_path: Path, options: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(["batch", str(tmp_path), "--output", str(tmp_path), *options])


def test_an_empty_folder_is_a_readable_line(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["batch", str(tmp_path), "--output", str(tmp_path / "out"), "--model", str(tiny_bundle)]
    assert main(arguments) == 2
    assert "holds no scan" in capsys.readouterr().err


def test_a_line_says_result_and_time_left() -> None:
    done = CaseOutcome("case-1", "done", agatston=44.46, cac_drs="A1/N3")
    assert step_line(Step(done, 2, 9, 0, 400.0)) == "2/9  case-1  Agatston 44.5, A1/N3 · 7 min left"
    assert step_line(Step(done, 1, 9, 1, None)) == "1/9  case-1  Agatston 44.5, A1/N3 (done before)"
    assert "too little of the coronary arteries" in step_line(Step(CaseOutcome("case-1", "done"), 1, 1, 0, 0.0))
    assert "failed: why." in step_line(Step(CaseOutcome.failed("case-1", "why."), 1, 1, 0, 0.0))


@pytest.mark.parametrize(
    ("seconds", "words"), [(40, "40 s"), (720, "12 min"), (12000, "3 h 20 min"), (3590, "1 h 0 min")]
)
def test_times_are_told_as_people_do(seconds: float, words: str) -> None:
    assert duration(seconds) == words
