"""Messages about one petition."""
