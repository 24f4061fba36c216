"""Words messages about what a chat follows, and how to find more."""
