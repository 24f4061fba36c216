"""Takes away what is said around a request, and says it in full and in fewer words (pure)."""

import re

# --- what stands around a request -------------------------------------------------------------

_BEFORE = re.compile(
    r"(?:(?:hi|hello|hey|hiya|yo|omg|lol|nvm|bruh|bro|dude|good (?:morning|afternoon|evening)|ok"
    r"|dear (?:sir|madam|all|bot)(?:(?: or |/)madam)?|would you kindly"
    r"|okay|so|and|also|then|oh|well|yes|right|sorry|please|pls|plz|kindly"
    r"|(?:can|could|would|will) (?:you|u|we|i)|may i|you can"
    r"|i (?:want|need|would like|should like)(?: you)?(?: to)?"
    r"|i'?d (?:like|love|prefer)(?: you)?(?: to)?|i(?:'m| am|m) trying to|i wanna|i wish to"
    r"|let'?s|just|how (?:do|can|would) i|how to|help me(?: to)?|is it possible to|bitte"
    r"|por favor|per favore|s'il (?:vous|te) pla[iî]t|proszę|g(?:a|af) i"
    r"|sut (?:mae|ydw i'?n|alla i|galla i)|a? ?allwch chi|allet ti|wnewch chi|hoffwn i?"
    r"|(?:dw i|dwi|rwyf|rydw i)(?: i?'?n)? (?:eisiau|isio|moyn))[\s,:]+)+"
)
_AFTER = re.compile(
    r"(?:[\s,]+(?:please|pls|plz|thanks|thank you|thx|ta|cheers|for me|now|right now|mate"
    r"|bot|x|xx|if you can|if possible|already|instead|from now on|os gwelwch yn dda|plis"
    r"|diolch|bitte|por favor|per favore|s'il (?:vous|te) pla[iî]t|proszę|alsjeblieft|lütfen"
    r"|пожалуйста))+"
)

_LONGEST_AFTER = 80  # characters; it is looked for at each of them

_IN_FULL = {
    "lmk": "let me know",
    "hmu": "let me know",
    "hit me up": "let me know",
    "wanna": "want to",
    "gonna": "going to",
    "gimme": "give me",
    "rn": "now",
    "tmrw": "tomorrow",
    "tmr": "tomorrow",
    "tmw": "tomorrow",
    "tomoz": "tomorrow",
    "2moro": "tomorrow",
    "2morrow": "tomorrow",
    "2nite": "tonight",
    "2day": "today",
    "u": "you",
    "ur": "your",
    "msgs": "messages",
    "notifs": "notifications",
}
_SHORT = re.compile(rf"(?<![\w/.'-])(?:{'|'.join(_IN_FULL)})(?![\w/.'-])", re.IGNORECASE)


def in_full(text: str) -> str:
    """Return a text with the abbreviations of people who type with a thumb written in full."""
    # Some foreign letters count as ours in capitals: "mſgs" is no abbreviation of theirs.
    return _SHORT.sub(lambda short: _IN_FULL.get(short[0].lower(), short[0]), text)


def bare(text: str) -> str:
    """Return a request in small letters without what is said around it: "Hi, can you … please?"."""
    said = _as_typed(text)
    begins, ends = bare_span(said)
    return said[begins:ends]


def _as_typed(text: str) -> str:
    return " ".join(re.sub("[’‘`´]", "'", text).lower().split()).rstrip("?!. ")


def bare_span(said: str) -> tuple[int, int]:
    """Return where the request itself begins and ends; all of it if nothing would be left."""
    before, ends = _BEFORE.match(said), len(said)
    for after in _AFTER.finditer(said, max(0, ends - _LONGEST_AFTER)):
        if after.end() == len(said):
            ends = after.start()
    begins = before.end() if before else 0
    return (begins, ends) if begins < ends else (0, len(said))


# --- words that stand for one another -----------------------------------------------------------

_ALIKE = {
    each: word
    for word, others in {
        "alerts": "alert notification notifications message messages msgs texts pings",
        "digest": "digests summary summaries roundup",
        "delete": "erase wipe remove",
        "petitions": "epetitions petitons",
        "petition": "epetition petiton",
        "i": "we",
        "my": "our",
        "me": "us",
        "change": "edit alter adjust update",
    }.items()
    for each in others.split()
}
_BESIDES = frozenset({"the", "a", "an", "these", "those", "of", "really", "actually", "just"})


_SHOW = re.compile(
    r"(?:show|see|view|open|get|give|send|check|go to|take|change|set|edit|alter|manage|find"
    r"|when (?:are|is)|what (?:are|is)|whats|dangos|newid|beth (?:yw|ydy))(?: me)?(?: to)?"
    r" (?=\S)"
)


def canonical(words: str) -> str:
    """Return plain words without idle ones, and with one word for all that mean the same."""
    shown = re.sub(r"\bare we\b", "am i", words)
    shown = _SHOW.sub("", shown, count=1) if _SHOW.match(shown) else shown
    return " ".join(_ALIKE.get(each, each) for each in shown.split() if each not in _BESIDES)
