"""The offline world: a petitions site, a Bot API and a chat page, all on loopback."""
