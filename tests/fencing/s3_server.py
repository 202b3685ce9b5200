"""A real S3-compatible server that honours conditions on PUT, and clients of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
from botocore.config import Config

from tests.cluster.build import binary
from tests.cluster.process import start_process
from tests.drivers.tools import PATIENCE_S, wait_until
from tests.sidecar.process import free_port

__all__ = ["BUCKET", "KEY_ID", "S3Server", "serving_s3"]

BUCKET, KEY_ID = "bucket", "tenure-tests"


@dataclass(frozen=True)
class S3Server:
    """It runs for as long as `serving_s3`."""

    url: str

    def client(self, *, max_attempts: int = 1) -> Any:
        """Return a new client."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=KEY_ID,
            config=Config(
                retries={"total_max_attempts": max_attempts}, connect_timeout=5, read_timeout=PATIENCE_S
            ),
        )


@contextmanager
def serving_s3(folder: Path) -> Iterator[S3Server]:
    """Run the server with one empty bucket; it keeps everything in `folder`.

    The file system must keep extended attributes. With ``--sidecar``, which does without them, the server may
    answer a GET with the ETag of the next content, and writes are lost: the test of many writers found it.
    """
    objects = folder / "objects"
    objects.mkdir()
    port = free_port()
    variables = {"ROOT_ACCESS_KEY": KEY_ID, "ROOT_SECRET_KEY": KEY_ID}
    os.environ.update(variables)
    command = [str(binary("versitygw")), f"--port=127.0.0.1:{port}", "posix", str(objects)]
    try:
        with (folder / "server.log").open("wb") as log:
            process = start_process(command, stdout=log, stderr=log)
    finally:
        for name in variables:
            del os.environ[name]
    server = S3Server(f"http://127.0.0.1:{port}")

    def is_ready() -> bool:
        assert process.poll() is None, (folder / "server.log").read_text()
        try:
            server.client().create_bucket(Bucket=BUCKET)
        except botocore.exceptions.ConnectionError:
            return False
        return True

    try:
        wait_until(is_ready)
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
