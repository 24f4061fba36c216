"""From a site to one commit: what may be asked of it, and by whom."""
