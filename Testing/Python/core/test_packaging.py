"""What the extension ships is what lies on disk, and its descriptions agree with one another."""

import json
import re
import struct

import list_scripts
import pytest
from product_paths import PRODUCT, ROOT

CMAKE = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
MODULE_CMAKE = (PRODUCT / "CMakeLists.txt").read_text(encoding="utf-8")
CATALOGUE = json.loads((ROOT / "CACNet.json").read_text(encoding="utf-8"))
RAW_URL = "https://raw.githubusercontent.com/cacnet/CACNet/main/"
CATALOGUE_KEYS = {
    "$schema", "build_dependencies", "build_subdirectory", "category", "enabled", "scm_revision", "scm_type", "scm_url",
    "tier", "dicom_support_rule",
}  # fmt: skip
BROUGHT_BY_SLICER = {"numpy", "scipy", "simpleitk", "pydicom"}
"""Slicer has its own builds of these; installing others over them breaks it."""
WEIGHTS_LIMIT_MB = 12


def _set(name):
    [value] = re.findall(rf'set\({name} "([^"]*)"\)', CMAKE)
    return value


def _s4ext():
    lines = (ROOT / "CACNet.s4ext").read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ", 1) for line in lines if line and not line.startswith("#"))


def _name(requirement):
    return re.split(r"[<>=!~ ]", requirement)[0].lower()


def _requirements():
    lines = (PRODUCT / "Resources" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


def _dependencies():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text.split("\ndependencies = [", 1)[1].split("]", 1)[0]
    return set(re.findall(r'"([^"]+)"', block))


def test_every_script_on_disk_is_listed_and_nothing_else():
    assert list_scripts.listed(MODULE_CMAKE, "MODULE_PYTHON_SCRIPTS") == list_scripts.scripts(), "run list_scripts.py"


def test_every_resource_on_disk_is_listed_and_nothing_else():
    assert list_scripts.listed(MODULE_CMAKE, "MODULE_PYTHON_RESOURCES") == list_scripts.resources(), (
        "run list_scripts.py"
    )


def test_the_lists_hold_what_the_module_cannot_do_without():
    shipped = list_scripts.listed(MODULE_CMAKE, "MODULE_PYTHON_RESOURCES")
    assert "Resources/Icons/CACNetSegmentation.png" in shipped
    assert "Resources/UI/CACNetSegmentation.ui" in shipped
    assert "Resources/requirements.txt" in shipped
    assert "Resources/Terminology/CACNet.term.json" in shipped
    assert "cacnet/segments.py" in list_scripts.listed(MODULE_CMAKE, "MODULE_PYTHON_SCRIPTS")


def test_rewriting_the_lists_changes_only_the_lists():
    text = "a\nset(X\n  old\n  )\nb\nset(Y\n  kept\n  )\n"
    assert (
        list_scripts.with_list(text, "X", ["p.py", "q.py"]) == "a\nset(X\n  p.py\n  q.py\n  )\nb\nset(Y\n  kept\n  )\n"
    )


@pytest.mark.parametrize(
    ("s4ext_key", "cmake_key"),
    [
        ("homepage", "EXTENSION_HOMEPAGE"),
        ("contributors", "EXTENSION_CONTRIBUTORS"),
        ("category", "EXTENSION_CATEGORY"),
        ("iconurl", "EXTENSION_ICONURL"),
        ("description", "EXTENSION_DESCRIPTION"),
        ("screenshoturls", "EXTENSION_SCREENSHOTURLS"),
        ("depends", "EXTENSION_DEPENDS"),
    ],
)
def test_the_s4ext_file_agrees_with_cmake(s4ext_key, cmake_key):
    assert _s4ext()[s4ext_key] == _set(cmake_key)


def test_the_catalogue_entry_agrees_with_the_other_two():
    s4ext = _s4ext()
    assert CATALOGUE["category"] == _set("EXTENSION_CATEGORY")
    assert CATALOGUE["build_dependencies"] == _set("EXTENSION_DEPENDS").split()
    assert CATALOGUE["scm_url"] == s4ext["scmurl"]
    assert CATALOGUE["scm_revision"] == s4ext["scmrevision"]
    assert CATALOGUE["scm_type"] == s4ext["scm"]
    assert CATALOGUE["build_subdirectory"] == s4ext["build_subdirectory"]
    assert CATALOGUE["tier"] == int(s4ext["tier"])
    assert CATALOGUE["enabled"] == bool(int(s4ext["enabled"]))


def test_the_catalogue_entry_has_only_the_keys_of_its_schema():
    assert CATALOGUE["$schema"].endswith("slicer-extension-catalog-entry-schema-v1.0.2.json#")
    assert set(CATALOGUE) <= CATALOGUE_KEYS


def test_the_catalogue_is_named_after_the_project():
    assert re.search(r"^project\((\w+)\)$", CMAKE, re.MULTILINE)[1] == "CACNet"


def test_the_description_warns():
    assert "Research use, not for diagnosis" in _set("EXTENSION_DESCRIPTION")
    assert "simulated" in _set("EXTENSION_DESCRIPTION")


@pytest.mark.parametrize("key", ["EXTENSION_ICONURL", "EXTENSION_SCREENSHOTURLS"])
def test_pictures_that_the_catalogue_shows_are_in_the_repository(key):
    for url in _set(key).split():
        assert (ROOT / url.removeprefix(RAW_URL)).is_file()


@pytest.mark.parametrize("path", [PRODUCT / "Resources/Icons/CACNetSegmentation.png", ROOT / "Resources/CACNet.png"])
def test_icons_are_128_pixels_wide_and_high(path):
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", head[16:24]) == (128, 128)


def test_slicer_installs_what_the_command_line_needs_and_leaves_its_own_alone():
    expected = {d for d in _dependencies() if _name(d) not in BROUGHT_BY_SLICER | {"torch"}}
    assert _requirements() == expected


def test_bundled_weights_stay_small():
    models = PRODUCT / "Resources" / "Models"
    size = sum(path.stat().st_size for path in models.rglob("*.safetensors"))
    assert size > 0
    assert size <= WEIGHTS_LIMIT_MB * 1e6


def test_no_package_has_a_name_that_other_extensions_use():
    names = {path.parent.name for path in PRODUCT.glob("*/__init__.py")}
    assert names == {"CACNetSegmentationLib", "cacnet"}
