"""Messages of the settings."""
