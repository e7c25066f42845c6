"""Imports point one way, and importing the package is cheap."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "xai_jax"

# What each layer may import of ours. `methods` stands for one method's own folder and for SHARED.
ALLOWED = {
    "core": {"core"},
    "nn": {"core", "nn"},
    "losses": {"core", "nn", "losses"},
    "infills": {"core", "nn", "runtime", "infills"},
    "generators": {"core", "nn", "runtime", "generators"},
    "classifiers": {"core", "nn", "runtime", "classifiers"},
    "metrics": {"core", "losses", "metrics"},
    "methods": {"core", "nn", "losses", "metrics"},
    "pretrain": {"core", "nn", "losses", "classifiers", "metrics", "pretrain"},
    "data": {"core", "runtime", "data"},
    "runtime": {"core", "runtime"},
    "experiment": {"core"},
    "train": {"core", "runtime", "experiment", "train"},
    "report": {"core", "runtime", "experiment", "report"},
    "runs": {"core", "nn", "metrics", "runtime", "data", "report", "runs"},
    "scoring": {"core", "metrics", "runtime", "experiment", "data", "runs", "report", "scoring"},
    "choices": {"core", "infills", "generators", "methods"},
}
SHARED = {"mask_learner"}  # modules of `methods` that several methods are made of
# What users call, from the bottom up: each may import whatever stands above it, and itself.
ON_TOP = ("arguments", "api", "__init__", "commands", "cli")
for _layer in ON_TOP:
    ALLOWED[_layer] = {*ALLOWED, _layer}


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
    wrong = []
    for name in sorted(imports_of(source)):
        parts = name.split(".")
        within = layer == parts[0] == "methods"
        own_method = within and (parts[1] == module.parts[1] or parts[1] in SHARED)
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
        ("methods/mask_learner.py", "from xai_jax.methods.rtis import terms"),
        ("train/fit.py", "from xai_jax.methods import fido"),
        ("runs/run.py", "def f():\n    from xai_jax.methods import fido"),
        ("runs/run.py", "from xai_jax.choices import METHODS"),
        ("choices.py", "from xai_jax.runs import trained"),
        ("api.py", "from xai_jax.commands import explain"),
        ("api.py", "def f():\n    from xai_jax import cli"),
        ("__init__.py", "from xai_jax.cli import main"),
        ("commands/explain.py", "from xai_jax import cli"),
    ],
)
def test_a_planted_forbidden_import_is_found(module, source):
    assert violations(pathlib.PurePath(module), source)


def test_what_methods_share_is_no_method_and_nothing_else_lies_beside_them():
    assert {path.stem for path in (PACKAGE / "methods").glob("*.py")} == SHARED | {"__init__"}


def test_no_two_layers_may_import_each_other():
    assert circle({layer: sorted(allowed - {layer}) for layer, allowed in ALLOWED.items()}) == []


def module_named(name: str, modules: set[str]) -> str:
    """The module that an import of ``a.b.c`` is about: that, or ``a.b`` where c is a name in it."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name or "__init__"


def imported(sources: dict[str, str]) -> dict[str, list[str]]:
    """Which of our modules each imports, wherever in it the import stands.

    That a module's folder is run first is no arrow: a folder may collect what its modules define.
    """
    arrows = {}
    for module, source in sources.items():
        names = {module_named(name, set(sources)) for name in imports_of(source)}
        names |= {"__init__"} if re.search(r"^\s*import xai_jax$", source, re.MULTILINE) else set()
        arrows[module] = sorted(names)
    return arrows


def circle(arrows: dict[str, list[str]]) -> list[str]:
    """The names on a circle of arrows, the first of them again at its end; empty if there is none.

    What no circle goes through is taken away, until the rest has none or is made of circles.
    """
    left = {name: set(ends) for name, ends in arrows.items()}
    while free := {name for name, ends in left.items() if not ends & left.keys()}:
        left = {name: ends for name, ends in left.items() if name not in free}
    walked: list[str] = []
    while left and (not walked or walked[-1] not in walked[:-1]):
        walked.append(min(left[walked[-1]] & left.keys() if walked else left))
    return walked[walked.index(walked[-1]) :] if walked else []


def test_no_module_imports_itself_through_others():
    names = {".".join(path.with_suffix("").parts): path for path in MODULES}
    sources = {
        name.removesuffix(".__init__"): (PACKAGE / path).read_text() for name, path in names.items()
    }
    assert circle(imported(sources)) == []


@pytest.mark.parametrize(
    "sources",
    [
        {"core.a": "from xai_jax.core import b", "core.b": "from xai_jax.core.a import f"},
        {"core.a": "from xai_jax.core import b", "core.b": "def f():\n    import xai_jax.core.a"},
        {
            "core.a": "from xai_jax.core.b import x",
            "core.b": "from xai_jax.core import c",
            "core.c": "from xai_jax.core.a import y",
        },
        {"__init__": "from xai_jax.api import explain", "api": "import xai_jax"},
    ],
)
def test_a_planted_circle_is_found(sources):
    free = {"core.free": "from xai_jax.core.a import f", "core.end": ""}
    found = circle(imported(free | sources))
    assert found[0] == found[-1] and set(found) == set(sources)


def test_the_page_for_contributors_has_the_same_table():
    page = (ROOT / "CONTRIBUTING.md").read_text()
    assert all(f"`methods/{name}.py`" in page for name in SHARED)
    lines = re.findall(r"^\| `([a-z]+)(?:/x/|/|\.py)` \| .+ \| (.+) \|$", page, re.MULTILINE)
    assert len(lines) == len(ALLOWED) - len(ON_TOP)
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
