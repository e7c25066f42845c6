"""However a program ends, it says so in one sentence, and its exit code says why."""

import errno
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from xai_jax.runtime import ending

ROOT = pathlib.Path(__file__).parents[2]
CODES = {"SIGINT": 130, "SIGTERM": 143}
GOES_ON = "what was computed is kept, and the same command goes on from there."
WORDS = {"SIGINT": f"stopped; {GOES_ON}", "SIGTERM": f"stopped by SIGTERM; {GOES_ON}"}


def ended(*words: str) -> subprocess.CompletedProcess:
    """A process that does what the last word says, as a job of a terminal."""
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    *arguments, source = words
    return subprocess.run(
        [sys.executable, "-c", program + source, *arguments],
        cwd=ROOT,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )


SWALLOWING = {
    "an import that may fail": "try:\n    {kill}\nexcept BaseException:\n    pass\n",
    "a destructor": "class A:\n    def __del__(self):\n        {kill}\nA()\n",
    "a callback": "import weakref\nclass A: pass\na = A()\n"
    "ref = weakref.ref(a, lambda _: ({kill}))\ndel a\n",
    "a comparison": "class A:\n    def __hash__(self):\n        {kill}\n        return 0\n"
    "hasattr(A(), 'x'); {{A()}}\n",
    "nothing": "{kill}\n",
}


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("place", SWALLOWING)
def test_a_signal_ends_the_process_wherever_it_comes_and_whoever_would_go_on(place, name):
    kill = f"signal.raise_signal(signal.{name})"
    source = "from xai_jax.runtime import ending\nending.listen('some.py')\nprint('out')\n"
    done = ended(source + SWALLOWING[place].format(kill=kill) + "print('went on')\n")
    assert (done.returncode, done.stdout) == (CODES[name], "out\n")
    assert done.stderr == f"some.py: {WORDS[name]}\n"


FAILING = """
import asyncio
from xai_jax.runtime import ending
ending.listen('some.py')
loop = asyncio.new_event_loop()
for wanted in (True, False):
    future = loop.create_future()
    future.set_exception(OSError(28, 'No space left on device'))
    if wanted:
        future.exception()
    del future
loop.call_exception_handler({'message': 'something else'})
loop.close()
"""


def test_a_failure_that_nobody_waits_for_any_more_is_not_told_after_the_sentence():
    done = ended(FAILING)
    assert (done.returncode, done.stderr) == (0, "something else\n")


IMPORTING = """
import os, runpy, sys
class Interrupts:
    def find_spec(self, name, *rest):
        if name == 'jax':
            try:
                os.kill(os.getpid(), signal.SIGINT)
                for _ in range(10**6): pass
            except BaseException:
                pass
sys.meta_path.insert(0, Interrupts())
sys.argv[0] = 'program'
"""
PROGRAMS = {
    "xai-jax": "from xai_jax import cli; cli.entry()",
    "train.py": "runpy.run_path('train.py', run_name='__main__')",
    "evaluate.py": "runpy.run_path('evaluate.py', run_name='__main__')",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_ctrl_c_while_a_program_imports_ends_it(tmp_path, program):
    out = tmp_path / "out"
    arguments = ("explain", "a.png", "--classifier", "vgg16", "--out", str(out))
    if program != "xai-jax":
        arguments = (f"--workdir={out}", "--config=configs/smoke/line.py")
    done = ended(*arguments, IMPORTING + PROGRAMS[program])
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == f"{program}: {WORDS['SIGINT']}\n"
    assert not out.exists()


def test_a_job_in_the_background_goes_on_ignoring_ctrl_c():
    source = (
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from xai_jax.runtime import ending\nending.listen('some.py')\n"
        "signal.raise_signal(signal.SIGINT)\nprint('went on')\n"
    )
    done = ended(source)
    assert (done.returncode, done.stdout, done.stderr) == (0, "went on\n", "")


@pytest.mark.parametrize("name", CODES)
def test_who_asks_between_two_steps_is_told_and_sigterm_again_changes_nothing(
    listening, capfd, name
):
    with ending.gracefully() as asked:
        assert asked() is None
        signal.raise_signal(getattr(signal, name))
        signal.raise_signal(signal.SIGTERM)
        assert asked() == getattr(signal, name)
    said = capfd.readouterr().err
    assert said == "some.py: stopping after this step; Ctrl-C ends it at once.\n"


@pytest.mark.parametrize("name", CODES)
def test_ctrl_c_after_that_ends_at_once(name):
    source = (
        "from xai_jax.runtime import ending\nending.listen('some.py')\n"
        "with ending.gracefully():\n"
        f"    signal.raise_signal(signal.{name})\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "print('went on')\n"
    )
    done = ended(source)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.splitlines()[1:] == [f"some.py: {WORDS['SIGINT']}"]


def test_where_nobody_listens_ctrl_c_is_what_it_always_is():
    with pytest.raises(KeyboardInterrupt), ending.gracefully() as asked:
        assert asked() is None
        signal.default_int_handler(signal.SIGINT, None)


def raising(error: BaseException):
    def work():
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ValueError("It is so."), 1, "It is so."),
        (ValueError("a\nb \x1b[2J"), 1, "a\\nb \\x1b[2J"),
        (MemoryError(), 1, "the memory is too small; lower --size."),
        (RuntimeError("RESOURCE_EXHAUSTED: x"), 1, "the device's memory is too small; lower --siz"),
        (OSError(errno.ENOSPC, "x", "/a"), 1, "/a: No space left on device; free some space and"),
        (OSError(errno.EROFS, "x", "/a"), 1, "/a: Read-only file system; choose a place that you"),
        (FileExistsError(errno.EEXIST, "x", "/a"), 1, "/a: File exists; something that is no fold"),
        (OSError(errno.EIO, "x"), 1, "Input/output error; check that the place exists and can be"),
        (OSError("said by a library"), 1, "said by a library"),
        (KeyboardInterrupt(), 130, WORDS["SIGINT"]),
        (ending.Stopped(signal.SIGINT, 7), 130, "stopped after step 7, whose checkpoint is kept"),
        (ending.Stopped(signal.SIGTERM, 7), 143, "stopped by SIGTERM after step 7, whose checkp"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_an_exit_code(capsys, error, code, said):
    assert ending.reported("some.py", raising(error), batch_size="--size") == code
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"some.py: {said}") and err.count("\n") == 1


@pytest.mark.parametrize("error", [RuntimeError("a fault"), KeyError("x"), SystemExit(2)])
def test_a_fault_of_the_program_is_no_sentence(error):
    with pytest.raises(type(error)):
        ending.reported("some.py", raising(error))


def test_work_that_ends_well_is_0(capsys):
    assert ending.reported("some.py", lambda: None) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["cli.py", "train.py", "evaluate.py"])
def test_every_program_ends_through_the_one_place(name):
    path = ROOT / "xai_jax" / name if name == "cli.py" else ROOT / name
    source = path.read_text()
    assert "ending.listen(" in source and "ending.leave(" in source
    for word in ("errno", "strerror", "sys.exit", "KeyboardInterrupt"):
        assert word not in source
