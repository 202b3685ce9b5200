"""``tenure devserver``: the embedded API server, for development."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tenure.cli.exits import CannotListenError
from tenure.errors import ConfigurationError
from tenure.sidecar.termination import termination

if TYPE_CHECKING:
    from tenure.devserver import DevServer

__all__ = ["command"]

_EPILOG = """
\b
Examples:
  tenure devserver --kubeconfig=dev.kubeconfig
  kubectl --kubeconfig=dev.kubeconfig get leases
  tenure sidecar --election=example --http=:4040 --kubeconfig=dev.kubeconfig

\b
Exit status:
  0  ended by SIGTERM or SIGINT
  2  wrong flags, or a certificate that cannot be used
  4  the address cannot be listened on
"""


@click.command(epilog=_EPILOG, short_help="A Kubernetes API server in memory, for development.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8001, show_default=True, help="0: any free port."
)
@click.option("--token", help="Demand this bearer token.  [default: let everybody in]")
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Serve TLS with this PEM certificate.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Its private key, if in a file of its own.")
@click.option(
    "--kubeconfig", type=click.Path(path_type=Path), help="Write a kubeconfig for this server there."
)
def command(
    host: str,
    port: int,
    token: str | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    kubeconfig: Path | None,
) -> None:
    """Serve the Kubernetes API from memory: no cluster, nothing stored, nobody authorised.

    Good for elections and for everything that reads and writes Leases, ConfigMaps, Endpoints and the like;
    it runs no Pods.
    """
    if tls_key and not tls_cert:
        raise click.UsageError("--tls-key needs --tls-cert")
    # Imported late: --help shall not wait for a web server.
    from tenure.devserver import DevServer

    server = DevServer(host, port, token=token, cert_file=tls_cert, key_file=tls_key)
    asyncio.run(_serve(server, kubeconfig))


async def _serve(server: DevServer, kubeconfig: Path | None) -> None:
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(server)
        except ConfigurationError as error:
            raise CannotListenError(str(error)) from error
        print(f"serving the Kubernetes API on {server.url}", flush=True)
        if kubeconfig:
            _write_kubeconfig(server, kubeconfig)
        with termination() as ending:
            await ending.wait()


def _write_kubeconfig(server: DevServer, path: Path) -> None:
    try:
        server.kubeconfig(path)
    except OSError as error:
        raise ConfigurationError(f"cannot write the kubeconfig {path}: {error.strerror}") from error
    print(f"kubeconfig: {path}", flush=True)
