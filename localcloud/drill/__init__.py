"""Drills: something is broken on the local cloud on purpose, and what must come of it is checked."""
