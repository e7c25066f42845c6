"""Runs train.py or evaluate.py many times, each in a fork of a process that has imported it.

    PYTHONPATH=.:tests python tests/programs_refuse.py NAME JSON

JSON is a list of command lines; prints a list of [exit code, what stderr got] as JSON.
"""

import importlib
import json
import os
import sys
import tempfile

from xai_jax.runtime import ending

FOLDERS = {"train.py": "train", "evaluate.py": "scoring"}


def forked(name: str, program, words: list[str]) -> tuple[int, str]:
    with tempfile.TemporaryFile("w+") as said:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.dup2(said.fileno(), 2)
                sys.argv = [name, *words]
                code = ending.reported(name, program.main, batch_size="--config.batch_size")
            finally:
                sys.stderr.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said.seek(0)
        return code, said.read()


if __name__ == "__main__":
    name, lines = sys.argv[1], json.loads(sys.argv[2])
    program = importlib.import_module(f"xai_jax.{FOLDERS[name]}.program")
    print(json.dumps([forked(name, program, words) for words in lines]))
