"""Reads the details of a request: a number to be told at, a reminder, a setting, a refusal (pure).

Where a text is about one petition, `#` stands for it.
"""

import re
from functools import cache

from bot.petitions.bare_request import bare
from bot.petitions.number_words import SPOKEN_COUNT, SPOKEN_NUMBER
from bot.petitions.phrase_parts import DAY, LENGTH, NEWS, SEND, SENDING, STRAIGHT_AWAY, TELL, WHILE

_REACHES = (
    r"(?:at|hits?|reach(?:es|ed)?|gets?(?: (?:to|past|over|up to))?|got to|pass(?:es)?|has"
    r"|have|cross(?:es)?|goes? (?:over|past|above)|is (?:at|over|past|up to)"
    r"|makes?(?: it to)?|yn cyrraedd|yn pasio|ar)"
)
_ONE_COUNT = (
    rf"(?:{SPOKEN_COUNT}|\d[\d,.]*\s*(?:k\b|m\b|%|per ?cent)?"
    rf"|{SPOKEN_NUMBER} ?(?:k\b|%|per ?cent)|half[ -]?way"
    r"(?: there| to \d[\d,]* ?k?"
    r"| to (?:the |a )?(?:debate|response|goal|target|(?:next )?(?:threshold|one)))?)"
)
_COUNT = (
    rf"(?P<rest>(?:every )?{_ONE_COUNT}(?:(?:,? and |, ?){_ONE_COUNT})*)"
    r"(?: (?:signatures?|sigs|names|people|llofnodi?o?n?))?"
)
# What can be nothing but a count: "at 7" may be an hour, and "5,000" a subject.
_SURE_COUNT = r"(?:\dk\b|\dm\b|thousand|million|%|per ?cent|half[ -]?way)"
_WHEN = r"(?:when(?:ever)?|once|if|as soon as|pan(?: fydd)?)"
_THE_PETITION = (
    r"(?:it(?:'?s| is)?|they|this|that|we|the (?:petition|count|number)"
    r"|(?:my|this|that) petition|signatures)"
)
# "When it's halfway" says no more than that.
_HITS = rf"(?:{_REACHES} |(?:is )?(?=half[ -]?way))"
_ASKED = rf"(?:(?:{TELL} )(?:{_WHEN} )?|{_WHEN} )"
_COUNTS = (
    rf"{_ASKED}(?:{_THE_PETITION} )?{_HITS}{_COUNT}",
    rf"(?:{_REACHES} )?(?=.*{_SURE_COUNT}){_COUNT}",
    rf"(?:{TELL} |(?=.*signatures))(?=every ){_COUNT}",
    rf"(?:set|add) (?:an? |my )?milestone (?:at |of |to )?{_COUNT}",
    # Most petitions have longer numbers.
    rf"milestone (?:at |of )?(?=\d{{1,2}},?\d?00$|\d+[km]$){_COUNT}",
)
# `#` stands for the petition.
_COUNTS_OF_ONE = (
    rf"{_ASKED}?(?:petition )?# {_HITS}{_COUNT}",
    rf"# (?:{_ASKED})(?:{_THE_PETITION} )?{_HITS}{_COUNT}",
    rf"(?:petition )?# (?:milestones? )(?:{_REACHES} )?{_COUNT}",
    rf"milestones? (?:for |of |on )?(?:petition )?# (?:at |to )?{_COUNT}",
    rf"(?:petition )?# (?=every |.*{_SURE_COUNT}){_COUNT}",
    rf"(?=every ){_COUNT} (?:for |of |on )?(?:petition )?#",
    rf"(?:(?:{_ASKED}|milestone )(?:{_THE_PETITION} )?(?:{_REACHES} )?|{_REACHES} "
    rf"|(?=[^#]*{_SURE_COUNT})){_COUNT} (?:for |of |on |signatures (?:for|of|on) )?"
    r"(?:petition )?#",
)
_REMINDED = re.compile(
    rf"{TELL} (?P<span>{LENGTH}) (?:before|ahead of) (?:petition )?# ?"
    r"(?:(?:closes?|ends?|is over|closing)(?: date)?)?"
)


def reminder_wanted(text: str) -> str:
    """Read how long before `#` closes somebody wants a reminder, as they typed it; "" if not."""
    found = _REMINDED.fullmatch(bare(text))
    return found["span"].removeprefix("for ") if found else ""


_INTO_DIGEST = re.compile(
    r"(?:(?:put|move|send|add) )?(?:petition )?# (?:only )?(?:(?:in|into|to|as) (?:the|my|a) )?"
    r"(?:daily )?(?:digest|summary)(?: only)?|(?:send )?# (?:only )?(?:once a day|daily)(?: only)?"
)
_AT_ONCE = re.compile(rf"(?:send|tell|alert)(?: me)?(?: about)? # {STRAIGHT_AWAY}")
_KIND = r"(?P<kind>milestone|surge|response|debate|threshold)s?"
_KIND_OFF = re.compile(
    r"(?:no(?: more)?|turn off|switch off|disable|skip|hide|stop(?: sending(?: me)?"
    r"| telling me about)?|(?:don'?t|do not) (?:tell me about|send(?: me)?|want)|unfollow"
    r"|(?P<silent>mute|silence)) (?:the |any |all )*"
    rf"{_KIND}(?: {NEWS}| news)? (?:for|of|about|on|from) (?:petition )?#"
)
_KIND_SET = re.compile(
    rf"(?:petition )?# {_KIND}(?: {NEWS})? (?:to )?(?P<loud>off|silent|digest|loud|on)"
)
_ONLY = re.compile(
    rf"(?:only|just) {SEND}(?: me)? (?:about|when|if|once) [^#]{{0,40}}#[^#]{{0,40}}"
)


def setting_wanted(text: str) -> str | None:
    """Read what somebody wants to hear of `#` alone, as it is typed behind `/settings #`.

    "" where that is to be chosen among the kinds; None if nothing of the sort is said.
    """
    said = bare(text)
    if off := _KIND_OFF.fullmatch(said):
        return f"{off['kind']} {'silent' if off['silent'] else 'off'}"
    if chosen := _KIND_SET.fullmatch(said):
        return f"{chosen['kind']} {chosen['loud']}"
    if _INTO_DIGEST.fullmatch(said):
        return "daily digest"
    if _AT_ONCE.fullmatch(said):
        return "everything"
    return "" if _ONLY.fullmatch(said) else None


_NO_ORDER = re.compile(
    r"(?:has|have|had|did|does|am|are|is|was|were|why|should|who|do (?:i|we|you)"
    r"|what (?:happens|if|would)|i (?:didn'?t|did not|never)|(?:i|you)(?:'ve| have)?"
    r" (?:just |already |never )*(?:muted|unmuted|followed|unfollowed|stopped|snoozed"
    r"|unsubscribed))\b(?!.*\b(?:able|way)\b)"
)
_REFUSED = re.compile(
    r"(?:i )?(?:don'?t|do not|never)(?: want(?: you)? to| wanna| you dare)?"
    r" (?P<what>unfollow|unsubscribe|stop(?! (?:follow|track|watch))|mute|unmute|silence|snooze"
    r"|pause|remove|delete|drop|cancel)\b"
)
_REFUSED_END = re.compile(
    rf"{_REFUSED.pattern}(?: (?:me|us|this|that|them|anything|everything|all|my|the|data|sending"
    rf"|from|yet|please|{NEWS}))*"
    r"|(?:i )?(?:don'?t|do not) (?:want to )?(?:quit|leave|erase)(?: me)?"
)


def is_no_order(text: str) -> bool:
    """Whether something is asked or told, so that nothing is to be changed: "is # muted?"."""
    return _NO_ORDER.match(bare(text)) is not None


def refused(text: str) -> str:
    """What somebody wants not to be done: "don't unfollow #"; "" if nothing."""
    found = _REFUSED.match(bare(text))
    return found["what"] if found else ""


def refuses_an_end(text: str) -> bool:
    """Whether no more is said than that nothing shall end."""
    return _REFUSED_END.fullmatch(bare(text)) is not None


_GONE = re.compile(
    r"(?:remove|delete|drop|cancel|clear|stop) (?:the |my )?(?:own )?milestone (?:at |of )?"
    r"(?P<count>\d[\d,]*[km]?)"
)
_NO_SERIES = re.compile(
    rf"(?:stop (?:telling me|{SENDING} me)|not|no longer) (?P<every>every {_ONE_COUNT})"
)
_TOO_FEW = re.compile(r"\d\d?")  # "text me at 8" names an hour
_AND_TELL = re.compile(rf",? {TELL}$")


@cache
def compiled_counts() -> dict[bool, tuple[re.Pattern[str], ...]]:
    """Return what a count is said in, of one petition or not, ready to be matched.

    The first call compiles them, which takes a moment: make it in a thread.
    """
    return {
        of_one: tuple(re.compile(pattern) for pattern in patterns)
        for of_one, patterns in ((False, _COUNTS), (True, _COUNTS_OF_ONE))
    }


def count_wanted(text: str, *, of_one: bool = False) -> str:
    """Read the number of signatures to be told at, as somebody typed it; "" if there is none.

    A text that is `of_one` petition has `#` where that stands.
    """
    said = _AND_TELL.sub("", bare(text))
    if series := _NO_SERIES.fullmatch(said):
        return f"-{series['every']}"
    if gone := _GONE.fullmatch(said):
        return f"-{gone['count']}"
    for pattern in compiled_counts()[of_one]:
        if found := pattern.fullmatch(said):
            return "" if _TOO_FEW.fullmatch(found["rest"]) else found["rest"].strip(" ,.")
    return ""


_QUIETLY = re.compile(
    r"\b(?:quietly|silently|in silence|with(?:out| no)(?: any| a)? (?:sounds?|noise)"
    r"|on (?:silent|mute)|no sound|yn dawel)\b"
)


def is_to_be_silent(text: str) -> bool:
    """Return whether somebody asks to follow without a sound: "follow # quietly"."""
    said = bare(text)
    return bool(
        re.search(r"\b(?:follow|subscribe|track|watch|dilyn)\b", said) and _QUIETLY.search(said)
    )


def is_a_while(text: str) -> bool:
    """Return whether a text names a length of time, or when one ends."""
    return re.fullmatch(f"{WHILE}|(?:on )?(?:{DAY})", text.lower()) is not None
