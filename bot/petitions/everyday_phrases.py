"""Reads whole phrases that people ask in, by their pattern: what to do, and with what (pure).

Whatever is about the bot itself has words of its own ("messages", "notify me", "quiet"), so that
a petition's subject that begins alike ("no fireworks after 10pm") stays one.
"""

import re

# --- what stands around a request -------------------------------------------------------------

_BEFORE = re.compile(
    r"(?:(?:hi|hello|hey|hiya|yo|omg|bruh|bro|dude|good (?:morning|afternoon|evening)|ok|okay"
    r"|so|and|also|then|oh|well|yes|right|sorry|please|pls|plz"
    r"|kindly"
    r"|(?:can|could|would|will) (?:you|u|we|i)|may i|you can|i (?:want|need|would like)(?:"
    r" you)?(?: to)?"
    r"|i'?d (?:like|love|prefer)(?: you)?(?: to)?|i(?:'m| am|m) trying to|i wanna|i wish to"
    r"|let'?s|just"
    r"|how (?:do|can|would) i|how to|help me(?: to)?|is it possible to|bitte|por favor|per"
    r" favore|s'il (?:vous|te)"
    r" pla[iî]t"
    r"|proszę|a? ?allwch chi|allet ti|wnewch chi|hoffwn i?"
    r"|(?:dw i|dwi|rwyf|rydw i)(?: i?'?n)? (?:eisiau|isio|moyn))[\s,:]+)+"
)
_AFTER = re.compile(
    r"(?:[\s,]+(?:please|pls|plz|thanks|thank you|thx|ta|cheers|for me|now|right now|mate|bot"
    r"|x|xx"
    r"|if you can|if possible|already|os gwelwch yn dda|plis|diolch|bitte|por favor|per favore"
    r"|s'il (?:vous|te) pla[iî]t|proszę|alsjeblieft|lütfen|пожалуйста))+"
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
    "u": "you",
    "ur": "your",
    "msgs": "messages",
    "notifs": "notifications",
}
_SHORT = re.compile(rf"(?<![\w/.'-])(?:{'|'.join(_IN_FULL)})(?![\w/.'-])", re.IGNORECASE)


def in_full(text: str) -> str:
    """A text without the abbreviations of who types with a thumb."""
    return _SHORT.sub(lambda short: _IN_FULL[short[0].lower()], text)


def bare(text: str) -> str:
    """A request in small letters without what is said around it: "Hi, can you … please?"."""
    said = _as_typed(text)
    begins, ends = _bare_span(said)
    return said[begins:ends]


def _as_typed(text: str) -> str:
    return " ".join(re.sub("[’‘`´]", "'", text).lower().split()).rstrip("?!. ")


def _bare_span(said: str) -> tuple[int, int]:
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
    r"|when (?:are|is)|what (?:are|is)|whats|dangos|newid)(?: me)?(?: to)?"
    r" (?=\S)"
)


def canonical(words: str) -> str:
    """Plain words with one for those that stand for one another, and without the idle ones."""
    shown = re.sub(r"\bare we\b", "am i", words)
    shown = _SHOW.sub("", shown, count=1) if _SHOW.match(shown) else shown
    return " ".join(_ALIKE.get(each, each) for each in shown.split() if each not in _BESIDES)


# --- requests ----------------------------------------------------------------------------------

_NEWS = (
    r"(?:alerts?|messages?|msgs|notifications?|texts?|pings?|updates?|emails?|sounds?|noises?"
    r"|buzzing|beeps?|beeping)"
)
_SEND = (
    r"(?:message|msg|text|notify|alert|ping|bother|disturb|buzz|wake|contact|pester|write"
    r" to|tell|send|annoy|spam|ring|beep)"
)
_SENDING = (
    r"(?:messaging|texting|notifying|alerting|pinging|bothering|disturbing|buzzing|contacting"
    r"|pestering|writing to|telling|sending|annoying|spamming|harassing|emailing)"
)
_NOT = (
    rf"(?:no (?:more )?{_NEWS}|(?:don'?t|do not|never) {_SEND}(?: me)?(?: anything|"
    rf" {_NEWS})?(?: up)?"
    rf"|stop {_SENDING}(?: me)?(?: {_NEWS}| things| stuff)?|(?:turn|switch) off (?:the |my "
    rf"|all )*{_NEWS}"
    rf"|(?:turn|switch) (?:the |my |all )*{_NEWS} off|dim (?:negeseuon|rhybuddion|hysbysiadau"
    rf"|sŵn))"
)
_QUIET = (
    r"(?:(?:be|keep|stay|go) )?(?:quiet|silent|silence|tawel|tawelwch|distaw|s+h+|shush"
    r"|hush)"
)

_DAY = (
    r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:days?)?"
    r"|dydd (?:llun|mawrth|mercher|iau|gwener|sadwrn|sul)"
)
_LENGTH = (
    r"(?:for |am )?(?:about )?(?:(?:the next|another) )?"
    r"(?:\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|half an?|a few|(?:a"
    r" )?couple(?: of)?|the next)"
    r"\s*(?:min(?:ute)?s?|h|hrs?|hours?|d|days?|w|wks?|weeks?|fortnights?|months?|years?"
    r"|awr|diwrnod|wythnos|mis)(?: and a half)?"
)
_WHEN_IT_ENDS = (
    rf"(?:{_DAY}|\d[\w:.]*|(?:the|next|this|end|of|in|a|on|coming|early|late|new|o'?clock|am|pm"
    r"|hours?|days?|weeks?|weekend|months?|years?|morning|noon|midday|afternoon|evening|night"
    r"|midnight"
    r"|today|tomorrow|yfory|christmas|easter|half|term|further|notice|jan(?:uary)?|feb(?:ruary)?"
    r"|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?))"
)
_MOMENT = (
    rf"(?:(?:un)?till?|tan) {_WHEN_IT_ENDS}(?: {_WHEN_IT_ENDS})*"
    r"|(?:for |over )?(?:today|tomorrow|tonight|overnight|heno|yfory"
    r"|(?:this|the|next) (?:morning|afternoon|evening|weekend|week|month))"
)
_WHILE = rf"(?:{_LENGTH}|{_MOMENT})"
_MONTHS = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|march|april|may|june|july|august|sept(?:ember)?|october"
    r"|november|december)"
)
_UNTIL_SAID = (
    rf"(?:until|till|til) (?:{_MONTHS}|(?:after )?(?:christmas|xmas|new year))"
    r"|for the rest of (?:the )?(?:day|week|month)"
)
_BROAD_WHILE = (
    r"(?:(?:for|until|till|til|am|tan)\s+)?(?:\d|an?\s|one\s|two\s|three\s|half\s|tomorrow"
    r"|tonight"
    r"|overnight|yfory|heno|next\s|mon|tue|wed|thu|fri|sat|sun|dydd\s).*"
)

_HOUR = (
    r"(?:(?:\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven"
    r"|twelve)(?:[:.h]?\d\d)?\s*(?:[ap]\.?m\b\.?|o'?clock|h\b)?"
    r"(?: (?:at night|in the (?:morning|afternoon|evening)|y bore|yr hwyr|y nos))?"
    r"|midnight|noon|midday|hanner nos|hanner dydd)"
)
_EVERY_DAY = r"(?: (?:every (?:day|night)|each (?:day|night)|daily))?"
_HOURS = (
    rf"(?:(?:from|between|o|rhwng) )?{_HOUR}\s*(?:-|–|—|\bto\b|\b(?:un)?till?\b|\band\b"
    rf"|\bi\b|\btan\b|\ba\b)\s*{_HOUR}{_EVERY_DAY}"
)
_SIDE = rf"(?:after|before|past|from|later than|earlier than|ar ôl|cyn) {_HOUR}{_EVERY_DAY}"
_NIGHT = (
    r"(?:(?:at|during|in|over|on|through|after) )?(?:the )?(?:nights?|night ?times?|evenings?"
    r"|weekends?"
    r"|mornings?|bed ?time|work|meetings?|dark|day|nos)|(?:while|when) (?:i sleep|i'?m"
    r" (?:asleep|sleeping|in bed|at work))"
)

_ABOUT = (
    r"(?:about|on|for|mentioning|concerning|regarding|with|to do with|related to|against|to"
    r"|(?:that|which) (?:mentions?|is about|are about|says?)|am|ynghylch|ynglŷn â|sy'n sôn am)"
)
_CLEARLY_ABOUT = r"(?:about|on|mentioning|concerning|regarding|to do with|related to)"
_PETITIONS = r"(?:e-?)?petit(?:i?on|ion)s?|ddeiseb|deisebau?|ddeisebau"
_WHICH = (
    r"(?:(?:an?|any|all|new|every|some|more|another|other|the|that|those|these|open|good"
    r"|current) )*"
)

_TELL = (
    r"(?:(?:tell|notify|alert|ping|message|msg|text|warn|remind|update|buzz|inform)(?: me)?"
    r"|let me know|(?:give me )?(?:a )?heads up"
    r"|give me a shout|i (?:want|'d like|would like) to (?:know|hear)|(?:set )?(?:a )?milestones?"
    r"|(?:rhowch|rho) wybod(?: i mi)?|dywedwch wrtha i)"
)
_REACHES = (
    r"(?:at|hits?|reach(?:es|ed)?|gets?(?: (?:to|past|over|up to))?|got to|pass(?:es)?|has|have"
    r"|cross(?:es)?"
    r"|goes? (?:over|past|above)|is (?:at|over|past|up to)|makes?(?: it to)?|yn cyrraedd|yn"
    r" pasio|ar)"
)
_ONE_COUNT = (
    r"(?:\d[\d,.]*\s*(?:k\b|m\b|thousand|million|mil\b|%|per ?cent)?|(?:half|a quarter of) a"
    r" million"
    r"|(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|twenty|fifty)"
    r" (?:hundred thousand|thousand|million))"
)
_COUNT = (
    rf"(?P<rest>(?:every )?{_ONE_COUNT}(?:(?:,? and |, ?){_ONE_COUNT})*)"
    r"(?: (?:signatures?|sigs|names|people|llofnodi?o?n?))?"
)
# What can be nothing but a count: "at 7" may be an hour, and "5,000" a subject.
_SURE_COUNT = r"(?:\dk\b|\dm\b|\d ?thousand|million|%|per ?cent)"
_WHEN = r"(?:when(?:ever)?|once|if|as soon as|pan)"
_THE_PETITION = (
    r"(?:it(?:'?s| is)?|they|this|that|we|the (?:petition|count|number)|(?:my|this|that)"
    r" petition|signatures)"
)

_ASKED = rf"(?:(?:{_TELL} )(?:{_WHEN} )?|{_WHEN} )"
_COUNTS = (
    re.compile(rf"{_ASKED}(?:{_THE_PETITION} )?{_REACHES} {_COUNT}"),
    re.compile(rf"(?:{_REACHES} )?(?=.*{_SURE_COUNT}){_COUNT}"),
    re.compile(rf"(?:{_TELL} |(?=.*signatures))(?=every ){_COUNT}"),
    re.compile(rf"(?:set|add) (?:an? |my )?milestone (?:at |of |to )?{_COUNT}"),
    # Most petitions have longer numbers.
    re.compile(rf"milestone (?:at |of )?(?=\d{{1,2}},?\d?00$|\d+[km]$){_COUNT}"),
)
# `#` stands for the petition.
_COUNTS_OF_ONE = (
    re.compile(rf"{_ASKED}?(?:petition )?# {_REACHES} {_COUNT}"),
    re.compile(rf"(?:petition )?# (?:milestones? )(?:{_REACHES} )?{_COUNT}"),
    re.compile(rf"(?:petition )?# (?=every |.*{_SURE_COUNT}){_COUNT}"),
    re.compile(rf"(?=every ){_COUNT} (?:for |of |on )?(?:petition )?#"),
    re.compile(
        rf"(?:(?:{_ASKED}|milestone )(?:{_THE_PETITION} )?(?:{_REACHES} )?|{_REACHES} "
        rf"|(?=[^#]*{_SURE_COUNT})){_COUNT}"
        r" (?:for |of |on |signatures (?:for|of|on) )?(?:petition )?#"
    ),
)


_GONE = re.compile(
    r"(?:remove|delete|drop|cancel|clear|stop) (?:the |my )?(?:own )?milestone (?:at |of )?"
    r"(?P<count>\d[\d,]*[km]?)"
)
_AND_TELL = re.compile(rf",? {_TELL}$")


def count_wanted(text: str, *, of_one: bool = False) -> str:
    """The number of signatures that somebody wants to be told at, as they typed it; "" if none.

    A text that is `of_one` petition has `#` where that stands.
    """
    said = _AND_TELL.sub("", bare(text))
    if gone := _GONE.fullmatch(said):
        return f"-{gone['count']}"
    for pattern in _COUNTS_OF_ONE if of_one else _COUNTS:
        if found := pattern.fullmatch(said):
            return found["rest"].strip(" ,.")
    return ""


_DATA = r"(?:data|info(?:rmation)?|details|records?|account|history|everything)"
_MINE = (
    rf"(?:(?:all|everything|every|of|the|my|me|personal|stored) )*(?:{_DATA}|me|everything"
    rf"|about me)"
    r"(?: (?:about|on|of) me)?(?: (?:that )?you (?:have|know|keep|hold|store|kept|stored)(?:"
    r" (?:about|on|of) me)?)?"
)
_BOT = r"(?:it|this|the|you|bot|service|thing|petition bell)"

_FOLLOW = (
    r"(?:follow|subscribe(?: to)?|track|watch(?= (?:new |any )?petitions )|(?:watch|look)(?:"
    r" out)? for|dilyn|tanysgrifio i"
    r"|keep an eye (?:out )?(?:on|for))"
)
_SEEK = (
    r"(?:(?:i'?m |i am )?(?:looking|searching) for|(?:is|are) there|do you (?:have|know)|got"
    r"|have you got|what about|what|which|show(?: me)?|find(?: me)?|search(?: for)?|give me"
    r"|list|see|tell me about|look up|is there already|has (?:anyone|anybody|someone) (?:started"
    r"|made|got)|i (?:just )?(?:want|need))"
)
_THERE = r"(?: (?:are there|is there|do you have|there (?:is|are)))?"
_NEW = (
    r"(?: new)?(?: (?:that )?(?:comes? (?:up|out)|opens?|starts?|appears?"
    r"|(?:is|are|gets?) (?:started|opened|created|made)))?"
)
_THOSE_ABOUT = (
    rf"(?:{_WHICH}(?:{_PETITIONS}){_THERE}{_NEW} {_ABOUT}"
    r"|(?:(?:the|that|this|any|some|another|new|(?:is|are) there|got) ones?|anything"
    r"|everything|something|stuff)"
    rf"{_THERE}{_NEW} {_CLEARLY_ABOUT})"
)
# What stands before "petitions" without saying what they are about.
_NO_SUBJECT = (
    r"(?:(?:an?|the|my|your|this|that|these|new|own|any|all|no|more|other|some|sign|signing|start"
    r"|starting|create|make|which|what|how|many|do|i|of|for|about|good|open|closed) )*"
    r"(?:an?|the|my|your|this|that|new|own|any|all|no|sign|start|open|closed|other|more|few|many)"
    r" \w+$"
)

# Each with the command that it comes down to; the group `rest`, if any, stands behind that.
PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), command)
    for pattern, command in (
        # quiet hours
        (
            r"(?:no|turn off|switch off|disable|end|remove|cancel|stop|delete) (?:my |the"
            r" )?quiet (?:hours|time)",
            "settings quiet off",
        ),
        (
            rf"i (?:sleep|go to (?:bed|sleep)) (?:at|around)"
            rf" (?P<rest>{_HOUR})",
            "settings quiet after",
        ),
        (
            rf"only {_SEND}(?: me)? (?:in|during) (?:the )?(?:day|day ?time|daylight)",
            "settings quiet",
        ),
        (
            r"(?:(?:set|change|make|move|edit|show|when are|what are) )?(?:my |the )?"
            rf"quiet(?: hours| time)?(?: to| from| are|:)? (?P<rest>{_HOURS})",
            "settings quiet",
        ),
        (
            rf"(?:(?:only {_SEND}(?: me)?|{_SEND}(?: me)? only|only {_NEWS}|{_NEWS} only"
            rf"|only)(?: {_NEWS}| things)?)"
            rf" (?P<rest>{_HOURS})",
            "settings quiet only",
        ),
        (
            rf"(?:(?:set |my |the )*{_QUIET}(?: hours| time)?|do not disturb|dnd|oriau tawel"
            rf"|no {_NEWS}|{_NOT}"
            r"|mute|shush|sh+|nothing|sleep|silence my phone|i (?:sleep|go to bed)|i'?m asleep"
            r"|leave me (?:alone|in peace))"
            rf"(?: from)? (?P<rest>{_HOURS}|{_SIDE}|off|none)",
            "settings quiet",
        ),
        (
            rf"(?:{_NOT}|{_QUIET}(?: my phone)?|mute|sound off|no sound) (?:me )?(?:{_NIGHT})",
            "settings quiet",
        ),
        (r"(?:ring|buzz|beep) only (?:in|during) (?:the )?(?:day|day ?time)", "settings quiet"),
        (
            r"(?:sleep|night|quiet|silent|dnd|do not disturb)(?: mode)?(?: (?:on|for"
            r" everything))?",
            "settings quiet",
        ),
        (
            rf"(?:turn|switch) (?:off (?:the )?sound|(?:the )?sound off)(?: (?:{_NIGHT}))?",
            "settings quiet",
        ),
        (
            rf"(?:don'?t|do not) wake me(?: up)?(?: (?:{_NIGHT}))?|let me sleep|i want to sleep",
            "settings quiet",
        ),
        # a pause
        (
            rf"(?:snooze|oedi)(?: (?:me|all|everything|alerts))* (?P<rest>{_UNTIL_SAID})",
            "snooze",
        ),
        (rf"(?:mute|pause|silence|quiet) (?P<rest>{_UNTIL_SAID})", "snooze"),
        (
            r"(?:(?:snooze|oedi)(?: (?:me|all|everything|alerts|it all))* (?P<rest>"
            rf"{_BROAD_WHILE})|(?:mute|pause)(?: (?:me|all|my|everything|{_NEWS}|it all))*"
            rf" (?P<alone>{_WHILE}|{_DAY}))",
            "snooze",
        ),
        (
            rf"(?:{_NOT}|{_QUIET}|shut up|hush|stop|sleep|take a break|leave me (?:alone|in"
            rf" peace)|nothing"
            rf"|hold (?:all |my |the )*{_NEWS}|(?:i'?m |i am )?(?:(?:i'?ll |i will )be"
            rf" )?(?:away|on holiday|on leave|off"
            rf"|busy|abroad|ar wyliau))"
            rf" (?P<rest>{_WHILE})",
            "snooze",
        ),
        (
            rf"(?:i'?m |i'?ll be |i am )?back (?P<rest>(?:on |in )?(?:{_DAY}|{_LENGTH}"
            rf"|tomorrow))",
            "snooze",
        ),
        (
            rf"(?:(?:turn|switch) (?:the |my |all )*{_NEWS}(?: back)? on(?: again)?|(?:turn"
            rf"|switch) on"
            rf" (?:the |my )?{_NEWS}"
            rf"|{_NEWS} (?:back )?on|start again|unmute (?:me|everything))",
            "snooze off",
        ),
        (r"not (?P<rest>tonight|today|this (?:week|weekend|evening|morning))", "snooze"),
        (
            r"(?:un(?:snooze|mute|pause)|resume)(?: (?:me|it|all|everything"
            r"|alerts))?",
            "snooze off",
        ),
        # the digest
        (
            rf"(?:tell me (?:about )?|send (?:me )?)?(?:everything|all (?:{_NEWS}|news))"
            rf" (?P<rest>once"
            r" a week|weekly|every week)",
            "settings all digest & settings digest",
        ),
        (
            rf"(?:all )?(?:{_NEWS}|news) (?:only )?once a day",
            "settings all digest",
        ),
        (
            r"(?:(?:a |one )?digest )?(?:only |just )?(?:once )?(?:a day|per day|daily|every day)"
            rf"(?: only)?|(?:daily|a) digest(?: only)?|(?:batch|bundle|group)(?: up)? (?:my "
            rf"|the |all )*{_NEWS}",
            "settings all digest",
        ),
        (
            r"(?:a |one )?digest (?:once )?(?:a day|daily|every day) (?P<rest>(?:at|around) .*)"
            r"|(?:an? )?(?P<alone>morning|evening|afternoon|night)(?:ly)? (?:digest|summary)",
            "settings all digest & settings digest daily",
        ),
        (
            r"(?:put|move|send|batch|bundle|group|collect|combine|gather)(?: me)?"
            rf" (?:it all|everything|them all|all (?:my |the )?{_NEWS}) (?:daily|together"
            r"|once a day|(?:in|in ?to|as|to) (?:(?:the|a|my|one) )?(?:daily )?"
            r"(?:digest|summary|message))|digest mode"
            rf"|(?:batch|bundle|group) (?:everything|all (?:my |the )?{_NEWS})"
            r"|(?:send )?(?:me )?(?:an? |one )?daily (?:email|message|update|report|alert"
            r"|round-?up)",
            "settings all digest",
        ),
        (
            r"(?:make|move|change|set|send|get|have)(?: me)? (?:the |my )?(?:digest|summary)"
            r" (?:come |sent |arrive )?(?P<rest>(?:to |at |on |every |in ).*)",
            "settings digest",
        ),
        (
            rf"(?:(?:send me |give me |put )?(?:it all|the lot|everything|all (?:of it"
            rf"|{_NEWS})|{_NEWS}) )?(?:only |just )?(?:once|one {_NEWS}|one digest|one summary)"
            r" (?:a|per|each|every) day(?: only)?"
            rf"|(?:send me |give me )?(?:it all|the lot|everything|all(?: {_NEWS})?) (?:in"
            rf" (?:one|a"
            rf"|the) (?:message|digest|summary|go)|together|as a (?:digest|summary))",
            "settings all digest",
        ),
        (
            r"(?:(?:only |just )?once (?:a|every|each) day|(?:(?:only |just )?one (?:message"
            r"|digest|summary|update) (?:a|every|each) day)"
            rf"|(?:send me |give me )?(?:it all|the lot|everything|all {_NEWS}))"
            rf" (?P<rest>(?:at |around |by |every |each |in )(?:the )?(?:{_HOUR}|morning"
            rf"|evening|day at {_HOUR}))",
            "settings all digest & settings digest daily",
        ),
        (
            r"(?:send |give )?(?:me )?(?:my |a |one |the )?(?P<rest>(?:daily|weekly) (?:digest"
            r"|summary|round-?up|email|message|update) \S.*|every (?:"
            rf"{_DAY})(?: (?:morning|evening|at {_HOUR}))?|(?:summary|digest|message) on"
            rf" (?:{_DAY}).*)",
            "settings digest",
        ),
        (
            rf"(?:send |give )?(?:me )?(?:my |a |the )?(?:daily )?(?:digest|summary|round-?up"
            rf"|crynodeb)"
            rf" (?P<rest>(?:at|every|each|on|daily|weekly|in the|am)\s.*|{_HOUR}.*|(?:{_DAY}).*)",
            "settings digest",
        ),
        (
            rf"(?:send me |give me )?(?:a |one )?(?:weekly|once a week)(?: {_NEWS}| digest|"
            rf" summary)?|every week|one (?:message|summary|digest) a week",
            "settings digest",
        ),
        # how much, and of what
        (
            rf"(?:no(?: more)?|turn off|switch off|disable|skip|hide|stop(?: sending| telling"
            rf" me about)?"
            r"|(?:don'?t|do not) (?:tell me about|send(?: me)?)) (?:the |any |all )*(?:(?P<rest>"
            rf"milestone|surge|response|debate|closing|threshold)s? (?:{_NEWS}|reminders?|news)"
            r"|(?P<alone>milestone|surge)s)",
            "settings & off",
        ),
        (
            r"(?:(?:set|put|make|turn|switch|change) )?(?:my |the |all )*(?P<rest>"
            rf"milestone|surge|response|debate|threshold)s?(?: {_NEWS}| news)?"
            r" (?:to |into |in )?(?:the )?(?P<alone>off|silent|digest|loud|on|sound)",
            "settings &",
        ),
        (
            r"(?:only|just)(?: (?:tell|send|alert|notify|message) me)?(?: (?:about|of|the|for"
            r"|when there'?s))*"
            r" (?:a )?(?:government )?(?:debates?|responses?|milestones?|thresholds?)(?:"
            r" (?:and|or|&)"
            r" (?:government )?(?:debates?|responses?|milestones?|thresholds?))*",
            "settings loud",
        ),
        (
            r"(?P<rest>big moments)(?: only)?",
            "settings",
        ),
        (
            rf"(?:(?:(?:only|just)(?: (?:tell|send|alert|notify|message) me)?|(?:tell|send|alert"
            rf"|notify|message) me only)"
            r" (?:about |of |the |for |when it'?s |what'?s )*(?:really )?(?:big|important"
            r"|major|main|key|urgent)"
            rf"(?: ones?| things?| stuff| news| moments?| changes?| bits| parts| {_NEWS})?"
            rf"|only (?:{_SEND} me )?(?:when|if) (?:something|anything) (?:big|important"
            rf"|major)(?:"
            rf" happens?)?|(?:the )?(?:big|important|major|main|key)(?: ones?| things?| stuff|"
            rf" news|"
            rf" moments?| {_NEWS})? only)",
            "settings big moments",
        ),
        (
            rf"(?:send me |tell me |give me |show me )?(?:everything|all (?:the |of the"
            rf" )?(?:{_NEWS}"
            rf"|news)|every (?:single )?(?:alert|update|change))(?: only| again)?",
            "settings everything",
        ),
        (
            rf"(?:reduce|cut down(?: on)?|limit) (?:the |my |these )*{_NEWS}"
            rf"|(?:send me |give me )?(?:a lot )?(?:less|fewer|not so many|not as many)(?:"
            rf" of)?(?: these| them)?(?: (?:{_NEWS}|often|news))?"
            rf"|(?:(?:there (?:are|is)|you send(?: me)?|i get|this is|it'?s) )?(?:way |far "
            rf"|much )?(?:too|so) (?:many|much|often|noisy)(?: {_NEWS})?|less often|calm down"
            rf"|slow down",
            "settings",
        ),
        (r"(?:settings|gosodiadau) (?P<rest>(?!(?:on|for|in|of|at|to) )\S.*)", "settings"),
        # where, and in which language
        (
            r"(?:(?:set|change|switch|use) )?(?:the |my )?time ?zone(?: is| to| should be|:"
            r"|=)? (?P<rest>\S.*)|use (?P<alone>[a-z_/ ]+) time",
            "settings zone",
        ),
        (
            r"(?:newid i'?r |change to |i'?r )?(?:(?:in|speak|talk|use|switch to|change (?:the"
            r" |my )?language to|(?:set"
            r" )?(?:the |my )?language(?: to)?|siarad(?:wch)?) )*(?:welsh|cymraeg|gymraeg)",
            "settings language cy",
        ),
        (
            r"(?:newid i'?r |change (?:back )?to |i'?r )?(?:(?:in|speak|talk|use|switch"
            r" (?:back )?to|back to|change (?:the |my )?language"
            r" to|(?:set )?(?:the |my )?language(?: to)?) )*(?:english|saesneg)",
            "settings language en",
        ),
        (
            r"what (?:other )?languages? (?:do|can) you (?:speak|know)|(?:(?:do you |can you"
            r" )?(?:speak|talk)|in|do you (?:know|have)|(?:change|set"
            r"|switch) (?:the )?language to) "
            r"(?:french|german|spanish|polish|romanian|italian|portuguese|punjabi|urdu|bengali"
            r"|gujarati|arabic|chinese|turkish|russian|ukrainian|gaelic|scots|irish|hindi"
            r"|other languages)",
            "settings language",
        ),
        # places
        (r"who represents (?P<rest>(?!me\b|us\b)\S.*)", "constituency"),
        (
            r"(?:(?:set|change) )?(?:my )?(?:(?:constituency|etholaeth)(?: (?:is|to)|:)?|my"
            r" area is"
            r"|(?:mp|as)(?= (?:of|for|in)\b)|my mp is|(?:who is|who's|whos) (?:my|the|your) mp)"
            r" (?:(?:of|for|in) )?(?P<rest>\S.*)",
            "constituency",
        ),
        (r"(?:change|set|edit) (?:my )?(?:constituency|mp|postcode|area)", "constituency"),
        # the data, and what the bot is
        (rf"(?:delete|erase|wipe|remove|forget|clear|destroy) {_MINE}", "forget"),
        (
            r"(?:send|give|show|export|download|get|see|view)(?: me)?(?: a copy of)?(?:"
            r" all)?(?: of)? my (?:data|info(?:rmation)?)"
            r"|what (?:data |info(?:rmation)? )?(?:do you|have you got|does it) ?(?:know|have"
            r"|store|keep|hold)? ?(?:about|on|of) me",
            "mydata",
        ),
        (
            r"what (?:do you do|happens) (?:with|to) (?:my|the|our) (?:data|info(?:rmation)?"
            r"|number)|(?:where|how long) (?:is|do you keep|do you store) my data.*"
            r"|are you (?:spying|tracking|watching)(?: on)? ?(?:me)?|do you (?:keep|store|sell"
            r"|share|track)(?: on)? (?:my )?(?:data|number"
            r"|info(?:rmation)?|me)|is (?:it|this|my data) (?:safe|secure|private|anonymous"
            r"|confidential)"
            r"|(?:who|can (?:anyone|anybody|people|others))(?: can| else)? (?:see|sees|know"
            r"|knows) (?:what i follow|my data|this|me)",
            "privacy",
        ),
        (
            rf"(?:is|are) (?:{_BOT} ?)+(?: ?(?:free|real|legit(?:imate)?|official|a scam|human"
            rf"|ai|an ai|a robot|a person|trustworthy))(?: to use)?"
            rf"|(?:do(?:es)? )?{_BOT} costs? (?:anything|money|me)|how much (?:does|do)"
            rf" (?:{_BOT} ?)+cost|who (?:runs|owns|pays for|made|makes|built|created|wrote|is"
            rf" behind) (?:{_BOT} ?)+"
            r"|are you (?:run|made|owned|paid|built) by \S.*|donate|(?:can you |(?:how|where)"
            r" (?:do|can) i |can i |i want to )?sign"
            r" (?:(?:it|this|that|one|an?|the|petitions?) ?)*(?:for me|here)?",
            "about",
        ),
        (
            r"is (?:it|this|(?:the )?(?:bot|site|website|petitions? (?:site|website)))(?:"
            r" still)? (?:down|up|working|broken|alive|running|offline|online)(?: again)?"
            r"|are you (?:down|broken|awake|dead|running|still (?:there|working|here)|stuck"
            r"|online)|(?:anyone|anybody) (?:there|home)",
            "status",
        ),
        (
            r"(?:show |find )?(?:me )?what (?:else )?(?:can|could|do|should) (?:you|i) (?:do"
            r"|say|send|type|ask|write)(?: here| next| to you)?|beth (?:alla|fedra|gallaf) i"
            r" (?:ei )?(?:w?neud|ddweud)|beth (?:wyt ti|ydych chi)'?n gallu (?:ei )?w?neud",
            "help",
        ),
        # an end
        (
            r"(?:delete|remove|unfollow|unsubscribe from|stop|clear|cancel|drop|wipe|end)"
            r" (?:all|every|everything|each)(?: (?:of|my|the|these|single))*"
            rf" (?:petitions?|rules?|subscriptions?|follows?|{_NEWS})"
            r"|(?:turn|switch) (?:this|it|everything|you|all this) off|(?:turn|switch) off"
            r" (?:this|it|everything)"
            r"|(?:stfu|shut (?:it|the f\w* up))|(?:that'?s )?enough(?: (?:now|already|of this))?",
            "unsubscribe",
        ),
        (
            rf"{_NOT}(?: (?:me|again|ever|any ?more|please|this|these|all|alerts|stuff"
            rf"|anything))*"
            rf"|i (?:don'?t|do not|no longer) want (?:(?:this|these|any|any more|more|your|to"
            rf" (?:get|receive|hear from you|follow (?:this|anything|them)|be here|be"
            rf" subscribed)) ?)*(?:{_NEWS})?(?: any ?more| from you)*"
            r"|(?:take|get) me off (?:(?:the|your|this|it|list|here) ?)+|(?:i'?m |i am"
            r" )?(?:not|no longer) interested(?: any ?more)?"
            r"|(?:f|fuck|piss|sod|bugger|get) (?:off|lost)|stop (?:the |all |my |your"
            r" )*(?:subscriptions?|petitions?)"
            rf"|(?:stop|unsubscribe|unfollow|leave|quit|opt out|cancel)(?: (?:from|of"
            rf"|these|the|all|your|my|getting|receiving|following|everything|every"
            rf"|subscriptions?|petitions?|an?|one|bot|chat|list|{_NEWS}))*",
            "unsubscribe",
        ),
        (
            r"(?:undo|revert|reverse|restore)(?: (?:that|it|this|last|the last one|the last"
            r" thing))?|o+ps|whoops|(?:put|bring|take) (?:it|that|them) back|i(?:'ve| have)?"
            r" changed my mind"
            r"|(?:that was |it was )?(?:a|my|by) mistake|wrong (?:one|button)|i didn'?t mean"
            r" (?:that|it|to|to do that)|(?:by )?accident(?:ally)?|dadwneud(?: hynny)?",
            "undo",
        ),
        # following
        (
            r"(?:follow|subscribe(?: to)?|track|dilyn) (?:the )?(?:topic|subject)(?: of|:)?"
            r" (?P<rest>\S.*)",
            "subscribe topic:",
        ),
        (rf"{_FOLLOW} {_WHICH}(?P<rest>\S.*?) (?:{_PETITIONS})", "subscribe"),
        (
            rf"{_FOLLOW} (?:{_THOSE_ABOUT} |(?:(?:any|all|new) )+)?(?P<rest>(?!and\b)\S.*)",
            "subscribe",
        ),
        (
            rf"(?:{_TELL}|keep me (?:posted|updated|informed|up to date))"
            r"(?: (?:about|of|on|to|when(?:ever)?|if|as soon as|once))*"
            r"(?: (?:there(?:'?s| is| are)|you (?:see|find|get)"
            r"|(?:someone|somebody|anyone|anybody) (?:starts|makes|creates|opens)))?"
            rf" (?:{_THOSE_ABOUT}|news about|updates (?:about|on)) (?P<rest>\S.*)",
            "subscribe",
        ),
        (r"(?:alert|notify) me (?:about|of|to) (?P<rest>\S.*)", "subscribe"),
        (r"(?:updates?|alerts?) (?:about|on|for) (?P<rest>\S.*)", "subscribe"),
        (
            r"(?:follow|subscribe to|track) my (?:constituency|mp|area|town"
            r"|etholaeth)",
            "constituency",
        ),
        (
            r"(?:follow|subscribe to) (?:(?:an?|some|any) )*(?:petitions?|something|anything)",
            "subscribe",
        ),
        # searching
        (
            r"(?:what'?s (?:out )?there|who(?:'?s| is) petitioning|i care|i'?m interested)"
            r" (?:about|on|in) (?P<rest>\S.*)",
            "search",
        ),
        (rf"(?:{_SEEK} )*{_THOSE_ABOUT} (?P<rest>\S.*)", "search"),
        (
            r"(?:search|find|look(?=\s+(?:for|up)\b)|chwilio|chwiliwch"
            r"|(?:i'?m |i am )?(?:looking|searching)(?= for\b))(?: me)?(?: up)?(?: (?:for|am))?"
            rf"(?: (?:an?|any|all|some))*(?: (?:{_PETITIONS})(?: {_ABOUT})?)? (?P<rest>\S.*)",
            "search",
        ),
        (
            rf"(?:{_SEEK} )*(?:new |all )*(?P<rest>(?!{_NO_SUBJECT})\S.*?)"
            rf" (?:{_PETITIONS})",
            "search",
        ),
        (r"(?:tell me about|what about) (?P<rest>(?!you|it|this|that)\S.*)", "search"),
    )
)


def what_is_meant(text: str) -> list[tuple[str, str]]:
    """The commands that a request in a phrase comes down to, with what stands behind each."""
    typed = " ".join(re.sub("[’‘`´]", "'", text).split()).rstrip("?!. ")
    said = typed.lower()
    if len(said) != len(typed):  # some letters grow
        typed = said
    for begins, ends in dict.fromkeys((_bare_span(said), (0, len(said)))):
        for pattern, commands in PHRASES:
            if found := pattern.fullmatch(said, begins, ends):
                name = next((each for each in ("rest", "alone") if found.groupdict().get(each)), "")
                first, last = found.span(name) if name else (0, 0)
                if commands == "settings &":
                    return [("settings", f"{found['rest']} {found['alone']}")]
                if commands == "settings & off":
                    return [("settings", f"{typed[first:last]} off")]
                *before, command = commands.split(" & ")
                return [*((each, "") for each in before), (command, typed[first:last].strip())]
    return []


def is_a_while(text: str) -> bool:
    """Whether a text names a length of time, or when one ends."""
    return re.fullmatch(f"{_WHILE}|(?:on )?(?:{_DAY})", text.lower()) is not None


# --- of one petition ------------------------------------------------------------------------------

# What is said around a petition, `#`, in plain words, and the verb that it comes down to.
VERB_PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"\b(?:{pattern})(?!\S)"), verb)
    for pattern, verb in (
        (
            r"(?:turn|switch|put) (?:the )?(?:sound|sounds|noise) on|(?:turn|switch) on (?:the )?"
            r"sounds?|sound on|with (?:a )?sound|make .* loud",
            "unmute",
        ),
        (
            r"(?:turn|switch) (?:the )?(?:sound|sounds|noise) off|(?:turn|switch) off (?:the )?"
            r"(?:sounds?|noise)|sound off|no sound|without (?:a )?(?:sound|noise)|quietly|dim"
            r" swn|tewi"
            r"|tewch",
            "mute",
        ),
        (
            r"no more|no longer (?:want|need|following|follow|care about|interested in)|not"
            r" interested in"
            r"|(?:stop|quit|dont|do not|never) (?:send|tell|text|messag|ping|notify|alert|bother"
            r"|follow|watch|track|remind|updat|get|hear|show)(?:e|ing|ting)?"
            r"|(?:dont|do not) (?:want|need|care)|get rid of|rid of|off my list|from my list"
            r"|(?:im )?(?:done|finished) with|enough of|(?:sick|tired) of|(?:turn|switch) off"
            r"|opt out of|off$|take (?=# off)|dim mwy|ddim eisiau",
            "unfollow",
        ),
        (
            r"what did .* (?:say|reply|answer)|what (?:does|has) (?:the )?(?:government|gov|govt)"
            r" (?:say|said)|(?:government|gov|govt|they|minister|ministers|parliament) (?:say"
            r"|said"
            r"|reply|replied|respond|responded|answer|answered|answering|responding)",
            "response",
        ),
        (
            r"by (?:constituency|place|area|region)|(?:per|which|what) (?:constituency"
            r"|constituencies"
            r"|places?)|where .* (?:signed|signing|signatures|signers) (?:from|coming from"
            r"|come from)?",
            "where",
        ),
        (r"(?:signatures )?over time|draw", "chart"),
        (r"(?:where|how) (?:do|can|could|should) i sign|sign(?= #)", "show"),
        (
            r"let me know|(?:sign|put) me (?:up )?for|be told (?:about|of)|hear about|keep"
            r" (?:me|us) (?:posted|updated|informed|up to date|in the loop|in"
            r" touch)"
            r"|keep (?:an )?eye on|(?:add|put) (?=# (?:to|on) (?:my|the) list)|(?:to|on) (?:my"
            r"|the)"
            r" list|(?:want|need|like|get|send me|give me) (?:the |some |all )?(?:updates|news)"
            r"|(?:tell|text|message|warn|remind|update) me (?:when|if|once|whenever)"
            r"|interested in|cadw llygad ar|rhoi gwybod",
            "follow",
        ),
    )
)


def with_verbs(said: str) -> str:
    """Plain words around `#` with a single verb for what says as much."""
    for pattern, verb in VERB_PHRASES:
        said = pattern.sub(verb, said)
    return said


def spoken_words() -> frozenset[str]:
    """The words that phrases are made of."""
    return frozenset(
        word for pattern, _ in PHRASES for word in re.findall(r"[a-z]{3,}", pattern.pattern)
    )
