"""Messages about the chat, the bot and its errors."""
