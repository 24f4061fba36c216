"""Words the messages of the settings."""
