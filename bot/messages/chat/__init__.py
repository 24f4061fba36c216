"""Words messages about the chat, the bot and its errors."""
