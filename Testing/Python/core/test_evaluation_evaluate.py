"""A run over many cases: resumed, with failing cases, in several processes, and from the command line."""

import dataclasses
import json
from pathlib import Path

import pytest
from cacnet.cli import main
from cacnet.errors import CacnetError, Cancelled
from cacnet.evaluation import evaluate as module
from cacnet.evaluation.dataset import TrainingSeedsError
from cacnet.evaluation.evaluate import EvaluationRequest, Failure, NoResultsError, evaluate
from cacnet.files import UnwritableOutputError
from cacnet.pipeline import DEFAULT_MODEL
from cacnet.scoring import UnknownProtocolError
from cacnet.weights import ModelNotFoundError
from evaluation_cases import case_result, write_schematic_case


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the cases that were really evaluated; those called 'bad…' fail."""
    names: list[str] = []

    def pretend(name: str, folder: Path, *_: object):
        names.append(name)
        if name.startswith("bad"):
            raise CacnetError(f"{name} has no heart")
        return case_result(name)

    monkeypatch.setattr(module, "evaluate_case", pretend)
    return names


def make_cases(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "ct.nii.gz").write_text(name)
    return folder


def request(bundle: Path, dataset: Path | str, output: Path, **changes) -> EvaluationRequest:
    return EvaluationRequest(str(bundle), str(dataset), output, "cpu", **changes)


def test_cases_come_in_the_order_of_their_names(tmp_path: Path, tiny_bundle: Path, evaluated: list[str]) -> None:
    made = make_cases(tmp_path / "cases", "b", "a", "c")
    seen = []
    done = evaluate(request(tiny_bundle, made, tmp_path / "out"), lambda *outcome: seen.append(outcome[:2]))
    assert [case.case for case in done.cases] == ["a", "b", "c"]
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert done.card.id == "tiny"


def test_a_second_run_takes_finished_cases_from_the_cache(
    tmp_path: Path, tiny_bundle: Path, evaluated: list[str]
) -> None:
    made = make_cases(tmp_path / "cases", "a", "b")
    first = evaluate(request(tiny_bundle, made, tmp_path / "out"))
    make_cases(made, "c")
    second = evaluate(request(tiny_bundle, made, tmp_path / "out"))
    assert evaluated == ["a", "b", "c"]
    assert second.cases[:2] == first.cases


def test_a_stopped_run_is_taken_up_where_it_stopped(tmp_path: Path, tiny_bundle: Path, evaluated: list[str]) -> None:
    made = make_cases(tmp_path / "cases", "a", "b", "c")

    def stop_after_two(done: int, of: int, outcome: object) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(request(tiny_bundle, made, tmp_path / "out"), stop_after_two)
    assert len(evaluate(request(tiny_bundle, made, tmp_path / "out")).cases) == 3
    assert evaluated == ["a", "b", "c"]


@pytest.mark.parametrize("changed", ["scan", "truth", "protocol", "model", "damaged"])
def test_what_a_result_depends_on_makes_it_anew(
    tmp_path: Path, tiny_bundle: Path, evaluated: list[str], monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    made, output = make_cases(tmp_path / "cases", "a"), tmp_path / "out"
    evaluate(request(tiny_bundle, made, output))
    again = request(tiny_bundle, made, output)
    match changed:
        case "scan":
            (made / "a" / "ct.nii.gz").write_text("another")
        case "truth":
            (made / "a" / "calcium.nii.gz").write_text("corrected")
        case "protocol":
            again = dataclasses.replace(again, protocol="literature")
        case "model":
            loaded = module.load_bundle(tiny_bundle)
            weights = dataclasses.replace(loaded.card.weights, sha256="0" * 64)
            other = dataclasses.replace(loaded, card=dataclasses.replace(loaded.card, weights=weights))
            monkeypatch.setattr(module, "load_bundle", lambda _: other)
        case "damaged":
            (kept,) = (output / "cache").iterdir()
            kept.write_text('{"case": "a"')
    evaluate(again)
    assert evaluated == ["a", "a"]


def test_a_renamed_case_keeps_its_result_under_its_new_name(
    tmp_path: Path, tiny_bundle: Path, evaluated: list[str]
) -> None:
    made = make_cases(tmp_path / "cases", "a")
    evaluate(request(tiny_bundle, made, tmp_path / "out"))
    (made / "a").rename(made / "z")
    assert [case.case for case in evaluate(request(tiny_bundle, made, tmp_path / "out")).cases] == ["z"]
    assert evaluated == ["a"]


def test_a_failing_case_is_reported_and_the_others_go_on(
    tmp_path: Path, tiny_bundle: Path, evaluated: list[str]
) -> None:
    made = make_cases(tmp_path / "cases", "a", "bad", "c")
    done = evaluate(request(tiny_bundle, made, tmp_path / "out"))
    assert [case.case for case in done.cases] == ["a", "c"]
    assert done.failures == (Failure("bad", "bad has no heart."),)
    evaluate(request(tiny_bundle, made, tmp_path / "out"))
    assert evaluated == ["a", "bad", "c", "bad"]


def test_a_run_without_any_result_is_an_error(tmp_path: Path, tiny_bundle: Path, evaluated: list[str]) -> None:
    made = make_cases(tmp_path / "cases", "bad1", "bad2")
    with pytest.raises(NoResultsError, match="all 2 cases failed; the first, 'bad1': bad1 has no heart"):
        evaluate(request(tiny_bundle, made, tmp_path / "out"))


def test_cancelling_stops_the_run(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cancelled(*_: object):
        raise Cancelled("cancelled")

    monkeypatch.setattr(module, "evaluate_case", cancelled)
    with pytest.raises(Cancelled):
        evaluate(request(tiny_bundle, make_cases(tmp_path / "cases", "a"), tmp_path / "out"))


def test_missing_patients_are_simulated_once_and_kept(
    tmp_path: Path, tiny_bundle: Path, evaluated: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated = []

    def pretend_to_write(seed: int, folder: Path) -> None:
        simulated.append(seed)
        make_cases(folder.parent, folder.name)

    monkeypatch.setattr(module, "simulate", lambda seed: seed)
    monkeypatch.setattr(module, "write_scan", pretend_to_write)
    evaluate(request(tiny_bundle, "9100:9102", tmp_path / "out"))
    done = evaluate(request(tiny_bundle, "9100:9103", tmp_path / "out"))
    assert simulated == [9100, 9101, 9102]
    assert [case.case for case in done.cases] == ["seed-9100", "seed-9101", "seed-9102"]


def test_bundled_is_the_default_model_and_is_kept_from_its_own_patients(tmp_path: Path) -> None:
    with pytest.raises(TrainingSeedsError, match=DEFAULT_MODEL):
        evaluate(EvaluationRequest(module.BUNDLED, "10:12", tmp_path / "out", "cpu"))


def test_what_cannot_work_is_refused_before_any_case(tmp_path: Path, tiny_bundle: Path, evaluated: list[str]) -> None:
    made = make_cases(tmp_path / "cases", "a")
    (tmp_path / "file").touch()
    with pytest.raises(ModelNotFoundError):
        evaluate(request(tmp_path / "none", made, tmp_path / "out"))
    with pytest.raises(UnknownProtocolError):
        evaluate(request(tiny_bundle, made, tmp_path / "out", protocol="none"))
    with pytest.raises(UnwritableOutputError):
        evaluate(request(tiny_bundle, made, tmp_path / "file"))
    assert evaluated == []


@pytest.mark.slow
def test_processes_give_what_one_process_gives(tmp_path: Path, tiny_bundle: Path, evaluated: list[str]) -> None:
    made = make_cases(tmp_path / "cases", "a", "c")
    alone = evaluate(request(tiny_bundle, made, tmp_path / "out"))
    make_cases(made, "b")  # no CT at all: this one is really tried, and fails
    together = evaluate(request(tiny_bundle, made, tmp_path / "out", workers=2))
    assert together.cases == alone.cases
    assert [failure.case for failure in together.failures] == ["b"]


def test_the_command_writes_everything_and_prints_the_table(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_schematic_case(tmp_path / "cases" / "one")
    output = tmp_path / "out"
    arguments = [str(tiny_bundle), str(tmp_path / "cases"), "--output", str(output), "--device", "cpu"]
    assert main(["evaluate", *arguments]) == 0
    printed = capsys.readouterr()
    assert "Calcium Dice" in printed.out
    assert "Research use only, not for diagnosis." in printed.out
    assert "[1/1] one: " in printed.err
    document = json.loads((output / "evaluation.json").read_text("utf-8"))
    assert document["figures"]["lesion_totals"]["all"]["any"]["true"] == 2
    assert {path.name for path in output.iterdir()} == {
        *("agreement.png", "cache", "cases.csv", "cases.png", "evaluation.json", "lesions.csv", "lesions.png"),
        "summary.md",
    }


def test_the_command_says_by_its_exit_code_that_a_case_failed(
    tmp_path: Path, tiny_bundle: Path, evaluated: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    made = make_cases(tmp_path / "cases", "a", "bad")
    assert main(["evaluate", str(tiny_bundle), str(made), "--output", str(tmp_path / "out"), "--device", "cpu"]) == 2
    printed = capsys.readouterr()
    assert "[2/2] bad: FAILED: bad has no heart." in printed.err
    assert "Without 1 case that failed." in printed.out
    assert (tmp_path / "out" / "summary.md").is_file()


def test_an_interrupted_command_says_that_finished_cases_are_kept(
    tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "evaluate_case", interrupt)
    made = make_cases(tmp_path / "cases", "a")
    assert main(["evaluate", str(tiny_bundle), str(made), "--output", str(tmp_path / "out"), "--device", "cpu"]) == 130
    assert "goes on from there" in capsys.readouterr().err
