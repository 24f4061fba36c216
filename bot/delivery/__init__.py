"""From the outbox to an accepted message: who may send what, and when."""
