"""Keeps the store in PostgreSQL, for several processes."""
