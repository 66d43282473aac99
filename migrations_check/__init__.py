"""Refuses migrations that would disturb the release that is running while they run."""
