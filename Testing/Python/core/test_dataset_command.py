"""`cacnet dataset` on the command line."""

import pytest
from cacnet.cli import main
from cacnet.dataset.case_folder import read_case_folder
from cacnet.dataset.corrections import write_corrected_case
from cacnet.training.cases import list_cases, read_case
from dataset_folders import corrected_scan, spots, write_coca, write_nnunet, write_orcascore


def test_check_says_per_case_what_was_found(tmp_path, capsys):
    folder = write_orcascore(tmp_path)
    write_orcascore(tmp_path, "TRV1P3")
    (folder / "TRV1P3R.mhd").unlink()
    assert main(["dataset", "check", str(folder)]) == 2
    output = capsys.readouterr().out
    assert "TRV1P2: usable" in output
    assert "[left-main-merged]" in output
    assert "TRV1P3: refused" in output
    assert "no reference 'TRV1P3R.mhd'" in output
    assert "2 cases: 1 refused, 1 usable" in output


def test_check_of_a_usable_data_set_warns_of_its_small_scans(tmp_path, capsys):
    assert main(["dataset", "check", str(write_nnunet(tmp_path)), "--layout", "nnunet"]) == 1
    assert "1 case: 1 usable" in capsys.readouterr().out


def test_an_unknown_folder_is_one_line_on_standard_error(tmp_path, capsys):
    assert main(["dataset", "check", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("cacnet: ")


def test_import_writes_cases_for_evaluation(tmp_path, capsys):
    assert main(["dataset", "import", str(write_coca(tmp_path / "set")), "--output", str(tmp_path / "out")]) == 0
    assert "7 (as coca-0007): imported" in capsys.readouterr().out
    assert (read_case_folder(tmp_path / "out" / "coca-0007").calcium == spots()).all()


def test_import_takes_the_meaning_of_labels(tmp_path):
    folder = write_nnunet(tmp_path / "set", {"background": 0, "LAD": 1, "a=b": 2}, label_map=spots({2: 1, 4: 2}))
    arguments = ["dataset", "import", str(folder), "--output", str(tmp_path / "out")]
    assert main(arguments) == 2
    assert main([*arguments, "--label", "LAD=calcium-LAD", "--label", "a=b=other"]) == 0
    [case] = (tmp_path / "out").iterdir()
    assert (read_case_folder(case).calcium == spots({2: 2})).all()


def test_import_refuses_a_meaning_that_does_not_exist(tmp_path, capsys):
    folder = write_nnunet(tmp_path / "set")
    assert main(["dataset", "check", str(folder), "--label", "calcium=gold"]) == 2
    assert "'gold'" in capsys.readouterr().err


def test_import_makes_training_cases_of_labelled_arteries(tmp_path):
    write_corrected_case(tmp_path / "set", corrected_scan())
    arguments = ["dataset", "import", str(tmp_path / "set"), "--output", str(tmp_path / "out"), "--as", "training"]
    assert main(arguments) == 0
    [folder] = list_cases(tmp_path / "out")
    assert read_case(folder).record["case"] == "case-0a1b"
    assert main(arguments) == 0


def test_training_cases_of_a_data_set_without_arteries_say_that_they_are_unknown(tmp_path, capsys):
    folder = write_orcascore(tmp_path / "set")
    arguments = ["dataset", "import", str(folder), "--output", str(tmp_path / "out"), "--as", "training"]
    assert main(arguments) == 0
    assert "does not label the coronary arteries" in capsys.readouterr().out
    [case] = list_cases(tmp_path / "out")
    assert read_case(case).unknown_channels == ("coronary",)


@pytest.mark.parametrize("extra", [[], ["--output", "x", "--as", "pictures"], ["--layout", "mystery"]])
def test_wrong_options_are_refused(tmp_path, extra):
    with pytest.raises(SystemExit):
        main(["dataset", "import", str(tmp_path), *extra])
