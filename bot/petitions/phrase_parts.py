"""The words that several phrases of people have in common, as patterns (pure)."""

from bot.petitions.number_words import SPOKEN_NUMBER

NEWS = (
    r"(?:alerts?|messages?|msgs|notifications?|texts?|pings?|updates?|emails?|sounds?"
    r"|noises?|buzzing|beeps?|beeping)"
)
SEND = (
    r"(?:message|msg|text|notify|alert|ping|bother|disturb|buzz|wake|contact|pester|write to"
    r"|tell|send|annoy|spam|ring|beep)"
)
SENDING = (
    r"(?:messaging|texting|notifying|alerting|pinging|bothering|disturbing|buzzing"
    r"|contacting|pestering|posting|writing to|telling|sending|annoying|spamming"
    r"|harassing|emailing)"
)
DAY = (
    r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:days?)?"
    r"|dydd (?:llun|mawrth|mercher|iau|gwener|sadwrn|sul)"
)
LENGTH = (
    r"(?:for |am )?(?:about )?(?:(?:the next|another) )?"
    rf"(?:\d{{1,3}}|{SPOKEN_NUMBER}|an?|the(?= (?:day|week|hour)\b)|half an?|a few"
    r"|(?:a )?couple(?: of)?|the next)\s*"
    r"(?:min(?:ute)?s?|h|hrs?|hours?|d|days?|w|wks?|weeks?|fortnights?|months?|years?|awr"
    r"|diwrnod|wythnos|mis)(?: and a half)?"
)
WHEN_IT_ENDS = (
    rf"(?:{DAY}|\d[\w:.]*"
    r"|(?:the|next|this|end|of|in|a|on|at|after|coming|early|late|new|o'?clock|am|pm|hours?|days?"
    r"|lunch(?:time)?|tea(?: ?time)?|bedtime|bank|holiday|half|quarter|past|to|by"
    r"|weeks?|weekend|months?|years?|morning|noon|midday|afternoon|evening|night|midnight"
    r"|today|tomorrow|yfory|christmas|easter|half|term|further|notice|jan(?:uary)?"
    r"|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?))"
)
MOMENT = (
    rf"(?:(?:un)?till?|tan) {WHEN_IT_ENDS}(?: {WHEN_IT_ENDS})*"
    r"|(?:for |over )?(?:today|tomorrow|tonight|overnight|heno|yfory"
    r"|(?:this|the|next) (?:morning|afternoon|evening|weekend|week|month))"
)
WHILE = rf"(?:{LENGTH}|{MOMENT})"
TELL = (
    r"(?:(?:tell|notify|alert|ping|message|msg|text|warn|remind|update|buzz|inform)(?: me)?"
    r"|let me know|(?:give me )?(?:a )?heads up|give me a shout|@ ?me|hit me(?= when)"
    r"|i (?:want|'d like|would like) to (?:know|hear|be told)"
    r"|(?:be told|hear)(?= (?:at|when))|(?:set )?(?:a )?milestones?"
    r"|(?:rhowch|rho) wybod(?: i mi)?|dywedwch wrtha i)"
)
STRAIGHT_AWAY = (
    r"(?:straight away|right away|immediately|instantly|at once|in real ?time|as (?:they|it)"
    r" happens?|as soon as (?:they|it) happens?)"
)
