"""Says why a server could not be asked, in words for whoever runs the bot or waits."""

import ssl

import aiohttp

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
