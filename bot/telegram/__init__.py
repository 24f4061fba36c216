"""All that is particular to Telegram: receiving, its errors and limits, entities and buttons."""
