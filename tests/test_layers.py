"""Imports point one way, and importing the package is cheap."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "xai_jax"

# What each layer may import of ours. `methods` stands for one method's own folder.
ALLOWED = {
    "core": {"core"},
    "nn": {"core", "nn"},
    "losses": {"core", "nn", "losses"},
    "infills": {"core", "nn", "infills"},
    "classifiers": {"core", "nn", "runtime", "classifiers"},
    "metrics": {"core", "losses", "metrics"},
    "methods": {"core", "nn", "losses", "metrics"},
    "pretrain": {"core", "nn", "losses", "classifiers", "metrics", "pretrain"},
    "data": {"core", "data"},
    "runtime": {"core", "runtime"},
    "experiment": {"core"},
    "train": {"core", "runtime", "experiment", "train"},
    "runs": {"core", "nn", "metrics", "runtime", "data", "runs", "report"},
    "scoring": {"core", "metrics", "runtime", "experiment", "data", "runs", "report", "scoring"},
    "report": {"core", "runtime", "experiment", "report"},
}
ANYTHING = {"api", "cli", "commands", "__init__"}


def imports_of(source: str) -> set[str]:
    """Dotted names below xai_jax that a module imports, at the top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name.removeprefix("xai_jax.") for name in found if name.startswith("xai_jax.")}


def violations(module: pathlib.PurePath, source: str) -> list[str]:
    """Forbidden imports of a module given by its path below xai_jax."""
    layer = module.parts[0].removesuffix(".py")
    if layer in ANYTHING:
        return []
    wrong = []
    for name in sorted(imports_of(source)):
        parts = name.split(".")
        own_method = layer == parts[0] == "methods" and parts[1] == module.parts[1]
        if parts[0] not in ALLOWED[layer] and not own_method:
            wrong.append(f"{module} imports xai_jax.{name}")
    return wrong


MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_imports_only_what_its_layer_may(module):
    assert violations(module, (PACKAGE / module).read_text()) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("core/image.py", "from xai_jax.data import pictures"),
        ("methods/fido/method.py", "from xai_jax.methods.bbmp import method"),
        ("methods/fido/method.py", "import xai_jax.runtime.store"),
        ("train/fit.py", "from xai_jax.methods import fido"),
        ("runs/run.py", "def f():\n    from xai_jax.methods import fido"),
    ],
)
def test_a_planted_forbidden_import_is_found(module, source):
    assert violations(pathlib.PurePath(module), source)


def test_the_page_for_contributors_has_the_same_table():
    page = (ROOT / "CONTRIBUTING.md").read_text()
    lines = re.findall(r"^\| `([a-z]+)(?:/x/|/|\.py)` \| .+ \| (.+) \|$", page, re.MULTILINE)
    assert len(lines) == len(ALLOWED)
    for layer, words in lines:
        assert {layer, *words.split(", ")} == {layer, *ALLOWED[layer]}, layer


def test_importing_every_method_starts_no_device_and_loads_no_heavy_library():
    program = (
        "import sys, pkgutil, xai_jax\n"
        "from xai_jax.methods import bbmp, extremal, fido\n"
        "from jax._src import xla_bridge\n"
        "assert not xla_bridge._backends, 'a device was started'\n"
        "heavy = {'tensorflow', 'torch', 'matplotlib', 'tensorflow_datasets', 'tensorstore'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_nothing_is_found_by_its_name():
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text()
        calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
        called = {call.id for call in calls if isinstance(call, ast.Name)}
        assert not called & {"eval", "exec", "globals", "__import__"}, path.name
        assert "importlib.import_module" not in source and "yaml.load" not in source, path.name
        assert path.name not in {"utils.py", "helpers.py", "common.py", "misc.py"}


def test_no_folder_hides_a_public_name():
    """Importing a folder ``xai_jax.x`` sets the attribute ``x`` of the package."""
    import xai_jax

    assert not set(xai_jax.__all__) & {path.stem for path in PACKAGE.iterdir()}
