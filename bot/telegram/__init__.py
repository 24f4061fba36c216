"""What is Telegram's and nobody else's."""
