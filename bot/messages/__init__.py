"""What the bot says: events and petitions made into messages, and the buttons beneath them."""
