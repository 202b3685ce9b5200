"""The cable of a place: a process carries each packet, and can lose or delay it.

Traffic control would do the same where the kernel has netem and a classifier; many have neither.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import random
import struct
import subprocess

from tests.chaos.namespace import Namespace
from tests.chaos.trouble import Troubles

__all__ = ["LARGEST_PACKET", "PACKETS_AT_ONCE", "Wire", "deliver", "plug"]

TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001  # whole IP packets, nothing before them
LARGEST_PACKET = 65535
PACKETS_AT_ONCE = 64  # then other work has its turn


class Wire:
    """Carries packets between two ends: each a descriptor that gives and takes one packet at a time.

    Args:
        near: the candidate's end.
        far: the API server's end.
        troubles: what to do to them, asked for each packet.
        rng: what chance does.
    """

    def __init__(self, near: int, far: int, troubles: Troubles, rng: random.Random) -> None:
        self._near, self._far = near, far
        self._troubles = troubles
        self._rng = rng
        self._loop = asyncio.get_running_loop()
        for end in (near, far):
            os.set_blocking(end, False)
        self._loop.add_reader(near, self._carry, near, far)
        self._loop.add_reader(far, self._carry, far, near)

    def _carry(self, source: int, target: int) -> None:
        for _ in range(PACKETS_AT_ONCE):
            try:
                packet = os.read(source, LARGEST_PACKET)
            except BlockingIOError:
                return
            self._pass(packet, target)

    def _pass(self, packet: bytes, target: int) -> None:
        troubles = self._troubles
        if self._rng.random() < (troubles.loss_out if target == self._far else troubles.loss_in):
            return
        delay_s = troubles.delay_s + troubles.jitter_s * self._rng.random()
        if delay_s:
            self._loop.call_later(delay_s, deliver, target, packet)
        else:
            deliver(target, packet)


def deliver(target: int, packet: bytes) -> None:
    """Put a packet into an end of a wire."""
    try:
        os.write(target, packet)
    except OSError as error:  # a queue that is full loses packets, as every cable's does
        if error.errno not in (errno.EAGAIN, errno.ENOBUFS, errno.EIO):
            raise


def plug(namespace: Namespace, name: str, address: str, peer: str) -> int:
    """Give `namespace` a network device with `address`, which reaches `peer`; return the end of its wire.

    The device ends with the descriptor.

    Raises:
        OSError: not permitted, or the kernel or iproute2 lacks something.
    """
    return namespace.run(_plug, name, address, peer)


def _plug(name: str, address: str, peer: str) -> int:
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN_NO_PI))
        batch = f"address add {address} peer {peer} dev {name}\nlink set {name} up\nlink set lo up\n"
        done = subprocess.run(["ip", "-batch", "-"], input=batch, capture_output=True, text=True)
        if done.returncode:
            raise OSError(errno.EOPNOTSUPP, f"ip: {done.stderr.strip()}")
    except BaseException:
        os.close(end)
        raise
    return end
