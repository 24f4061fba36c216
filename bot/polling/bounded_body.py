"""Reading what a server sends, unpacked, without having to believe that it will end (shell)."""

import aiohttp


class TooLarge(aiohttp.ClientPayloadError):
    """A body grew out of all proportion, and was not read to its end."""


async def read_body(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body, of at most so many bytes; TooLarge where reading stopped."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            raise TooLarge
    return bytes(body)
