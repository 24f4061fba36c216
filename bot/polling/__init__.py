"""From a site's answers to one commit: what may be asked of the site, by whom, and when."""
