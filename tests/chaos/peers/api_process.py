"""An API server in memory that refuses for a while when it is told to: SIGUSR1 and SIGUSR2.

Its objects and versions stay meanwhile, as etcd's do.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from tenure.devserver import DevServer

__all__ = ["main"]


async def _serve(host: str, port: int, kubeconfig: str) -> None:
    refusing, serving = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, refusing.set)
    loop.add_signal_handler(signal.SIGUSR2, serving.set)
    server = DevServer(host, port)
    while True:
        async with server:
            server.kubeconfig(kubeconfig)
            print("serving", flush=True)
            await refusing.wait()
        print("refusing", flush=True)
        await serving.wait()
        refusing.clear()
        serving.clear()


def main() -> None:
    """Serve until killed, at the host and port of the first two arguments; the third is a file to write."""
    asyncio.run(_serve(sys.argv[1], int(sys.argv[2]), sys.argv[3]))


if __name__ == "__main__":
    main()
