"""Decides who hears what, how loudly and when: pure, on the standard library and msgspec."""
