"""Keeps the store in TinyDB, journalled, encrypted and crash-safe, for one process."""
