"""Making training cases: seeds, skipping what is there, one whole case."""

import numpy as np
import pytest
from cacnet.training import make_cases
from cacnet.training.cases import read_case
from cacnet.training.make_cases import SeedRangeError, main, make_case, parse_seed_ranges, parse_seeds


def test_seeds_run_from_the_first_up_to_before_the_last():
    assert list(parse_seeds("3:6")) == [3, 4, 5]


def test_several_ranges_of_seeds_have_commas_between_them():
    assert parse_seed_ranges("3:6") == [3, 4, 5]
    assert parse_seed_ranges("3:5,9:11") == [3, 4, 9, 10]
    with pytest.raises(SeedRangeError, match="'9'"):
        parse_seed_ranges("3:5,9")


@pytest.mark.parametrize("text", ["7", "a:b", ":", "3:"])
def test_seeds_that_are_no_range_are_refused(text):
    with pytest.raises(SeedRangeError, match="A:B"):
        parse_seeds(text)


def test_the_command_line_says_what_is_wrong_with_the_seeds(tmp_path, capsys):
    assert main(["--seeds", "x", "--output", str(tmp_path)]) == 2
    assert "A:B" in capsys.readouterr().err


def test_a_case_that_is_there_is_not_made_again(tmp_path):
    (tmp_path / "seed-000004").mkdir()
    (tmp_path / "seed-000004" / "case.json").write_text("{}")
    assert make_case(4, tmp_path) is None


def test_the_command_line_makes_every_seed(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(make_cases, "make_case", lambda seed, output: made.append((seed, output)))
    assert main(["--seeds", "2:4", "--output", str(tmp_path / "cases")]) == 0
    assert made == [(2, tmp_path / "cases"), (3, tmp_path / "cases")]
    assert (tmp_path / "cases").is_dir()


@pytest.mark.slow
def test_a_case_holds_a_scan_on_the_models_grid_with_its_labels_and_truth(tmp_path):
    folder = make_case(3, tmp_path, canvas_spacing_mm=1.0)
    case = read_case(folder)
    assert case.hu.dtype == np.int16
    assert case.record["spacing_mm_zyx"] == [0.5, 0.5, 0.5]
    assert case.record["truth"]["patient"]["seed"] == 3
    # Lungs are removed as they are before inference.
    assert (case.hu == -1024).mean() > 0.02
    assert (case.coronary[case.calcium > 0] > 0).all()
    lumen = case.hu[(case.coronary > 0) & (case.calcium == 0)]
    assert np.percentile(lumen, 80) > 150
