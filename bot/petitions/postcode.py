"""Recognises postcodes in what people type (pure)."""

import re

POSTCODE = re.compile(
    r"([A-Z]{1,2}[0-9][A-Z0-9]?)[\s,.-]*([0-9][ABD-HJLNP-UW-Z]{2})", re.IGNORECASE
)
# At the end of a text stands perhaps one that is still being typed.
_AMONG_WORDS = re.compile(
    rf"(?<![^\W_])(?:{POSTCODE.pattern}(?![^\W_])|[A-Z]{{1,2}}[0-9][A-Z0-9]?\s+[0-9][A-Z]?$)",
    re.IGNORECASE,
)


def is_postcode(text: str) -> bool:
    """Return whether a text reads like a whole postcode."""
    return POSTCODE.fullmatch(text.strip()) is not None


def is_outward(text: str) -> bool:
    """Return whether a text reads like the first half of a postcode, which many places share."""
    return re.fullmatch(r"[A-Z]{1,2}[0-9][A-Z0-9]?", text.strip(), re.IGNORECASE) is not None


def find_postcode(text: str) -> str:
    """Return the one whole postcode in a text; "" if there is none, or more than one."""
    found = [each for each in _AMONG_WORDS.finditer(text) if each[1]]
    return found[0][0] if len(found) == 1 else ""


def without_postcodes(text: str) -> str:
    """Return a text with a blank for each postcode in it, and for one half typed at its end."""
    return _AMONG_WORDS.sub(" ", text)
