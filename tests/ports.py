"""Ports for servers that have to be told theirs before they listen."""

import secrets
import socket
from contextlib import suppress

# Below the ports that systems give to connections: none is taken between the choice and its use.
_OURS = range(20_000, 32_000)


def free_port() -> int:
    """Return a port that nobody listens at."""
    while True:
        port = secrets.choice(_OURS)
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
