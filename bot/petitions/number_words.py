"""Numbers as people say them: "ten thousand", "a dozen", "half a million" (pure).

The one table of these words: counts, hours and lengths of time are read with it.
"""

import re
from collections.abc import Mapping

_ONES = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_VALUES: Mapping[str, int] = {
    **{word: number for number, word in enumerate(_ONES, 1)},
    **{word: number * 10 for number, word in enumerate(_TENS, 2)},
    "fourty": 40,
}
_SIZES: Mapping[str, int] = {
    "dozen": 12,
    "hundred": 100,
    "thousand": 1_000,
    "mil": 1_000_000,
    "million": 1_000_000,
}
_SHARES: Mapping[str, str] = {
    "three quarters of a": "0.75 a",
    "quarter of a": "0.25 a",
    "half a": "0.5 a",
}

# The names of a clock's hours, from one on.
HOUR_NAMES: tuple[str, ...] = _ONES[:12]

_NUMBER = rf"(?:(?:{'|'.join(_TENS)})[ -](?:{'|'.join(_ONES[:9])})|{'|'.join(_VALUES)})\b"
# "ten", "forty-five": a number that is said without a size.
SPOKEN_NUMBER = rf"(?:{_NUMBER}|(?:an?|half an?|two) dozen\b)"

_AMOUNT = (
    rf"(?:{_NUMBER}|(?:half|three quarters of|a quarter of|quarter of) an?|an?"
    r"|[0-9]{1,3}(?:,[0-9]{3}){0,4}(?:\.[0-9]{1,3})?)"
)
_SIZE = r"(?:dozen|hundred|thousand|million|mil)\b"
# "half a million", "two hundred and fifty thousand", "1.5 million", "a million and a half".
SPOKEN_COUNT = (
    rf"(?:{_AMOUNT}(?: and a half)?[ -]?{_SIZE}|hundred (?=thousand)|(?<=every ){_SIZE})"
    rf"(?:[ -]?{_SIZE}|(?:[ -]|(?<=hundred) and ){_NUMBER}){{0,6}}(?: and a half\b)?"
)
_SAID = re.compile(rf"(?<![\w.,]){SPOKEN_COUNT}|\b{_NUMBER}")
_TOKEN = re.compile(r"[a-z]+|[0-9][0-9,]*(?:\.[0-9]+)?")


def in_figures(text: str) -> str:
    """Write the numbers of a text in small letters in figures: "half a million" as 500000."""
    return _SAID.sub(lambda said: str(_value(said[0])), text)


def _value(said: str) -> int:
    """Return the value of a number: each size multiplies what stands before it, and all adds up."""
    for words, share in _SHARES.items():
        said = said.replace(words, share)
    whole, part, last = 0.0, 0.0, 0
    for word in _TOKEN.findall(said):
        if word[0].isdigit():
            part += float(word.replace(",", ""))
        elif word == "half":  # "two and a half million", "a million and a half"
            whole, part = (whole + last / 2, part) if last else (whole, part + 0.5)
        elif word in {"dozen", "hundred"}:
            part = (part or 1) * _SIZES[word]
        elif word in _SIZES:
            last = _SIZES[word]
            whole, part = whole + (part or 1) * last, 0
        else:
            part += _VALUES.get(word, 0)
    return round(whole + part)
