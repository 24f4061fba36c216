"""The commented configuration that `petition-bell init` writes, and `config.example.toml` shows."""

from bot.config import PLACEHOLDER_TOKEN

EXAMPLE = f"""\
# Petition Bell: everything an operator decides. Any key can come from the environment instead,
# as PETITION_BELL_<SECTION>__<KEY> (PETITION_BELL_POLL__INTERVAL=5m). Relative paths start here.

[telegram]
# From @BotFather. Better kept out of this file: TELEGRAM_TOKEN in the environment, or token_file.
token = "{PLACEHOLDER_TOKEN}"
# token_file = "telegram.token"

# Another address than Telegram's own only for a Bot API server of yours.
base_url = "https://api.telegram.org/bot"

# How updates come in: "polling" asks for them, "webhook" has Telegram post them (see [web]).
mode = "polling"

# Telegram ids of the people who run this bot.
admins = []

# The most alerts a minute that may be sent past Telegram's 30 a second, at 0.1 Star each, when many
# people are waiting. Only large bots are offered this; 0 never pays.
paid_broadcast_per_minute = 0

[storage]
# Where subscriptions are kept; the folder is made on the first start. Several processes share a
# PostgreSQL database: "postgresql://bell@db.example/bell?sslmode=verify-full" (extra "postgres").
url = "tinydb:data/petition-bell.db"

# A file that holds the password of that database, so that the address need not.
# password_file = "database.password"

# The file of the store's key, kept apart from the data and made on the first start. Keep a copy:
# without the key nobody reads the store. PETITION_BELL_STORAGE__KEY in the environment goes first.
key_file = "petition-bell.key"
# key = "32 bytes in base64"

# How many days to keep a chat's data after it blocks the bot, in case it comes back.
rest_days = 90

[poll]
# How often each followed petition is checked. The site updates its counts about once a minute.
interval = "60s"

# The most requests a minute to each site, a third of them for what people ask. If more petitions
# are followed than that allows, each is checked less often.
requests_per_minute = 60

[limits]
# How many petitions one chat may follow, and how many rules it may have.
subscriptions = 200
rules = 20

[web]
# The bot's own server: /healthz, /readyz, /metrics and the webhook. Off unless set.
# listen = "127.0.0.1:8080"

# For mode "webhook": the https address under which a proxy of yours passes /telegram/ on to it.
# public_url = "https://bell.example.org"

# An address that is asked once a minute while all is well, so that a service of yours can tell you
# when the bot is silent. A secret: whoever knows it can make the bot look alive.
# heartbeat_url = "https://beat.example.org/your-secret"

[log]
# debug, info, warning or error.
level = "info"

# console for people, json for machines.
format = "console"

# One table for each petitions site; the first one is meant when somebody sends a bare number.
# uk, senedd, scotland and jersey are known: their id is all it takes.
[[sites]]
# A short name of a-z and 0-9. It is part of every subscription: never change it afterwards.
id = "uk"

# What it is called and where it is, if not as usual.
# name = "UK Parliament"
# url = "https://petition.parliament.uk"

# Another site that runs the same software needs a url, and which of those four it works like.
# like = "uk"

# How many signatures bring a response and a debate on this site; 0 for none. Where petitions carry
# these numbers themselves, theirs are used.
# response_threshold = 10000
# debate_threshold = 100000
"""
