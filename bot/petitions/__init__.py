"""The functional core: no I/O, no clock, nothing but the standard library and msgspec."""
