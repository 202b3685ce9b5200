"""S3Fence on a real server: stale leaders overwrite nothing, also where an ETag comes back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tenure import ConfigurationError, FencingToken, StaleTokenError
from tenure.fencing.s3 import BlockingS3Fence, S3Fence
from tenure.testing.pytest_plugin import RunningDevServer
from tests.cluster.fixtures import get_binaries
from tests.fencing.leaders import old_and_new
from tests.fencing.s3_server import BUCKET, KEY_ID, S3Server, serving_s3
from tests.fencing.writes import Write, violations

OLD, NEW = FencingToken(0, 4, "default/a"), FencingToken(0, 5, "default/a")
OTHER = FencingToken(0, 1, "default/b")
WRITERS, WRITES = 5, 10


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    get_binaries(request.config, "versitygw")
    with serving_s3(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    """The name of an object of this test alone."""
    return f"{request.node.name}/object"


def test_lower_is_refused_and_equal_passes(server: S3Server, key: str) -> None:
    fence = BlockingS3Fence(server.client(), BUCKET, key)
    assert fence.read() == b""
    fence.raise_to(OLD)
    assert fence.read() == b""
    fence.update(OLD, lambda body: body + b"old\n\xff")
    fence.raise_to(NEW)
    fence.raise_to(NEW)
    with pytest.raises(StaleTokenError, match=f"object bucket/{key} has seen token 5 of default/a"):
        fence.update(OLD, lambda body: b"late")
    fence.update(OTHER, lambda body: body + b"other")
    with pytest.raises(StaleTokenError):
        fence.raise_to(OLD)
    assert fence.read() == b"old\n\xffother"
    first_line = server.client().get_object(Bucket=BUCKET, Key=key)["Body"].readline()
    assert first_line.startswith(b'tenure.dev/fencing-token {"default/a":"5","default/b":"1"} ')


def test_for_asyncio(server: S3Server, key: str) -> None:
    async def story() -> None:
        fence = S3Fence(server.client(), BUCKET, key)
        await fence.raise_to(NEW)
        await fence.update(NEW, lambda body: b"new")
        with pytest.raises(StaleTokenError):
            await fence.raise_to(OLD)
        assert await fence.read() == b"new"

    asyncio.run(story())


@pytest.mark.parametrize(
    "content", [b"", b"foreign\n", b"tenure.dev/fencing-token \n", b"tenure.dev/fencing-token x"]
)
def test_an_object_of_somebody_else_is_left_alone(server: S3Server, key: str, content: bytes) -> None:
    key = f"{key}-{content.hex()}"
    server.client().put_object(Bucket=BUCKET, Key=key, Body=content)
    with pytest.raises(ConfigurationError, match="was not written by a fence"):
        BlockingS3Fence(server.client(), BUCKET, key).raise_to(NEW)
    assert server.client().get_object(Bucket=BUCKET, Key=key)["Body"].read() == content


def test_a_bucket_that_is_missing_is_boto3s_error(server: S3Server) -> None:
    client = server.client()
    with pytest.raises(client.exceptions.NoSuchBucket):
        BlockingS3Fence(client, "missing", "key").raise_to(NEW)


def without_conditions(client: Any) -> Any:
    """Make a client of which the server sees no condition: as if it ignored them."""

    def forget(request: Any, **_: Any) -> None:
        for header in ("If-Match", "If-None-Match"):
            del request.headers[header]

    client.meta.events.register("before-sign.s3.PutObject", forget)
    return client


def test_a_store_that_ignores_conditions_is_refused(server: S3Server, key: str) -> None:
    fence = BlockingS3Fence(without_conditions(server.client()), BUCKET, key)
    with pytest.raises(ConfigurationError, match="this store ignores If-Match"):
        fence.raise_to(NEW)


def test_an_object_that_is_deleted_meanwhile_is_made_again(server: S3Server, key: str) -> None:
    fence = BlockingS3Fence(server.client(), BUCKET, key)
    fence.raise_to(NEW)
    seen = []

    def change(body: bytes) -> bytes:
        if not seen:
            server.client().delete_object(Bucket=BUCKET, Key=key)
        seen.append(body)
        return b"written"

    fence.update(NEW, change)
    assert (len(seen), fence.read()) == (2, b"written")


def test_a_request_whose_answer_was_lost_is_not_made_twice(server: S3Server, key: str) -> None:
    """Botocore sends it again, and finds that the condition holds no longer: by its own doing."""
    client = server.client(max_attempts=3)
    fence = BlockingS3Fence(client, BUCKET, key)
    fence.raise_to(NEW)
    attempts = []

    def lose(response_dict: dict[str, Any], **_: Any) -> None:
        attempts.append(response_dict["status_code"])
        if len(attempts) == 1:
            response_dict["status_code"] = 503

    client.meta.events.register("before-parse.s3.PutObject", lose)
    fence.update(NEW, lambda body: body + b"once")
    assert attempts == [200, 412]
    assert fence.read() == b"once"


def race(
    server: S3Server, key: str, client_of: Callable[[], Any]
) -> tuple[list[Write], list[Write], list[str]]:
    """Let writers of the old term write until they are refused, and those of the new one begin meanwhile.

    Returns:
        What the object holds, what was acknowledged, and how each of the old ones ended.
    """
    acknowledged: list[Write] = []
    halfway = threading.Event()

    def write(token: FencingToken, name: str) -> str:
        fence = BlockingS3Fence(client_of(), BUCKET, key)
        fence._is_proven = True  # by other tests
        for number in range(WRITES if token is NEW else 50 * WRITES):
            entry = Write(int(token), f"{name}.{number}")
            try:
                fence.update(token, lambda body, entry=entry: body + f"{entry}\n".encode())  # type: ignore[misc]
            except StaleTokenError:
                return "refused"
            acknowledged.append(entry)
            if len(acknowledged) > WRITERS:
                halfway.set()
        return "done"

    with ThreadPoolExecutor(2 * WRITERS) as pool:
        older = [pool.submit(write, OLD, f"old-{number}") for number in range(WRITERS)]
        assert halfway.wait(60)
        newer = [pool.submit(write, NEW, f"new-{number}") for number in range(WRITERS)]
        assert [each.result() for each in newer] == ["done"] * WRITERS
        ends = [each.result() for each in older]
    body = BlockingS3Fence(server.client(), BUCKET, key).read().decode()
    return [Write.parse(line) for line in body.split()], acknowledged, ends


def test_many_writers_of_two_terms_at_once(server: S3Server, key: str) -> None:
    history, acknowledged, ends = race(server, key, server.client)
    assert violations(history, acknowledged) == []
    assert len(history) == len(acknowledged)
    assert {write.token for write in history} == {4, 5}
    assert ends == ["refused"] * WRITERS


def test_the_history_tells_a_store_that_ignores_conditions(server: S3Server, key: str) -> None:
    history, acknowledged, _ = race(server, key, lambda: without_conditions(server.client()))
    assert violations(history, acknowledged)


def test_a_token_in_the_metadata_would_not_be_enough(server: S3Server, key: str) -> None:
    """Why the tokens stand in the content: the ETag that the old leader read comes back."""
    client, place = server.client(), {"Bucket": BUCKET, "Key": key}
    read = client.put_object(**place, Body=b"paused", Metadata={"token": "4"})["ETag"]
    for body in (b"running", b"paused"):  # the new leader writes, and raises the token
        client.put_object(**place, Body=body, Metadata={"token": "5"})
    client.put_object(**place, Body=b"late", Metadata={"token": "4"}, IfMatch=read)
    assert client.head_object(**place)["Metadata"] == {"token": "4"}


def test_the_same_body_written_again_has_another_etag(server: S3Server, key: str) -> None:
    fence, client = BlockingS3Fence(server.client(), BUCKET, key), server.client()
    etags = set()
    for body in (b"paused", b"running", b"paused"):
        fence.update(NEW, lambda _, body=body: body)  # type: ignore[misc]
        etags.add(client.head_object(Bucket=BUCKET, Key=key)["ETag"])
    assert len(etags) == 3


LEADER = """
import boto3
from tenure.fencing.s3 import BlockingS3Fence

def lead(term):
    client = boto3.client(
        "s3", endpoint_url=os.environ["S3_URL"], region_name="us-east-1",
        aws_access_key_id=os.environ["S3_KEY"], aws_secret_access_key=os.environ["S3_KEY"],
    )
    fence = BlockingS3Fence(client, "bucket", "resumed")
    fence.raise_to(term.token)
    read = []
    def change(body):
        if not read:  # it has been read and checked by now, and not yet been written
            pause()
        read.append(body)
        return f"written by {term.token}".encode()
    outcome(lambda: fence.update(term.token, change))
"""


def test_a_leader_that_is_resumed_between_reading_and_writing_is_refused(
    server: S3Server, tenure_devserver: RunningDevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_URL", server.url)
    monkeypatch.setenv("S3_KEY", KEY_ID)
    fence = BlockingS3Fence(server.client(), BUCKET, "resumed")
    with old_and_new(LEADER, tenure_devserver.kubeconfig) as (old, _):
        before = fence.read()
        assert old.says().startswith("StaleTokenError object bucket/resumed has seen token")
        assert fence.read() == before
        assert before.startswith(b"written by ")
