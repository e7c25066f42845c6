"""``xai-jax merge``: the folders of all shards in, the folder of one run out."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import tyro

from xai_jax import report
from xai_jax.runs import shard
from xai_jax.runtime import originals
from xai_jax.runtime.files import placed


@dataclasses.dataclass(kw_only=True)
class Arguments:
    """Joins the results of "xai-jax explain --shard 1/n" to "n/n".

    For example:
      xai-jax merge --out whole part1 part2 part3

    Args:
        shards: their folders, in any order.
        out: folder of the joined results.
    """

    shards: tyro.conf.Positional[list[Path]]
    out: Path


def main(argv: Sequence[str]) -> None:
    """Merges, writes the report, and says where it is."""
    args = tyro.cli(Arguments, args=argv, prog="xai-jax merge")
    placed(args)
    if not args.shards:
        raise ValueError("Name the folders of the shards.")
    shard.merge(args.out, args.shards)
    way = originals.read(args.shards[0])
    if way is not None:
        originals.write(args.out, args.shards[0] / way)
    print(report.write(args.out))
