"""Holds what is Telegram's and nobody else's."""
