"""What the README says can be typed exists: commands, options, pictures and files."""

import re

import pytest
from cacnet.cli import main
from product_paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
[COMMANDS] = re.findall(r"## Command line\n\n```sh\n(.*?)```", README, re.DOTALL)
LINES = re.sub(r"\n +", " ", COMMANDS).strip().splitlines()


def command_in(line: str) -> list[str]:
    """The words before the options: of 'cacnet dataset check FOLDER' they are 'dataset' and 'check'."""
    return [word for word in line.split("#")[0].split()[1:3] if re.fullmatch(r"[a-z]+", word)]


@pytest.mark.parametrize("line", LINES, ids=lambda line: " ".join(line.split()[:3]))
def test_every_command_has_the_options_that_the_readme_gives_it(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    if line.startswith("cacnet train"):
        pytest.importorskip("torch", reason="PyTorch is not installed")
    with pytest.raises(SystemExit) as ended:
        main([*command_in(line), "--help"])
    assert ended.value.code == 0
    offered = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert set(re.findall(r"--[a-z-]+", line.split("#")[0])) <= offered


def test_every_picture_and_page_of_the_readme_is_there() -> None:
    named = [path for path in re.findall(r"\]\(([^)#]+)\)", README) if not path.startswith("http")]
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_make_target_of_the_readme_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^make (\w+)", README, re.MULTILINE))
    assert {"demo", "test"} <= targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
