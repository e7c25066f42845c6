"""What a store refuses is one sentence that names the remedy. Its answers are simulated."""

import object_store
import pytest

from xai_jax.core.errors import StoreError
from xai_jax.runtime.files import place

REFUSED = (
    r"^The store refuses access to s3://pictures/a; check the credentials, AWS_ACCESS_KEY_ID and "
    r"AWS_SECRET_ACCESS_KEY or a profile or role, and that they may use this bucket\.$"
)
REGION = r"^s3://pictures lies in another region; set AWS_REGION to that one\.$"
CLOCKS = r"^The clocks of this machine and of s3://pictures lie too far apart; set the one here "
BUCKET = r"^There is no bucket s3://pictures; make it, or correct its name\.$"


@pytest.fixture
def line(monkeypatch, tmp_path):
    """A store without anything behind it, which is soon given up."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    few = {"max_retries": 2, "initial_delay": "10ms", "max_delay": "20ms"}
    with object_store.given_up_soon(object_store.Line(0), monkeypatch, **few) as line:
        yield line


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("403 SignatureDoesNotMatch", REFUSED),
        ("403 InvalidAccessKeyId", REFUSED),
        ("403 AccessDenied", REFUSED),
        ("400 ExpiredToken", REFUSED),
        ("403 RequestTimeTooSkewed", CLOCKS),
        ("301 PermanentRedirect", REGION),
        ("400 AuthorizationHeaderMalformed", REGION),
    ],
)
def test_a_refusal_names_its_remedy(line, answer, sentence):
    line.fault = lambda verb, name: answer
    path = place(f"s3://{object_store.BUCKET}/a")
    with pytest.raises(StoreError, match=sentence):
        path.write_if(b"what a lease says", None)
    with pytest.raises(StoreError, match=sentence):
        path.is_file()


GOOGLE = (
    r"^The store refuses access to gs://pictures/a; check the credentials, "
    r"GOOGLE_APPLICATION_CREDENTIALS or gcloud auth application-default login, and that they may "
)


@pytest.mark.parametrize("answer", ["401 Invalid Credentials", "403 somebody has no access"])
def test_what_google_refuses_names_its_remedy(line, answer):
    line.fault = lambda verb, name: answer
    path = place(f"gs://{object_store.BUCKET}/a")
    for asked in (lambda: path.write_if(b"a", None), path.read_bytes, path.is_file, path.is_dir):
        with pytest.raises(StoreError, match=GOOGLE):
            asked()


def test_a_bucket_that_is_not_there_is_named(line):
    line.fault = lambda verb, name: "404 NoSuchBucket"
    with pytest.raises(StoreError, match=BUCKET):  # as a lease asks that it could not take
        place(f"s3://{object_store.BUCKET}/a").is_file()
    line.fault = lambda verb, name: "404 The specified bucket does not exist."
    with pytest.raises(StoreError, match=BUCKET.replace("s3", "gs")):
        place(f"gs://{object_store.BUCKET}/a").write_if(b"what a lease says", None)


def test_whoever_has_no_credentials_is_told_which(line, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    line.fault = lambda verb, name: "403 AccessDenied"
    with pytest.raises(StoreError, match=REFUSED):
        place(f"s3://{object_store.BUCKET}/a").read_bytes()
