"""Reads what a server sends, unpacked, without trusting it ever to end (shell)."""

import aiohttp

# Several times as many as any body has: the largest has 3,200 commas and 1,300 brackets. It is
# these that cost time to decode, in which nothing else is done.
_MOST_COMMAS, _MOST_BRACKETS = 20_000, 4_000


class TooLarge(aiohttp.ClientPayloadError):
    """The error that a body is out of all proportion, and is not read further or decoded."""


async def read_body(response: aiohttp.ClientResponse, most: int) -> bytes:
    """Read the body, of at most so many bytes. Raises TooLarge where reading stopped.

    A body of JSON that holds more things than it takes a moment to decode is TooLarge as well.
    """
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            raise TooLarge
    if body.count(b",") > _MOST_COMMAS or body.count(b"{") + body.count(b"[") > _MOST_BRACKETS:
        raise TooLarge
    return bytes(body)
