"""What systemd is told of a `Type=notify` service; without systemd, nothing."""

import os
import socket
from collections.abc import Mapping


def notify(state: str, environment: Mapping[str, str] = os.environ) -> None:
    """Send a state (`READY=1`, `WATCHDOG=1`, `STOPPING=1`); nobody listening is no error."""
    address = environment.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # a name of Linux's abstract namespace
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        try:
            line.setblocking(False)
            line.sendto(state.encode(), address)
        except OSError:
            return  # a full or vanished socket must not stop the bot
