"""What a change does to who may reach what, in words."""
