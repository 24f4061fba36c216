"""Petition Bell: a Telegram bot that rings when a petition moves."""

__version__ = "0.1.0"
