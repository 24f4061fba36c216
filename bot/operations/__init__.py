"""Serves those who run the bot: its health, figures, alerts and commands, seen from outside."""
