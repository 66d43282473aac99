"""Readers of resource types, a module for each field of AWS; importing one registers its readers."""
