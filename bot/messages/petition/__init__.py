"""Words messages about one petition."""
