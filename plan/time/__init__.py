"""How long a deploy takes, in which order, and what is down meanwhile."""
