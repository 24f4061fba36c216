"""The log: structured, on standard error, without the token and without chat ids."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import quote

import structlog

# These write request addresses, which carry the token, and whole updates, which carry chats.
_TALKATIVE = ("httpx", "httpcore", "telegram", "apscheduler", "aiohttp", "asyncio")


def configure_logs(level: str, form: str, token: str) -> None:
    """Send our log and the libraries' warnings to standard error, as `console` or `json`."""
    hide = _Hide(token)
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, hide, last],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Says at its loudest what an update held; what matters of it reaches us as an exception.
    logging.getLogger("telegram").setLevel(logging.CRITICAL + 1)
    # Writes a traceback for each round that fails, which we hear of too (`bot.outages`).
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL + 1)


class _Hide:
    """Blanks the token wherever it turns up, in tracebacks of libraries too."""

    def __init__(self, token: str) -> None:
        _, _, secret = token.partition(":")
        # In an address it stands percent-encoded; its secret half is enough to give it away.
        forms = {token, quote(token, safe=""), secret, quote(secret, safe="")}
        self._forms = sorted(forms - {""}, key=len, reverse=True)

    def __call__(
        self, _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        for key, value in event.items():
            if isinstance(value, str):
                event[key] = self._hidden(value)
        return event

    def _hidden(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, "[token]")
        return text
