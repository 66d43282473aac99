"""A report as files: JSON, CSV, SARIF, OSCAL, and one page for people."""
