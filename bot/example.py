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

# How updates come in. This version knows "polling".
mode = "polling"

# Telegram ids of the people who run this bot.
admins = []

[storage]
# Where subscriptions are kept; the folder is made on the first start.
url = "tinydb:data/petition-bell.db"

# The file of the store's key, kept apart from the data. Not used yet by this version.
key_file = "petition-bell.key"

[poll]
# The longest a followed petition waits for its next look. The site counts about once a minute.
interval = "60s"

# The most requests a minute to each site; with more followed than that, looks take longer to come.
requests_per_minute = 60

[log]
# debug, info, warning or error.
level = "info"

# console for people, json for machines.
format = "console"

# One table for each petitions site; the first one is meant when somebody sends a bare number.
[[sites]]
# A short name of a-z and 0-9. It is part of every subscription: never change it afterwards.
id = "uk"
name = "UK Parliament"
url = "https://petition.parliament.uk"

# Signatures for a government response and for a debate, as the site promises them; 0 for none.
response_threshold = 10000
debate_threshold = 100000
"""
