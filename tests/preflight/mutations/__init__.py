"""Faults planted into the real prod assembly, one module per topic."""
