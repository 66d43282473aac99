"""Modules that a rehearsed version has and the application has not: one is copied into its source, never run here."""
