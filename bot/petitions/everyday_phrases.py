"""Reads whole phrases that people ask in, by their pattern: what to do, and with what (pure).

Whatever is about the bot itself has words of its own ("messages", "notify me", "quiet"), so that
a petition's subject that begins alike ("no fireworks after 10pm") stays one.
"""

import re
from functools import cache

from bot.petitions.bare_request import bare_span
from bot.petitions.number_words import HOUR_NAMES
from bot.petitions.phrase_parts import (
    DAY,
    LENGTH,
    MOMENT,
    NEWS,
    SEND,
    SENDING,
    STRAIGHT_AWAY,
    TELL,
    WHILE,
)

_NOT = (
    rf"(?:no (?:more )?{NEWS}"
    rf"|(?:don'?t|do not|never) {SEND}(?: me)?(?: anything| {NEWS})?(?: up)?"
    r"|stop (?:alert|message|notification)s?"
    rf"|stop (?:(?:all|the|my|your) )+{NEWS}"
    rf"|stop {SENDING}(?: me)?(?: {NEWS}| things| stuff)?(?: in)?(?: (?:here|this group))?"
    rf"|(?:turn|switch) off (?:the |my |all )*{NEWS}"
    rf"|(?:turn|switch) (?:the |my |all )*{NEWS} off"
    r"|dim (?:negeseuon|rhybuddion|hysbysiadau|sŵn))"
)
_QUIET = r"(?:(?:be|keep|stay|go) )?(?:quiet|silent|silence|tawel|tawelwch|distaw|s+h+|shush|hush)"
_MONTHS = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|march|april|may|june|july|august|sept(?:ember)?|october"
    r"|november|december)"
)
_UNTIL_SAID = (
    rf"(?:until|till|til) (?:{_MONTHS}|(?:after )?(?:christmas|xmas|new year))"
    r"|for the rest of (?:the )?(?:day|week|month)"
)
_BROAD_WHILE = (
    r"(?:(?:for|until|till|til|am|tan)\s+)?"
    r"(?:\d|an?\s|one\s|two\s|three\s|half\s|tomorrow|tonight|overnight|yfory|heno|next\s"
    r"|mon|tue|wed|thu|fri|sat|sun|dydd\s).*"
)
_HOUR = (
    rf"(?:(?:(?:half past |(?:a )?quarter (?:past|to) )?(?:\d{{1,2}}|{'|'.join(HOUR_NAMES)}))"
    r"(?:[:.h]?\d\d)?\s*(?:[ap]\.?m\b\.?|o'?clock|h\b)?"
    r"(?: (?:at night|in the (?:morning|afternoon|evening)|y bore|yr hwyr|y nos))?|midnight"
    r"|noon|midday|hanner nos|hanner dydd)"
)
_EVERY_DAY = r"(?: (?:every (?:day|night)|each (?:day|night)|daily))?"
_HOURS = (
    rf"(?:(?:from|between|o|rhwng) )?{_HOUR}\s*"
    rf"(?:-|–|—|\bto\b|\b(?:un)?till?\b|\band\b|\bi\b|\btan\b|\ba\b)\s*{_HOUR}{_EVERY_DAY}"
)
_SIDE = rf"(?:after|before|past|from|later than|earlier than|ar ôl|cyn) {_HOUR}{_EVERY_DAY}"
_NIGHT = (
    r"(?:yn y nos|gyda'r nos|dros nos)"
    r"|(?:(?:at|during|in|over|on|through|after) )?(?:the )?"
    r"(?:nights?|night ?times?|evenings?|mornings?|bed ?time|work|meetings?|dark"
    r"|day|nos)|(?:while|when) (?:i sleep|i'?m (?:asleep|sleeping|in bed|at work))"
)
_DAY_NAME = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_SOME_DAYS = (
    r"(?:(?:on|at|over|during) )?(?:the )?(?:week ?days?|weekends?|working days|work days"
    rf"|bank holidays|{_DAY_NAME}s(?:(?:,? and |, ?| or ){_DAY_NAME}s)*"
    r"|mon(?:day)?s?(?: to | ?- ?| through )fri(?:day)?s?"
    rf"|(?<=on )(?:an? )?{_DAY_NAME}(?:(?:,? and |, ?| or ){_DAY_NAME})*)"
)
_SOON = r"(?:soon|next|first|soonest|shortly|this week|this month|today|tomorrow|tonight)"
_CLOSE = r"(?:clos(?:e|es|ing)|end(?:s|ing)?|expir(?:e|es|ing)|run(?:ning)? out|finish(?:es|ing)?)"
_ABOUT = (
    r"(?:about|on|for|mentioning|concerning|regarding|with|to do with|related to|against|to"
    r"|(?:that|which) (?:mentions?|is about|are about|says?)|am|ynghylch|ynglŷn â"
    r"|sy'n sôn am)"
)
_CLEARLY_ABOUT = r"(?:about|on|mentioning|concerning|regarding|to do with|related to)"
_PETITIONS = r"(?:e-?)?petit(?:i?on|ion)s?|d?deiseb(?:au)?"
_WHICH = (
    r"(?:"
    r"(?:an?|any|all|new|every|some|more|another|other|the|that|those|these|open|good|current) )*"
)
_DATA = r"(?:data|info(?:rmation)?|details|records?|account|history|everything)"
_MINE = (
    r"(?:(?:all|everything|every|of|the|my|me|personal|stored) )*"
    rf"(?:{_DATA}|me|everything|about me)(?: (?:about|on|of) me)?"
    r"(?: (?:that )?you (?:have|know|keep|hold|store|kept|stored)(?: (?:about|on|of) me)?)?"
)
_BOT = r"(?:it|this|the|you|bot|service|thing|petition bell)"
_FOLLOW = (
    r"(?:follow|subscribe(?: to)?|track|watch(?= (?:new |any )?petitions )"
    r"|(?:watch|look)(?: out)? for|dilyn|tanysgrifio i|keep an eye (?:out )?(?:on|for))"
)
_SEEK = (
    r"(?:(?:i'?m |i am )?(?:looking|searching) for|(?:is|are) there|do you (?:have|know)|got"
    r"|have you got|what about|what|which|show(?: me)?|find(?: me)?|search(?: for)?|give me"
    r"|list|see|tell me about|look up|is there already"
    r"|has (?:anyone|anybody|someone) (?:started|made|got)|i (?:just )?(?:want|need))"
)
_THERE = r"(?: (?:are there|is there|do you have|there (?:is|are)))?"
_NEW = (
    r"(?: new)?(?: (?:that )?(?:comes? (?:up|out)|opens?|starts?|appears?"
    r"|(?:is|are|gets?) (?:started|opened|created|made)))?"
)
_OPENS = (
    r"(?: (?:comes? (?:up|out)|opens?|starts?|appears?|goes live"
    r"|(?:is|are|gets?) (?:started|opened|created|made|launched|published)))?"
)
_THOSE_ABOUT = (
    rf"(?:{_WHICH}(?:{_PETITIONS}){_THERE}{_NEW} {_ABOUT}"
    r"|(?:(?:the|that|this|any|some|another|new|(?:is|are) there|got) ones?|anything"
    rf"|everything|something|stuff){_THERE}{_NEW} {_CLEARLY_ABOUT})"
)
# Words before "petitions" that do not say what these are about.
_NO_SUBJECT = (
    r"(?:(?:an?|the|my|your|this|that|these|new|own|any|all|no|more|other|some|sign|signing"
    r"|start|starting|create|make|which|what|how|many|do|i|of|for|about|good|open|closed) )*"
    r"(?:an?|the|my|your|this|that|new|own|any|all|no|sign|start|open|closed|other|more|few"
    r"|many) \w+$"
)
_OF_ALL = rf"(?:(?:{TELL}|follow|watch|track|subscribe to|show me|i want)(?: (?:about|of|to))? )?"
# Each with the command that it comes down to; the group `rest`, if any, stands behind that.
PHRASES: tuple[tuple[str, str], ...] = (
    # which days
    (
        rf"(?:(?:only|just)(?: {SEND}(?: me)?| {NEWS})?|{SEND}(?: me)? only|{NEWS} only"
        rf"|not|never|nothing|{_NOT}|{_QUIET}|mute|silence|pause|snooze|dnd|do not disturb"
        rf"|quiet hours)(?: me)? {_SOME_DAYS}(?: only)?"
        rf"|(?:(?:send|give) (?:me )?)?(?:the |my |a )?(?:daily )?(?:digest|summary|round-?up)"
        rf"(?: only)? (?={_SOME_DAYS})(?=.*(?:week|working|work days|holiday| and | to |-|,| or ))"
        rf"{_SOME_DAYS}(?: only)?|{_SOME_DAYS} (?:only|off)"
        rf"|(?:only )?every week ?day(?: (?:at )?{_HOUR})?",
        "settings days",
    ),
    # what closes
    (
        r"(?:(?:show me|show|list|tell me|which|what|when|any|are there any|do any|are any"
        r"|will any)(?: of)?(?: (?:do|does|are|is|will))? )?"
        r"(?:mine|my (?:petitions?|ones|list)|(?:the )?(?:ones|those|petitions) (?:that )?"
        rf"(?:i|we)(?:'m| am| are)? follow(?:ing)?)(?: (?:is|are|will|do|that are))*(?: be)?"
        rf" {_CLOSE}(?: {_SOON})*",
        "subscriptions closing",
    ),
    (
        r"(?:(?:my|the|upcoming|next|all|show me|show|what are|when are) )*"
        r"(?:deadlines|closing dates)",
        "subscriptions closing",
    ),
    (
        r"(?:(?:show me|show|list|see|find|which|what|any|are there any|what are)(?: of)? )?"
        r"(?:the )?(?:(?:open )?(?:petitions?|ones)|what'?s|what is|what|which|anything"
        r"|something)?(?: ?\b(?:is|are|that are|that|will|about to|due to|going to))* ?"
        rf"\b{_CLOSE}(?: {_SOON})+"
        r"|(?:(?:pa )?ddeisebau|deisebau|beth) sy'?n cau(?: (?:cyn bo hir|yn fuan|nesaf))?",
        "subscriptions closing any",
    ),
    # as it was, both, and more or less noise
    (
        r"(?:reset|restore)(?: (?:all|my|the|everything|it))*(?: settings)?"
        r"(?: to (?:normal|default))?"
        r"|(?:(?:my|the|use|restore) )*default settings|(?:(?:switch|go|put it|change) )?back to"
        r" (?:normal|default|how it was|the way it was)",
        "settings reset",
    ),
    (
        r"(?:(?:send|give|tell|alert|notify|message) me )?"
        rf"(?:everything |it all |(?:all )?{NEWS} )?{STRAIGHT_AWAY}"
        r"(?:,? not in (?:a|the|my) (?:digest|summary))?"
        rf"|(?:send )?{NEWS} {STRAIGHT_AWAY}(?:,? not in (?:a|the) (?:digest|summary))?"
        rf"|(?:instant|immediate|real[ -]?time|live) {NEWS}"
        r"|(?:no|stop|cancel|turn off|switch off|disable|not in)(?: sending(?: me)?)?"
        r" (?:the |a |my |any )?(?:more )?(?:daily |weekly )?(?:digests?|summar(?:y|ies))"
        r"|(?:the |my )?(?:digest|summary) off",
        "settings everything",
    ),
    (
        r"(?:when|what time|how often|what day)(?: do| does| is| will| are)?(?: you| i)?"
        r"(?: (?:get|send|receive|have))?(?: me)? (?:the|my|a) (?:daily |weekly )?"
        r"(?:digest|summary)(?: (?:sent|come|coming|arrive))?"
        r"|(?:only )?(?:one|a) (?:message|digest|summary|update|email) (?:a|every|per)"
        r" (?:fortnight|month)|(?:monthly|fortnightly)(?: (?:digest|summary|message))?",
        "settings digest",
    ),
    (
        r"(?:what|when) are (?:my|the) quiet hours"
        r"|(?:are|is) (?:my |the )?quiet hours (?:on|off|set)",
        "settings quiet",
    ),
    (
        rf"(?:am i|are we|are (?:my|the) {NEWS}) (?:muted|silent|on|off|snoozed|paused)"
        r"|(?:is|are) (?:everything|the sound|sounds) (?:on|off|muted)",
        "settings",
    ),
    (
        r"(?:let|allow|still (?:send|tell me about)|send(?: me)?|except(?: for)?) (?:the |a )?"
        r"(?P<rest>response|debate|milestone|surge)s?(?: through| in| anyway)?"
        r" (?:at night|overnight|(?:in|during) (?:my |the )?quiet hours)",
        "settings urgent",
    ),
    (
        r"(?:only )?urgent(?: only)?(?: (?:news|alerts))?(?: at night| in quiet hours)?",
        "settings urgent",
    ),
    # rules, and what somebody calls by its name
    (
        r"(?:delete|remove|drop|stop|end|cancel|unfollow) (?:the |my |that |all )*rules?\b.*"
        rf"|(?:unfollow|unsubscribe(?: me)? from) (?!(?:#|{_BOT}$)).*[a-z].*"
        rf"|unsubscribe my \w+|stop {SENDING} me (?:about|on) .*",
        "unsubscribe",
    ),
    (r"(?:what|which) rules (?:do i have|have i got|are there)", "subscriptions"),
    (
        r"(?:what'?s|anything|what is) (?:new|happening|going on|changed) (?:with|on|in) "
        r"(?:my petitions|my list|mine|the (?:ones|petitions) i follow)",
        "subscriptions",
    ),
    (
        r"(?:did )?anything happen(?:ed)?(?: while i (?:was|slept) ?(?:asleep|away|sleeping|out)?"
        r"| overnight| today| this week)?|catch me up"
        r"|what (?:did|have) i miss(?:ed)?(?: (?:today|this week|overnight|last night|yesterday))?",
        "digest",
    ),
    (
        r"what (?:does|do|is|are|counts as) (?:an? |the )?(?:silent|loud|digest|rules?|quiet hours"
        r"|big moments|snooze|mute|surges?)(?: mean| do| for)?",
        "help",
    ),
    (r"how do (?:the )?thresholds work", "milestones official"),
    (
        r"why (?:haven'?t|have) i (?:not )?(?:heard|had|got|received) (?:anything|nothing|any \w+)"
        r"(?: yet| today| lately)?|why (?:so|are you so|is it so) quiet"
        r"|why no (?:alerts|messages|news)"
        r"|you (?:didn'?t|never) (?:tell|told|alert(?:ed)?|notif(?:y|ied)) me"
        r"|how (?:late|slow|fast|quick)"
        r" are you",
        "status",
    ),
    (
        r"(?:remove|delete|clear|drop) (?:all )?(?:of )?(?:my |the )?(?:own )?milestones",
        "milestones",
    ),
    (
        r"who else (?:follows|sees|gets) (?:this|it|that)"
        r"|(?:forget|delete|remove) my (?:postcode|location|constituency|address)",
        "privacy",
    ),
    (r"(?:make it )?(?:louder|quieter|less noisy|more quiet)", "settings"),
    (
        r"(?:mute|silence|pause) (?:both|all|them|them all|all of (?:them|it|these)"
        r"|both of them|the (?:rest|lot))",
        "snooze",
    ),
    (
        r"(?:unfollow|stop|remove|delete|drop) (?:both|them|them both"
        r"|(?:all|both) of (?:them|these)"
        r"|the (?:rest|lot))|(?:leave|get out of) (?:this|the|our) (?:group|chat|channel)",
        "unsubscribe",
    ),
    (
        r"(?:follow|track|watch) (?:both|them|them both|them all|(?:all|both) of (?:them|these))",
        "subscribe",
    ),
    (r"(?:add|put|bring) (?:it|that|them) back(?: on)?", "undo"),
    # what is followed, and where
    (
        r"(?:i(?:'ve| have)? (?:forgotten|forget|can'?t remember|don'?t remember)|remind me) what i"
        r" (?:(?:'m|am|was) (?:following|signed up (?:to|for))|signed up (?:to|for)|follow(?:ed)?)"
        r"|(?:which|what) (?:petitions? )?(?:have i got|did i (?:sign up (?:to|for)|follow"
        r"|subscribe to)|have i (?:signed up (?:to|for)|subscribed to)"
        r"|am i signed up (?:to|for))",
        "subscriptions",
    ),
    (
        r"(?:who'?s|who is) my member of parliament|my member of parliament"
        r"|what'?s (?:on|happening|going on|popular) (?:in|round|around|near) (?:my area|here|me)",
        "constituency",
    ),
    (
        r"(?:what'?s )?the (?:biggest|top|most (?:popular|signed)) (?:one|petition)(?: now)?",
        "trending",
    ),
    # quiet hours
    (
        rf"(?:wake me(?: up)?|let me sleep) (?:at|until|till) (?P<rest>{_HOUR})",
        "settings quiet before",
    ),
    (
        rf"{SEND}(?: me)?(?: everything| it all| all of it)? (?P<rest>at {_HOUR})",
        "settings all digest & settings digest daily",
    ),
    (
        rf"(?:nothing|not|never) (?P<rest>(?:before|until|after) {_HOUR})(?: in the morning)?",
        "settings quiet",
    ),
    (
        r"(?:no|turn off|switch off|disable|end|remove|cancel|stop|delete) (?:my |the )?"
        r"quiet (?:hours|time)",
        "settings quiet off",
    ),
    # two hours alone can be nothing else
    (rf"(?=.*\d(?::\d\d|\s?[ap]m\b))(?P<rest>{_HOURS})", "settings quiet"),
    (
        rf"i (?:sleep|go to (?:bed|sleep)) (?:at|around) (?P<rest>{_HOUR})",
        "settings quiet after",
    ),
    (
        rf"only {SEND}(?: me)? (?:in|during) (?:the )?(?:day|day ?time|daylight)",
        "settings quiet",
    ),
    (
        r"(?:(?:set|change|make|move|edit|show|when are|what are) )?(?:my |the )?quiet"
        rf"(?: hours| time)?(?: to| from| are|:)? (?P<rest>{_HOURS})",
        "settings quiet",
    ),
    (
        rf"(?:(?:only {SEND}(?: me)?|{SEND}(?: me)? only|only {NEWS}|{NEWS} only|only)"
        rf"(?: {NEWS}| things)?) (?P<rest>{_HOURS})",
        "settings quiet only",
    ),
    (
        rf"(?:(?:set |my |the )*{_QUIET}(?: hours| time)?|do not disturb|dnd|oriau tawel"
        rf"|no {NEWS}|{_NOT}|mute|shush|sh+|nothing|sleep|silence my phone"
        r"|i (?:sleep|go to bed)|i'?m asleep|leave me (?:alone|in peace))(?: from)?"
        rf" (?P<rest>{_HOURS}|{_SIDE}|off|none)",
        "settings quiet",
    ),
    (
        rf"(?:{_NOT}|{_QUIET}(?: my phone)?|mute|sound off|no sound) (?:me )?(?:{_NIGHT})",
        "settings quiet",
    ),
    (r"(?:ring|buzz|beep) only (?:in|during) (?:the )?(?:day|day ?time)", "settings quiet"),
    (
        r"(?:sleep|night|quiet|silent|dnd|do not disturb)(?: mode)?"
        r"(?: (?:on|for everything))?",
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
        rf"(?:snooze|oedi)(?: (?:me|all|everything|alerts))* (?P<rest>{_UNTIL_SAID}|{MOMENT})",
        "snooze",
    ),
    (rf"(?:mute|pause|silence|quiet) (?P<rest>{_UNTIL_SAID})", "snooze"),
    (
        r"(?:(?:snooze|oedi)(?: (?:me|all|everything|alerts|it all))*"
        rf" (?P<rest>{_BROAD_WHILE})"
        rf"|(?:mute|pause)(?: (?:me|all|my|everything|{NEWS}|it all))*"
        rf" (?P<alone>{WHILE}|{DAY}))",
        "snooze",
    ),
    (
        rf"(?:{_NOT}|{_QUIET}|shut up|hush|stop|sleep|take a break"
        rf"|leave me (?:alone|in peace)|nothing|stfu|hold (?:all |my |the )*{NEWS}"
        r"|(?:(?:turn|switch) )?(?:it |this |that |everything )?off"
        r"|(?:i'?m |i am )?(?:(?:i'?ll |i will )be )?"
        rf"(?:away|on holiday|on leave|off|busy|abroad|ar wyliau)) (?P<rest>{WHILE})",
        "snooze",
    ),
    (
        rf"(?:i'?m |i'?ll be |i am )?back (?P<rest>(?:on |in )?(?:{DAY}|{LENGTH}|tomorrow))",
        "snooze",
    ),
    (
        rf"(?:(?:turn|switch) (?:the |my |all )*{NEWS}(?: back)? on(?: again)?"
        rf"|(?:turn|switch) on (?:the |my )?{NEWS}|{NEWS} (?:back )?on|start again"
        r"|unmute (?:me|everything))",
        "snooze off",
    ),
    (r"not (?P<rest>tonight|today|this (?:week|weekend|evening|morning))", "snooze"),
    (
        r"(?:un(?:snooze|mute|pause)|resume)(?: (?:me|it|all|everything|alerts))?",
        "snooze off",
    ),
    # the digest
    (
        rf"(?:tell me (?:about )?|send (?:me )?)?(?:everything|all (?:{NEWS}|news))"
        r" (?P<rest>once a week|weekly|every week)",
        "settings all digest & settings digest",
    ),
    (
        rf"(?:all )?(?:{NEWS}|news) (?:only )?once a day",
        "settings all digest",
    ),
    (
        r"(?:(?:a |one )?digest )?(?:only |just )?(?:once )?"
        r"(?:a day|per day|daily|every day)(?: only)?|(?:daily|a) digest(?: only)?"
        rf"|(?:batch|bundle|group)(?: up)? (?:my |the |all )*{NEWS}",
        "settings all digest",
    ),
    (
        r"(?:a |one )?digest (?:once )?(?:a day|daily|every day) (?P<rest>(?:at|around) .*)"
        r"|(?:an? )?(?P<alone>morning|evening|afternoon|night)(?:ly)? (?:digest|summary)",
        "settings all digest & settings digest daily",
    ),
    (
        r"(?:put|move|send|batch|bundle|group|collect|combine|gather)(?: me)?"
        rf" (?:it all|everything|them all|all (?:my |the )?{NEWS})"
        r" (?:daily|together|once a day"
        r"|(?:in|in ?to|as|to) (?:(?:the|a|my|one) )?(?:daily )?(?:digest|summary|message))"
        rf"|digest mode|(?:batch|bundle|group) (?:everything|all (?:my |the )?{NEWS})"
        r"|(?:send )?(?:me )?(?:an? |one )?daily"
        r" (?:email|message|update|report|alert|round-?up)",
        "settings all digest",
    ),
    (
        r"(?:send me |give me )?(?:everything |it all )?(?:only |just )?"
        rf"(?:once|one (?:{NEWS}|digest|summary)|(?:a )?weekly(?: {NEWS}| digest| summary)?)"
        rf"(?: (?:a|per|every|each) week)?(?: only)?,? (?P<rest>(?:on |every )(?:{DAY})\b.*)",
        "settings all digest & settings digest weekly",
    ),
    (
        r"(?:make|move|change|set|send|get|have)(?: me)? (?:the |my )?(?:digest|summary)"
        r" (?:come |sent |arrive )?(?P<rest>(?:to |at |on |every |in ).*)",
        "settings digest",
    ),
    (
        r"(?:(?:send me |give me |put )?"
        rf"(?:it all|the lot|everything|all (?:of it|{NEWS})|{NEWS}) )?(?:only |just )?"
        rf"(?:(?:send me|give me) )?(?:once|one {NEWS}|one digest|one summary)"
        r" (?:a|per|each|every) day(?: only)?"
        rf"|(?:send me |give me )?(?:it all|the lot|everything|all(?: {NEWS})?)"
        r" (?:in (?:one|a|the) (?:message|digest|summary|go)|together"
        r"|as a (?:digest|summary))",
        "settings all digest",
    ),
    (
        r"(?:(?:only |just )?once (?:a|every|each) day"
        r"|(?:(?:only |just )?one (?:message|digest|summary|update) (?:a|every|each) day)"
        rf"|(?:send me |give me )?(?:it all|the lot|everything|all {NEWS}))"
        r" (?P<rest>(?:at |around |by |every |each |in )(?:the )?"
        rf"(?:{_HOUR}|morning|evening|day at {_HOUR}))",
        "settings all digest & settings digest daily",
    ),
    (
        r"(?:send |give )?(?:me )?(?:my |a |one |the )?"
        r"(?P<rest>"
        r"(?:daily|weekly) (?:digest|summary|round-?up|email|message|update) \S.*"
        rf"|every (?:{DAY})(?: (?:morning|evening|at {_HOUR}))?"
        rf"|(?:summary|digest|message) on (?:{DAY}).*)",
        "settings digest",
    ),
    (
        r"(?:send |give )?(?:me )?(?:my |a |the )?(?:daily )?"
        r"(?:digest|summary|round-?up|crynodeb)"
        rf" (?P<rest>(?:at|every|each|on|daily|weekly|in the|am)\s.*|{_HOUR}.*|(?:{DAY}).*)",
        "settings digest",
    ),
    (
        r"(?:send me |give me )?(?:a |one )?(?:weekly|once a week)"
        rf"(?: {NEWS}| digest| summary)?|every week"
        r"|one (?:message|summary|digest) a week",
        "settings digest",
    ),
    (
        rf"(?:{TELL}|(?:closing )?reminders?) (?P<rest>{LENGTH}) (?:before|ahead)"
        r"(?: (?:it|they|petitions?|the petition|the (?:deadline|closing date|end|close)"
        r"|(?:it|they|petitions?)(?: i follow)?))? ?(?:closes?|ends?|is over|closing)?",
        "settings closing",
    ),
    (
        rf"{TELL} (?:before|when) (?:they|petitions?|anything|something)(?: i follow)?"
        r" (?:closes?|ends?)|closing reminders?",
        "settings closing",
    ),
    (
        rf"(?:(?:send|tell|text|message|update) me (?:everything |it all )?)?"
        rf"(?:every|each) (?P<rest>(?:morning|evening|night|day at)(?:(?: at)? {_HOUR})?)",
        "settings all digest & settings digest daily",
    ),
    (
        rf"(?P<rest>(?:{DAY}) (?:digest|summary))|(?:digest|summary) (?P<alone>weekly|daily)",
        "settings digest",
    ),
    # how much, and of what
    (
        r"(?:no(?: more)?|turn off|switch off|disable|skip|hide"
        r"|stop(?: sending| telling me about)?"
        r"|(?:don'?t|do not) (?:tell me about|send(?: me)?)) (?:the |any |all )*"
        r"(?:(?P<rest>milestone|surge|response|debate|closing|threshold)s?"
        rf" (?:{NEWS}|reminders?|news)|(?P<alone>milestone|surge)s)",
        "settings & off",
    ),
    (
        r"(?:(?:set|put|make|turn|switch|change) )?(?:my |the |all )*"
        rf"(?P<rest>milestone|surge|response|debate|threshold)s?(?: {NEWS}| news)?"
        r" (?:to |into |in )?(?:the )?(?P<alone>off|silent|digest|loud|on|sound)",
        "settings &",
    ),
    (
        r"(?:(?:only|just)(?: (?:tell|send|alert|notify|message) me)?"
        r"|(?:tell|alert|notify|message) me only|i (?:only|just) (?:want|need|care|wish)"
        r"(?: to (?:know|hear|be (?:told|alerted|notified)))?)"
        r"(?: (?:about|of|the|for|when there'?s))* (?:a )?(?:government )?"
        r"(?:debates?|responses?|milestones?|thresholds?)"
        r"(?: (?:and|or|&) (?:government )?(?:debates?|responses?|milestones?|thresholds?))*",
        "settings loud",
    ),
    (
        r"(?P<rest>big moments)(?: only)?",
        "settings",
    ),
    (
        r"(?:(?:(?:only|just)(?: (?:tell|send|alert|notify|message) me)?"
        r"|(?:tell|send|alert|notify|message) me only)"
        r" (?:about |of |the |for |when it'?s |what'?s )*(?:really )?"
        r"(?:big|important|major|main|key|urgent)"
        rf"(?: ones?| things?| stuff| news| moments?| changes?| bits| parts| {NEWS})?"
        r"|i (?:only|just) (?:want|need) (?:the )?(?:big|important|major|main)"
        rf"(?: ones?| things?| stuff| news| {NEWS})?"
        r"|(?:dim ond )?(?:pethau|newyddion) (?:pwysig|mawr)(?: yn unig)?"
        rf"|only (?:{SEND} me )?(?:when|if) (?:something|anything) (?:big|important|major)"
        r"(?: happens?)?"
        r"|(?:the )?(?:big|important|major|main|key)"
        rf"(?: ones?| things?| stuff| news| moments?| {NEWS})? only)",
        "settings big moments",
    ),
    (
        r"(?:send me |tell me |give me |show me )?"
        rf"(?:everything|popeth|all (?:the |of the )?(?:{NEWS}|news)"
        r"|every (?:single )?(?:alert|update|change))(?: only| again)?",
        "settings everything",
    ),
    (
        rf"(?:reduce|cut down(?: on)?|limit) (?:the |my |these )*{NEWS}"
        r"|(?:send me |give me )?(?:a lot )?(?:less|fewer|not so many|not as many)(?: of)?"
        rf"(?: these| them)?(?: (?:{NEWS}|often|news))?"
        r"|(?:(?:there (?:are|is)|you send(?: me)?|i get|this is|it'?s) )?"
        rf"(?:way |far |much )?(?:too|so) (?:many|much|often|noisy)(?: {NEWS})?"
        r"|less often|calm down|slow down",
        "settings",
    ),
    (r"(?:settings|gosodiadau) (?P<rest>(?!(?:on|for|in|of|at|to) )\S.*)", "settings"),
    # where, and in which language
    (
        r"(?:(?:set|change|switch|use) )?(?:the |my )?time ?zone(?: is| to| should be|:|=)?"
        r" (?P<rest>\S.*)|use (?P<alone>[a-z_/ ]+) time",
        "settings zone",
    ),
    (
        r"(?:newid i'?r |change to |i'?r )?"
        r"(?:(?:in|speak|talk|use|switch to|change (?:the |my )?language to"
        r"|(?:set )?(?:the |my )?language(?: to)?|siarad(?:wch)?) )*"
        r"(?:welsh|cymraeg|gymraeg)",
        "settings language cy",
    ),
    (
        r"(?:newid i'?r |change (?:back )?to |i'?r )?"
        r"(?:(?:in|speak|talk|use|(?:switch|go) (?:back )?to|back to"
        r"|change (?:the |my )?language to|(?:set )?(?:the |my )?language(?: to)?) )*"
        r"(?:english|saesneg)",
        "settings language en",
    ),
    (
        r"what (?:other )?languages? (?:do|can) you (?:speak|know)"
        r"|(?:(?:do you |can you )?(?:speak|talk)|in|do you (?:know|have)"
        r"|(?:change|set|switch) (?:the )?language to)"
        r" (?:french|german|spanish|polish|romanian|italian|portuguese|punjabi|urdu"
        r"|bengali|gujarati|arabic|chinese|turkish|russian|ukrainian|gaelic|scots|irish"
        r"|hindi|other languages)",
        "settings language",
    ),
    # places
    (r"who represents (?P<rest>(?!me\b|us\b)\S.*)", "constituency"),
    (
        r"(?:(?:set|change) )?(?:my )?"
        r"(?:(?:constituency|etholaeth)(?: (?:is|to)|:)?|my area is"
        r"|(?:mp|as)(?= (?:of|for|in)\b)|my mp is"
        r"|(?:who is|who's|whos) (?:my|the|your) mp) (?:(?:of|for|in) )?(?P<rest>\S.*)",
        "constituency",
    ),
    (r"(?:change|set|edit) (?:my )?(?:constituency|mp|postcode|area)", "constituency"),
    # the data, and what the bot is
    (rf"(?:delete|erase|wipe|remove|forget|clear|destroy) {_MINE}", "forget"),
    (
        r"(?:send|give|show|export|download|get|see|view)(?: me)?(?: a copy of)?(?: all)?"
        r"(?: of)? my (?:data|info(?:rmation)?)"
        r"|what (?:data |info(?:rmation)? )?(?:do you|have you got|does it) ?"
        r"(?:know|have|store|keep|hold)? ?(?:about|on|of) me",
        "mydata",
    ),
    (
        r"what (?:do you do|happens) (?:with|to) (?:my|the|our)"
        r" (?:data|info(?:rmation)?|number)"
        r"|(?:where|how long) (?:is|do you keep|do you store) my data.*"
        r"|are you (?:spying|tracking|watching)(?: on)? ?(?:me)?"
        r"|do you (?:keep|store|sell|share|track)(?: on)? (?:my )?"
        r"(?:data|number|info(?:rmation)?|me)"
        r"|is (?:it|this|my data) (?:safe|secure|private|anonymous|confidential)"
        r"|(?:who|can (?:anyone|anybody|people|others))(?: can| else)?"
        r" (?:see|sees|know|knows) (?:what i follow|my data|this|me)",
        "privacy",
    ),
    (
        rf"(?:is|are) (?:{_BOT} ?)+(?: ?"
        r"(?:free|real|legit(?:imate)?|official|a scam|human|ai|an ai|a robot|a person"
        rf"|trustworthy))(?: to use)?|(?:do(?:es)? )?{_BOT} costs? (?:anything|money|me)"
        rf"|how much (?:does|do) (?:{_BOT} ?)+cost"
        rf"|who (?:runs|owns|pays for|made|makes|built|created|wrote|is behind) (?:{_BOT} ?)+"
        r"|are you (?:run|made|owned|paid|built) by \S.*|donate"
        r"|(?:can you |(?:how|where) (?:do|can) i |can i |i want to )?sign"
        r" (?:(?:it|this|that|one|an?|the|petitions?) ?)*(?:for me|here)?",
        "about",
    ),
    (
        r"is (?:it|this|(?:the )?(?:bot|site|website|petitions? (?:site|website)))"
        r"(?: still)? (?:down|up|working|broken|alive|running|offline|online)(?: again)?"
        r"|are you"
        r" (?:down|broken|awake|dead|running|still (?:there|working|here)|stuck|online)"
        r"|(?:anyone|anybody) (?:there|home)",
        "status",
    ),
    (
        r"(?:show |find )?(?:me )?what (?:else )?(?:can|could|do|should) (?:you|i)"
        r" (?:do|say|send|type|ask|write)(?: here| next| to you)?"
        r"|beth (?:alla|fedra|gallaf) i (?:ei )?(?:w?neud|ddweud)"
        r"|beth (?:wyt ti|ydych chi)'?n gallu (?:ei )?w?neud",
        "help",
    ),
    (
        r"(?:which|what) (?:petitions?|things|topics|rules)? ?"
        r"(?:(?:am i|are we|i'?m) (?:currently )?(?:following|watching|subscribed to|tracking)"
        r"|(?:do|have) (?:i|we) (?:follow|followed|watch|track))(?: (?:now|at the moment))?"
        r"|(?:am i|are we) (?:still )?(?:following|subscribed)(?: to)? (?:anything|something)"
        r"|why (?:did|do|am|are) (?:i|you) (?:keep )?(?:get(?:ting)?|receiv(?:e|ing)"
        r"|send(?:ing)?)(?: me)? (?:this|these|that|it)"
        rf"(?: {NEWS})?|be(?:th)? (?:ydw|dw|rydw|dwi|ydwi)(?: ?i)?(?:'n| yn)? (?:ei )?dd?ilyn",
        "subscriptions",
    ),
    (
        r"how (?:often|frequently) (?:do|are|does) (?:you|it|the bot|the figures|figures) "
        r"(?:check|look|update|updated|refresh|checked)(?:ed)?(?: \w+){0,2}",
        "status",
    ),
    (
        r"i(?:'ve| have)? (?:just )?(?:signed|started|made|created) (?:an?|the|my) petition",
        "subscribe",
    ),
    # an end
    (
        r"(?:delete|remove|unfollow|unsubscribe from|stop|clear|cancel|drop|wipe|end)"
        r" (?:all|every|everything|each)(?: (?:of|my|the|these|single))*"
        rf" (?:petitions?|rules?|subscriptions?|follows?|{NEWS})"
        r"|(?:turn|switch) (?:this|it|everything|you|all this) off"
        r"|(?:turn|switch) off (?:this|it|everything)|(?:stfu|shut (?:it|the f\w* up))"
        r"|(?:that'?s )?enough(?: (?:now|already|of this))?",
        "unsubscribe",
    ),
    (
        rf"{_NOT}"
        r"(?: (?:me|again|ever|any ?more|please|this|these|all|alerts|stuff|anything))*"
        r"|i (?:don'?t|do not|no longer) want"
        r" (?:(?:this|these|any|any more|more|your"
        r"|to"
        r" (?:get|receive|hear from you|follow (?:this|anything|them)|be here|be subscribed))"
        rf" ?)*(?:{NEWS})?(?: any ?more| from you)*"
        r"|(?:take|get) me off (?:(?:the|your|this|it|list|here) ?)+"
        r"|(?:i'?m |i am )?(?:not|no longer) interested(?: any ?more)?"
        r"|(?:f|fuck|piss|sod|bugger|get) (?:off|lost)"
        r"|stop (?:the |all |my |your )*(?:subscriptions?|petitions?)"
        r"|(?:stop|unsubscribe|unfollow|leave|quit|opt(?: me)? out|cancel)(?: me| us)?"
        r"(?: (?:from|of|these|the|all|your|my|getting|receiving|following|everything"
        rf"|every|subscriptions?|petitions?|an?|one|bot|chat|list|{NEWS}))*",
        "unsubscribe",
    ),
    (
        r"(?:undo|revert|reverse|restore)"
        r"(?: (?:that|it|this|last|the last one|the last thing))?|o+ps|whoops"
        r"|(?:put|bring|take) (?:it|that|them) back|i(?:'ve| have)? changed my mind"
        r"|(?:that was |it was )?(?:a|my|by) mistake|wrong (?:one|button)"
        r"|i didn'?t mean (?:that|it|to|to do that)|(?:by )?accident(?:ally)?"
        r"|dadwneud(?: hynny)?",
        "undo",
    ),
    # all petitions of a kind
    (
        rf"{_OF_ALL}(?:(?:petitions?|everything|anything|all|those|ones) )?"
        r"(?:that (?:are |is )?|which (?:are |is )?|when (?:a |any )?(?:petitions?|one) )?"
        r"(?:over|above|past|pass(?:es|ing)?|reach(?:es|ing)?|hit(?:s|ting)?|beyond"
        r"|(?:with |that have |have )?(?:more than|at least|over))"
        r" (?P<rest>100[,. ]?000|100 ?k|10[,. ]?000|10 ?k)(?: signatures)?",
        "subscribe passing:",
    ),
    (
        r"(?:(?:which|what|any|list|show me) )?petitions (?:that )?(?:have |has |just )*"
        r"(?:passed|reached|hit|got to|crossed)"
        r" (?P<rest>100[,. ]?000|100 ?k|10[,. ]?000|10 ?k)(?: signatures)?"
        r"(?: (?:today|yesterday|this week|recently|lately|so far))?",
        "subscribe passing:",
    ),
    (
        r"(?:(?:latest|recent|new|upcoming|coming|next|any|all|the|which|what|list|show me"
        r"|are there any) )+(?:government )?(?P<rest>response|debate)s"
        r"(?: (?:are there|coming up|this week|today|tomorrow|next week|soon|are coming up))*"
        r"|(?P<alone>response|debate)s (?:coming up|this week|today|tomorrow|next week|soon)",
        "subscribe every:",
    ),
    (
        rf"{_OF_ALL}(?:all|every|any|each)(?: (?:the|new|single|of the))* "
        r"(?:(?:government(?:'s)?|ministers?'?) )?(?P<rest>response|debate)s?"
        r"(?: there (?:is|are))?",
        "subscribe every:",
    ),
    (
        rf"(?:{_OF_ALL}(?:all|every|each)|{TELL} (?:about|of)(?: all| every)?)"
        r"(?: (?:the|single))* (?P<rest>new) petitions?",
        "subscribe every:",
    ),
    # following
    (
        rf"(?:(?:{TELL}|keep me (?:posted|updated|informed))(?: (?:about|of|on|when|if))*"
        r"|updates (?:about|on))"
        rf" {_WHICH}(?:{_PETITIONS})(?: (?:popular|signed|started))* (?:in|from|near)"
        r" (?P<rest>\S.*)",
        "subscribe",
    ),
    (
        r"(?:how many|what) (?:signatures|names|people)"
        r"(?=.* (?:need|requir|necessary|trigger|debate|threshold|(?:for|get) (?:a|the) ))"
        r"(?: (?:do|does|are|is|must|should|will|to|for|i|you|we|it|they|an?|the|each|every|my"
        r"|petitions?|there|there's|have|has|be|get|before|until|need(?:ed|s)?|required?"
        r"|necessary|trigger|force|reach|government|response|reply|answer(?:ed)?"
        r"|debated?|thresholds?|in|by|parliament))+",
        "milestones official",
    ),
    (
        r"what (?:happens|is|comes)(?: next| there)?"
        r" (?:at|after|when (?:it|a petition|you|we|they) (?:gets?(?: to)?|hits?|reach(?:es)?))"
        r" (?:100[,. ]?000|10[,. ]?000|100 ?k|10 ?k)(?: signatures)?"
        r"|what(?:'s| is| are) the (?:(?:response|debate|official) )?thresholds?|thresholds",
        "milestones official",
    ),
    (r"(?:topic|pwnc):? (?P<rest>\S.*)", "subscribe topic:"),
    (
        r"(?:follow|subscribe(?: to)?|track|dilyn) (?:the )?(?:topic|subject)(?: of|:)?"
        r" (?P<rest>\S.*)",
        "subscribe topic:",
    ),
    (
        rf"{_FOLLOW} {_WHICH}(?:(?:{_PETITIONS}|anything|everything|stuff) )?(?:popular )?"
        r"(?:in|from|near|around) (?:my (?:area|town|city|constituency)|here|me|where i live)",
        "constituency",
    ),
    (
        rf"{_FOLLOW} {_WHICH}(?:{_PETITIONS}|anything|everything) (?:popular )?"
        r"(?:in|from|near) (?P<rest>\S.*)",
        "subscribe",
    ),
    (rf"{_FOLLOW} {_WHICH}(?P<rest>\S.*?) (?:{_PETITIONS})", "subscribe"),
    (
        rf"{_FOLLOW} (?:{_THOSE_ABOUT} |(?:(?:any|all|new) )+)?(?P<rest>(?!and\b)\S.*)",
        "subscribe",
    ),
    (
        rf"(?:{TELL}|keep me (?:posted|updated|informed|up to date))"
        r"(?: (?:about|of|on|to|am|when(?:ever)?|if|as soon as|once))*"
        r"(?: (?:there(?:'?s| is| are)|you (?:see|find|get)"
        r"|(?:someone|somebody|anyone|anybody) (?:starts|makes|creates|opens)))?"
        rf" (?:{_THOSE_ABOUT}|news about|updates (?:about|on)) (?P<rest>\S.*?){_OPENS}",
        "subscribe",
    ),
    (r"(?:alert|notify) me (?:about|of|to) (?P<rest>\S.*)", "subscribe"),
    (r"(?:updates?|alerts?) (?:about|on|for) (?P<rest>\S.*)", "subscribe"),
    (
        r"(?:follow|subscribe to|track) my (?:constituency|mp|area|town|etholaeth)",
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
        rf"(?:{_SEEK} )*(?:new |all )*(?P<rest>(?!{_NO_SUBJECT})\S.*?) (?:{_PETITIONS})",
        "search",
    ),
    (r"(?:tell me about|what about) (?P<rest>(?!you|it|this|that)\S.*)", "search"),
)


@cache
def compiled() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the phrases ready to be matched; the first time takes a moment, as a thread may."""
    return tuple((re.compile(pattern), commands) for pattern, commands in PHRASES)


def what_is_meant(text: str) -> list[tuple[str, str]]:
    """Return the commands that a request in a phrase comes down to, with what follows each."""
    typed = " ".join(re.sub("[’‘`´]", "'", text).split()).rstrip("?!. ")
    said = typed.lower()
    if len(said) != len(typed):  # some letters grow
        typed = said
    for begins, ends in dict.fromkeys((bare_span(said), (0, len(said)))):
        for pattern, commands in compiled():
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


def spoken_words() -> frozenset[str]:
    """Return the words that phrases are made of."""
    return frozenset(word for pattern, _ in PHRASES for word in re.findall(r"[a-z]{3,}", pattern))
