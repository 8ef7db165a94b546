"""Where a session answers: a socket on this machine alone, or on the network of the room. The only door to sockets."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass

from transition_sim.errors import ScenarioError

LOOPBACK = "127.0.0.1"
NEAR = 20


@dataclass(frozen=True)
class Place:
    """A bound socket with its port, the address that others type, and the names under which the session answers."""

    listener: socket.socket
    port: int
    address: str
    own_address: str
    hosts: frozenset[str]


def bind(port: int, lan: bool) -> Place:
    """Return a socket bound to a port (0 takes a free one).

    Raises ScenarioError, which names a port that is free, where it is taken or not allowed.
    """
    host = "0.0.0.0" if lan else LOOPBACK  # noqa: S104 - asked for with --lan
    try:
        listener = _listening(host, port)
    except OSError as error:
        told = f"port {port} cannot be used ({error.strerror}); name another, such as --port {_free_port(host, port)}"
        raise ScenarioError(told) from None
    taken = int(listener.getsockname()[1])
    own = f"http://{LOOPBACK}:{taken}"
    if not lan:
        return Place(listener, taken, own, own, frozenset())
    name = socket.gethostname().lower()
    return Place(listener, taken, f"http://{_lan_address()}:{taken}", own, frozenset({name, f"{name}.local"}))


def _listening(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(256)  # who comes before the server runs waits, rather than being turned away
    except OSError:
        listener.close()
        raise
    return listener


def _free_port(host: str, port: int) -> int:
    """Return a port that is free now: one soon after the one that was asked for, else any."""
    for other in (*range(max(port, 1023) + 1, min(port + NEAR, 65535)), 0):
        with contextlib.suppress(OSError), _listening(host, other) as found:
            return int(found.getsockname()[1])
    return 0


def _lan_address() -> str:
    """Return this machine's address in the network that it would reach others by; nothing is sent to find it."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return LOOPBACK
