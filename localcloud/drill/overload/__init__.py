"""Ten times the load: refused politely, nothing lost, and over when it is over."""
