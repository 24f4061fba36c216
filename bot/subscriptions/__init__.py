"""Who hears what, how loudly and when: pure, nothing but the standard library and msgspec."""
