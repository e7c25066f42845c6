"""Objects of a store, s3:// or gs://, as paths: TensorStore reads, writes and lists them.

An object is whole or absent, since a store takes it in one piece, and it has no folder: a folder is
what the names of some objects begin with.
"""

import errno
import functools
import io
import json
import os
import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from xai_jax.core.errors import StoreError

if TYPE_CHECKING:  # imported by those who meet an object, and not by each command
    import tensorstore as ts

Answer = TypeVar("Answer")
_SCHEMES = {"s3:": "s3", "gs:": "gcs"}  # the first part of a path -> TensorStore's driver
_LOOKS_LIKE = re.compile(r"(s3|gs):/")  # pathlib makes one slash of two
RETRIES = {"max_retries": 7, "initial_delay": "500ms", "max_delay": "16s"}  # a minute in all
_SILENCE = {  # seconds after which a connection that hands on (almost) nothing is tried anew
    "TENSORSTORE_CURL_CONNECT_TIMEOUT_SECONDS": "10",
    "TENSORSTORE_CURL_LOW_SPEED_TIME_SECONDS": "30",
    "TENSORSTORE_CURL_LOW_SPEED_LIMIT_BYTES": "1",
}
_REGION = ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraint")
_REFUSED = (
    *("PERMISSION_DENIED", "UNAUTHENTICATED", "code='401'", "code='403'", "redential"),
    *("ExpiredToken", "InvalidToken"),  # which S3 says with 400
)
# What a store says whose clock goes otherwise: requests are signed with the time.
_CLOCKS = ("RequestTimeTooSkewed", "check your iat and exp")
_MISSING = b"\x02"  # the version, in TensorStore's writing, of what is not there
_OUTAGES = ("UNAVAILABLE", "ABORTED", "DEADLINE_EXCEEDED", "INTERNAL", "code='5")
_NOBODYS = ".nothing-has-this-name"
_NO_BUCKET = ("NoSuchBucket", "bucket does not exist")


class ObjectPath(PosixPath):
    """The name of an object, ``s3://bucket/a/b``, or of the objects below it.

    What a `Path` does with the disk, this does with the store, as far as this package needs it.
    Made by `runtime.files.place`. Methods raise FileNotFoundError and `StoreError`.
    """

    __slots__ = ()

    def __str__(self) -> str:
        top, *rest = self.parts or ["."]
        return "/".join([f"{top}/" if top in _SCHEMES else top, *rest])

    @property
    def key(self) -> str:
        """Its name in the bucket."""
        return "/".join(self.parts[2:])

    def absolute(self) -> "ObjectPath":
        """Itself."""
        return self

    def expanduser(self) -> "ObjectPath":
        """Itself."""
        return self

    def resolve(self, strict: bool = False) -> "ObjectPath":
        """Without ".."."""
        del strict
        return type(self)(self.parts[0], posixpath.normpath("/".join(self.parts[1:])))

    def read_bytes(self) -> bytes:
        """All of the object."""
        return self.version()[0]

    def version(self) -> tuple[bytes, bytes]:
        """All of the object, and what tells it from what was and will be there."""
        found = _done(self, lambda: _bucket(self).read(self.key))
        if found.state != "value":
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self))
        return found.value, found.stamp.generation

    def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:
        """All of the object, decoded."""
        return self.read_bytes().decode(encoding or "utf-8", errors or "strict")

    def open(self, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        """The object in memory, to read from: "r" or "rb"."""
        if mode not in {"r", "rb"}:
            raise ValueError(f"{self} is an object, which is written whole; mode {mode!r} is none.")
        content = io.BytesIO(self.read_bytes())
        return content if mode == "rb" else io.TextIOWrapper(content, *args[1:], **kwargs)

    def write_bytes(self, data: Any) -> int:
        """Writes the whole object."""
        content = bytes(data)
        _done(self, lambda: _bucket(self).write(self.key, content))
        return len(content)

    def write_if(self, content: bytes, generation: bytes | None) -> bytes | None:
        """Writes the object if it is still of this version (``None``: if there is none).

        Returns:
            The new version; ``None``: somebody else was first.
        """
        before = _MISSING if generation is None else generation
        asked = lambda: _bucket(self, sure=True).write(self.key, content, if_equal=before)  # noqa: E731
        made = _done(self, asked).generation
        return made or None

    def exists(self, **_: Any) -> bool:
        """Whether there is such an object, or one below."""
        return self.is_file() or self.is_dir()

    def is_file(self) -> bool:
        """Whether there is such an object."""
        return bool(self._listed(self.key, self.key + "\0"))

    def is_dir(self) -> bool:
        """Whether there are objects below."""
        return bool(self._listed(*self._range()))

    def mkdir(self, *_: Any, **__: Any) -> None:
        """Nothing: a folder comes with its first object."""

    def unlink(self, missing_ok: bool = False) -> None:
        """Removes the object, if it is there."""
        del missing_ok
        _done(self, lambda: _bucket(self).write(self.key, None))

    def remove_below(self) -> None:
        """Removes all objects below."""
        names = _between(*self._range())
        _done(self, lambda: _bucket(self).delete_range(names))

    def below(self) -> Iterator["ObjectPath"]:
        """All objects below, in the order of their names."""
        top = self.parts[:2]
        for key in sorted(self._listed(*self._range())):
            yield type(self)(*top, key)

    def rglob(self, pattern: str) -> Iterator["ObjectPath"]:  # type: ignore[override]
        """The objects below of which the name fits; no folders."""
        return (path for path in self.below() if path.match(pattern))

    def iterdir(self) -> Iterator["ObjectPath"]:  # type: ignore[override]
        """Objects and folders directly below."""
        depth = len(self.parts) + 1
        return iter(dict.fromkeys(type(self)(*path.parts[:depth]) for path in self.below()))

    def glob(self, pattern: str) -> Iterator["ObjectPath"]:  # type: ignore[override]
        """Objects and folders directly below, of which the name fits."""
        return (path for path in self.iterdir() if path.match(pattern))

    def _range(self) -> tuple[str, str]:
        key = self.key
        return (f"{key}/", f"{key}0") if key else ("", "")  # "0" follows on "/"

    def _listed(self, first: str, behind: str) -> list[str]:
        names = _between(first, behind)
        found = _done(self, lambda: _bucket(self).list(names))
        if not found and self.parts[0] == "gs:":
            # TensorStore takes a listing that Google refuses for an empty one. Whoever may not list
            # is refused what is not there, too (and where there is no bucket nothing is there).
            _done(self, lambda: _bucket(self).read(posixpath.join(self.key, _NOBODYS)))
        return [os.fsdecode(name) for name in found]


def looks_like(path: str) -> bool:
    """Whether it names an object; on a disk it would be a folder that is called "s3:"."""
    return _LOOKS_LIKE.match(path) is not None


def named(path: str) -> ObjectPath:
    """The path of a name.

    Raises:
        ValueError: it names no bucket.
    """
    found = ObjectPath(path)
    if len(found.parts) < 2:
        raise ValueError(f"{path} names no bucket; write {path[:2]}://BUCKET/NAME.")
    return found


def kvstore(path: Path, *, sure: bool = False) -> dict[str, Any]:
    """TensorStore's words for what lies below a path, on the disk or in a store.

    Args:
        path: a folder.
        sure: a write that depends on a version is the store's own business, not this client's; not
            every server knows how.
    """
    if not isinstance(path, ObjectPath):
        return {"driver": "file", "path": str(path.absolute())}
    scheme, bucket, *_ = path.parts
    below = f"{path.key}/" if path.key else ""
    made = {"driver": _SCHEMES[scheme], "bucket": bucket, "path": below}
    return {**made, **(_of_s3(sure) if scheme == "s3:" else {})}


def _of_s3(sure: bool) -> dict[str, Any]:
    """What AWS' own tools take from the environment, too."""
    made: dict[str, Any] = {"use_conditional_write": True} if sure else {}
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if endpoint:
        made |= {"endpoint": endpoint, "aws_region": region or "us-east-1"}
    elif region:
        made["aws_region"] = region
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        made["aws_credentials"] = {"type": "environment"}
    return made


@functools.cache
def context() -> "ts.Context":
    """How often a request is tried; one for all."""
    import tensorstore as ts

    for name, value in _SILENCE.items():
        os.environ.setdefault(name, value)
    return ts.Context({"s3_request_retries": RETRIES, "gcs_request_retries": RETRIES})


def _between(first: str, behind: str) -> "ts.KvStore.KeyRange":
    import tensorstore as ts

    return ts.KvStore.KeyRange(first, behind)


def _bucket(path: ObjectPath, *, sure: bool = False) -> "ts.KvStore":
    top = ObjectPath(*path.parts[:2])
    return opened(json.dumps(kvstore(top, sure=sure)))


@functools.lru_cache(maxsize=16)
def opened(spec: str) -> "ts.KvStore":
    """The store of TensorStore's words for it, as JSON."""
    import tensorstore as ts

    return ts.KvStore.open(json.loads(spec), context=context()).result()


def _done(path: ObjectPath, ask: Callable[[], "ts.Future[Answer]"]) -> Answer:
    """What a store answers in the end.

    Raises:
        StoreError: it answers nothing of use.
    """
    try:
        return ask().result()
    except UnicodeEncodeError:
        raise StoreError(f"{path!a}: a store takes names in UTF-8 only; rename it.") from None
    except (ValueError, RuntimeError) as error:
        raise failed(error, path) from None


def is_outage(error: Exception) -> bool:
    """Whether TensorStore tells of a store that it could not ask, and not of damaged bytes."""
    words = (*_REFUSED, *_NO_BUCKET, *_REGION, *_CLOCKS, *_OUTAGES)
    return any(word in str(error) for word in words)


def failed(error: Exception, path: Path) -> StoreError:
    """What TensorStore says of a store, in one sentence."""
    said = str(error)
    bucket = "//".join(path.parts[:2])
    if any(word in said for word in _NO_BUCKET):
        return StoreError(f"There is no bucket {bucket}; make it, or correct its name.")
    if any(word in said for word in _REGION):
        return StoreError(f"{bucket} lies in another region; set AWS_REGION to that one.")
    if any(word in said for word in _CLOCKS):
        return StoreError(
            f"The clocks of this machine and of {bucket} lie too far apart; set the one here "
            "(by NTP), then start again."
        )
    if any(word in said for word in _REFUSED):
        return StoreError(
            f"The store refuses access to {path}; check the credentials, {_credentials(path)}, and "
            "that they may use this bucket."
        )
    reason = re.sub(r"\s*\[.*", "", said.splitlines()[0] if said else type(error).__name__)
    return StoreError(
        f"The store does not serve {path} ({reason[:160]}), and was asked "
        f"{RETRIES['max_retries']} times; start again when it does: what was computed is kept."
    )


def _credentials(path: Path) -> str:
    if path.parts[0] == "s3:":
        return "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile or role"
    return "GOOGLE_APPLICATION_CREDENTIALS or gcloud auth application-default login"
