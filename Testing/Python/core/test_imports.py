"""Imports go one way, torch stays where it belongs, and what needs no torch works without it."""

import ast
import itertools
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from product_paths import PRODUCT

LAYERS = ("CACNetSegmentation", "CACNetSegmentationLib.widgets", "CACNetSegmentationLib.scene", "cacnet")
"""From the top down; a layer imports itself and those below it."""
APPLICATION = {"slicer", "vtk", "qt", "ctk"}
APPLICATION_ALLOWED = {
    "cacnet": set(),
    "CACNetSegmentationLib.scene": {"slicer", "vtk"},
    "CACNetSegmentationLib.widgets": APPLICATION,
    "CACNetSegmentation": APPLICATION,
}
TORCH_SIDE = {
    f"cacnet.{name}"
    for name in ("network", "weights", "inference", "window_inference", "context_inference", "training", "evaluation")
}
NEVER_IN_INFERENCE = {f"cacnet.{name}" for name in ("training", "evaluation", "phantom")}
ENTRY_POINTS = {"cacnet.cli", "cacnet.__main__", "cacnet.worker", "cacnet.dataset.command"}
"""May reach training, evaluation and phantom, but only inside the function of the command or task."""
HEAVY_TORCH_SIDE_ONLY = {"torch", "safetensors", "monai", "torchvision"}
AT_FILE_SCOPE = {"numpy", "scipy", "SimpleITK"}
RUN_WITHOUT_TORCH = (
    *("volume", "reading", "validation", "contrast", "vessels", "lesions", "scoring", "postprocessing", "report"),
    *("segments", "outputs", "pipeline", "worker", "cli"),
)


@dataclass(frozen=True)
class Import:
    """One import: who, what, where, and whether it happens when the importing file is loaded."""

    importer: str
    imported: str
    place: str
    at_file_scope: bool

    def __str__(self):
        return f"{self.place}: {self.importer} imports {self.imported}"


def _module_name(path: Path) -> str:
    parts = path.relative_to(PRODUCT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    loaded = set(map(id, _run_when_loaded(tree)))
    for node in ast.walk(tree):
        place = f"{path.relative_to(PRODUCT.parent)}:{getattr(node, 'lineno', 0)}"
        for name in _names(node, path):
            yield Import(_module_name(path), name, place, id(node) in loaded)


def _names(node, path):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            package = _module_name(path).split(".")
            keep = len(package) - node.level + (path.name == "__init__.py")
            base = ".".join([*package[:keep], *([node.module] if node.module else [])])
        # `from cacnet import segments` imports cacnet.segments, where that is a module.
        return [f"{base}.{a.name}" if _is_module(f"{base}.{a.name}") else base for a in node.names]
    return []


def _is_module(name):
    path = PRODUCT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _run_when_loaded(node):
    """The nodes that run at import: not the bodies of functions, not `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _run_when_loaded(child)


def _layer(module):
    return next((layer for layer in LAYERS if module == layer or module.startswith(layer + ".")), None)


def _within(module, packages):
    return any(module == package or module.startswith(package + ".") for package in packages)


def _complain(offenders):
    found = list(offenders)
    assert not found, "\n".join(map(str, found))


@pytest.fixture(scope="module")
def imports():
    return [found for path in sorted(PRODUCT.rglob("*.py")) for found in _imports(path)]


def test_layers_import_only_downwards(imports):
    _complain(
        found
        for found in imports
        if _layer(found.importer)
        and _layer(found.imported)
        and LAYERS.index(_layer(found.imported)) < LAYERS.index(_layer(found.importer))
    )


def test_the_application_is_known_only_to_the_layers_that_may_know_it(imports):
    _complain(
        found
        for found in imports
        if found.imported.split(".")[0] in APPLICATION - APPLICATION_ALLOWED.get(_layer(found.importer), set())
    )


def test_only_the_torch_side_imports_torch(imports):
    assert any(found.imported == "torch" and _within(found.importer, {"cacnet.network"}) for found in imports)
    _complain(
        found
        for found in imports
        if found.imported.split(".")[0] in HEAVY_TORCH_SIDE_ONLY and not _within(found.importer, TORCH_SIDE)
    )


def test_the_torch_side_is_imported_lazily_by_everything_else(imports):
    _complain(
        found
        for found in imports
        if found.at_file_scope and _within(found.imported, TORCH_SIDE) and not _within(found.importer, TORCH_SIDE)
    )


def test_inference_never_imports_training_evaluation_or_the_simulator(imports):
    _complain(
        found
        for found in imports
        if _within(found.imported, NEVER_IN_INFERENCE)
        and not _within(found.importer, NEVER_IN_INFERENCE)
        and (found.at_file_scope or found.importer not in ENTRY_POINTS)
    )


def test_only_numpy_scipy_and_simpleitk_are_imported_at_file_scope(imports):
    allowed = AT_FILE_SCOPE | APPLICATION | set(sys.stdlib_module_names) | {"cacnet", "CACNetSegmentationLib"}
    _complain(
        found
        for found in imports
        if found.at_file_scope
        and found.imported.split(".")[0] not in allowed
        and not _within(found.importer, TORCH_SIDE | NEVER_IN_INFERENCE)
    )


def test_the_module_file_imports_nothing_of_ours_when_slicer_starts(imports):
    _complain(
        found
        for found in imports
        if found.importer == "CACNetSegmentation" and found.at_file_scope and _layer(found.imported)
    )


def test_no_import_cycle_at_file_scope(imports):
    edges = {}
    for found in imports:
        if found.at_file_scope and _is_module(found.imported) and found.imported != found.importer:
            edges.setdefault(found.importer, {})[found.imported] = found.place
    _complain(_cycles(edges))


def _cycles(edges):
    done, cycles = set(), []

    def visit(module, path):
        if module in path:
            loop = [*path[path.index(module) :], module]
            cycles.append(" -> ".join(f"{a} ({edges[a][b]})" for a, b in itertools.pairwise(loop)))
        elif module not in done:
            for imported in edges.get(module, ()):
                visit(imported, [*path, module])
            done.add(module)

    for module in sorted(edges):
        visit(module, [])
    return cycles


def test_a_cycle_would_be_found():
    assert _cycles({"a": {"b": "a.py:1"}, "b": {"a": "b.py:2"}}) == ["a (a.py:1) -> b (b.py:2)"]


def test_an_import_is_placed_by_file_and_line():
    own = next(i for i in _imports(PRODUCT / "cacnet" / "segments.py") if i.imported == "cacnet.volume")
    assert str(own).startswith("CACNetSegmentation/cacnet/segments.py:")
    assert own.at_file_scope


def test_reading_scoring_and_editing_work_where_torch_is_not_installed():
    names = "".join(f"; import cacnet.{name}" for name in RUN_WITHOUT_TORCH)
    code = f"import sys; sys.modules['torch'] = None{names}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
