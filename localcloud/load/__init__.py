"""`make load`: how much the platform takes as it is given more, and whether it stays as it is over an hour."""
