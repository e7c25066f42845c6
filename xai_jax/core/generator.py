"""A generator with a latent space, for methods that move codes instead of masks."""

from collections.abc import Callable
from typing import Any

from flax import struct

from xai_jax.core.types import Images, PyTree


@struct.dataclass
class Generator:
    """Images to codes and back.

    Fields:
        params: whatever the functions read.
        encode_fn: ``(params, images [b h w c]) -> codes``, a pytree of ``[b ...]`` arrays.
        decode_fn: ``(params, codes) -> images [b h w c]``, unit pixels.
    """

    params: PyTree
    encode_fn: Callable = struct.field(pytree_node=False)
    decode_fn: Callable = struct.field(pytree_node=False)

    def encode(self, images: Images) -> Any:
        """Codes of `images`."""
        return self.encode_fn(self.params, images)

    def decode(self, codes: Any) -> Images:
        """Pictures of `codes`, unit pixels."""
        return self.decode_fn(self.params, codes)
