"""Petition Bell: a Telegram bot that tells people when something happens to a petition."""

__version__ = "1.0.0"
