"""Where data stays: an inventory of every store, and what is promised about each, checked in the templates."""
