"""Outages: why a server could not be asked, and one line in the log where one begins and ends."""

import ssl
import time
from collections.abc import Callable
from typing import Any

import aiohttp

_SAID_EVERY = 60.0  # seconds
# What fails again so soon after it went well is the same outage: it must not fill the log either.
_SAME_WITHIN = 10.0
# What to do about each kind of fault between us and a server.
_REMEDIES = {
    "proxy": "check the proxy that HTTPS_PROXY names",
    "DNS": "check {setting}, and this machine's DNS",
    "refused": "check {setting}, and that a server runs there",
    "TLS": "check this machine's clock and its CA certificates",
    "timed out": "check this machine's network and firewall",
    "could not connect": "check this machine's network and firewall",
    "cannot be asked": "check {setting}",
    "other than HTTP": "check {setting}",
    "no JSON": 'check {setting}, which should end in "/bot"',
    "Invalid server response": 'check {setting}, which should end in "/bot"',
}


class IncidentLog:
    """Logs that one kind of failure began, that it lasts and that it is over.

    Callers call `failed` each time it fails, and `recovered` each time it went well.
    """

    def __init__(
        self, log: Any, name: str, monotonic: Callable[[], float] = time.monotonic, **fields: Any
    ) -> None:
        self._log = log
        self._name = name
        self._monotonic = monotonic
        self._fields = fields
        self._began_at: float | None = None
        self._ended_at = float("-inf")
        self._said_at = float("-inf")
        self._is_said = False
        self._unsaid = 0
        self.times = 0

    def failed(self, cause: str, **fields: Any) -> None:
        """Note that it failed, for this cause."""
        self.times += 1
        now = self._monotonic()
        is_new = self._began_at is None and now - self._ended_at > _SAME_WITHIN
        if self._began_at is None:
            self._began_at = now
        if is_new or now - self._said_at >= _SAID_EVERY:
            known = {**self._fields, **fields, **self._left_unsaid()}
            self._log.warning(self._name, cause=cause, **known)
            self._said_at, self._is_said = now, True
        else:
            self._unsaid += 1

    def recovered(self) -> None:
        """Note that it went well."""
        if self._began_at is None:
            return
        now = self._monotonic()
        lasted = round(now - self._began_at, 1)
        self._began_at, self._ended_at = None, now
        if self._is_said:
            self._log.info(f"{self._name}: over", after_seconds=lasted, **self._left_unsaid())
        self._is_said = False

    def forget(self) -> None:
        """Note that nobody looks any more, so that it is not known whether it would go well now."""
        self._began_at, self._is_said, self._unsaid = None, False, 0

    def _left_unsaid(self) -> dict[str, Any]:
        """Return the fields of every line, with the number of failures that no line has told of."""
        unsaid, self._unsaid = self._unsaid, 0
        return {**self._fields, **({"unsaid": unsaid} if unsaid else {})}


def remedy_of(fault: str, setting: str) -> str:
    """Say what to do about a fault, "" if nothing; `setting` holds the server's address."""
    found = (todo for words, todo in _REMEDIES.items() if words in fault)
    return next(found, "").format(setting=setting)


def fault_of(error: Exception) -> str:
    """Say what went wrong between us and a server; nothing in it repeats an address."""
    match error:
        case TimeoutError():
            return "timed out"
        case aiohttp.ClientPayloadError():
            return "the answer was cut off"
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return "the proxy does not let it through"
        case aiohttp.ClientConnectorCertificateError():
            fault = (
                error.certificate_error.verify_message
                if isinstance(error.certificate_error, ssl.SSLCertVerificationError)
                else ""
            )
            return f"its certificate is not valid: {fault or 'not to be trusted'} (TLS)"
        case aiohttp.ClientConnectorDNSError():
            return "its name is not found (DNS)"
        case aiohttp.ClientSSLError():
            return "no secure connection (TLS)"
        case aiohttp.ClientConnectorError(os_error=ConnectionRefusedError()):
            return "the connection was refused"
        case aiohttp.ClientConnectorError():
            return "could not connect"
        case aiohttp.InvalidURL():
            return "an address that cannot be asked"
        case aiohttp.ClientConnectionError() | OSError():
            return "the connection was lost"
        case aiohttp.ClientError():
            return "answered in something other than HTTP"
        case _:
            return "an address that cannot be asked"
