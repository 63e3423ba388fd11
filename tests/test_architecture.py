"""Hold the shape of the house: who may import whom, one home per library, file and function sizes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("pages", "core", "models")
MAY_IMPORT = {"pages": {"pages", "core"}, "core": {"core"}, "models": {"models"}}
HOMES = {
    "streamlit": ("pages/", "app.py"),
    "altair": ("core/reporting/",),
    "vl_convert": ("core/reporting/",),
    "typst": ("core/reporting/",),
    "jinja2": ("core/reporting/",),
    "starlette": ("pages/", "app.py"),
    "markdown_it": ("pages/routes/",),
    "duckdb": ("core/store/",),
    "openslide": ("core/slides/",),
    "pyvips": ("core/slides/",),
    "tifffile": ("core/slides/",),
    "simplejpeg": ("core/slides/",),
    "pydicom": ("core/slides/",),
    "torch": ("models/",),
    "torchvision": ("models/",),
    "pytorch_grad_cam": ("models/",),
    "openvino": ("models/",),
    "nncf": ("models/",),
    "itsdangerous": ("core/access/",),
    "shapely": ("core/review/",),
    "skimage": ("core/retraining/",),
    "pyarrow": ("core/inference/", "core/retraining/", "core/agreement/", "core/reporting/"),
}
LONGEST_FILE = 400
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "manager", "base"}


def source_files() -> list[Path]:
    """Give every Python file of the product."""
    return [ROOT / "app.py", *(path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))]


def name_of(path: Path) -> str:
    """Give the path as it stands in the tree."""
    return path.relative_to(ROOT).as_posix()


def imports_of(path: Path) -> Iterator[str]:
    """Give the full module names that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def module_of(path: Path) -> str:
    """Give the dotted module name of a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", source_files(), ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    if package == "app.py":
        return
    allowed = set(MAY_IMPORT[package])
    if name_of(path) == "core/networks.py":
        allowed.add("models")
    ours = {name.split(".")[0] for name in imports_of(path)} & set(PACKAGES)
    assert ours <= allowed, f"{name_of(path)} imports {ours - allowed}"


@pytest.mark.parametrize("path", source_files(), ids=name_of)
def test_a_library_has_one_home(path: Path) -> None:
    for library in {name.split(".")[0] for name in imports_of(path)} & set(HOMES):
        assert name_of(path).startswith(HOMES[library]), f"{name_of(path)} imports {library}"


def test_domain_knows_only_words() -> None:
    for path in (ROOT / "core/domain").glob("*.py"):
        ours = {name for name in imports_of(path) if name.startswith(("core", "models", "pages"))}
        assert all(name.startswith("core.domain") for name in ours), f"{name_of(path)} imports {ours}"


def test_nothing_imports_the_wiring_but_the_edges() -> None:
    for path in source_files():
        if "core.workspace" in set(imports_of(path)):
            name = name_of(path)
            assert name.startswith(("pages/", "core/commands/")) or name in {"app.py", "core/cli.py"}, name


def test_there_is_no_import_cycle() -> None:
    modules = {module_of(path): path for path in source_files()}
    edges = {module: _targets(path, modules) - {module} for module, path in modules.items()}
    settled: set[str] = set()
    while ready := {module for module in edges if module not in settled and edges[module] <= settled}:
        settled |= ready
    assert settled == set(edges), f"cycle among {sorted(set(edges) - settled)}"


def _targets(path: Path, modules: dict[str, Path]) -> set[str]:
    targets: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & set(modules)
            targets |= submodules or {node.module}
    return {target for target in targets if target in modules and not _is_typing_only(path, target)}


def _is_typing_only(path: Path, target: str) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        node.module
        for guard in ast.walk(tree)
        if isinstance(guard, ast.If) and isinstance(guard.test, ast.Name) and guard.test.id == "TYPE_CHECKING"
        for node in ast.walk(guard)
        if isinstance(node, ast.ImportFrom)
    }
    return target in inside


def test_files_stay_under_four_hundred_lines() -> None:
    suffixes = {".py", ".js", ".css", ".html", ".sql"}
    folders = [ROOT / package for package in (*PACKAGES, "tests")]
    found = [path for folder in folders for path in folder.rglob("*") if path.suffix in suffixes]
    long = [
        name_of(path)
        for path in found
        if path.name != "openseadragon.js" and len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE
    ]
    assert not long


def test_no_module_is_named_for_nothing() -> None:
    assert not [name_of(path) for path in source_files() if path.stem in FORBIDDEN_NAMES]


def test_pages_draw_nothing_when_imported() -> None:
    for path in (ROOT / "pages").glob("*.py"):
        if path.name == "shell.py":
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            bare_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
            assert not bare_call, f"{name_of(path)} line {node.lineno} runs at import"


def test_sql_lives_in_the_store() -> None:
    words = ("SELECT ", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE ")
    for path in source_files():
        if name_of(path).startswith("core/store/"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not node.value.lstrip().startswith(words), f"{name_of(path)} line {node.lineno}"
