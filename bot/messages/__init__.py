"""Turns events and petitions into messages, plain values with the buttons beneath them."""
