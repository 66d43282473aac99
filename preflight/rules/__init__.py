"""The rules, one module per topic. Every module here is imported by `preflight.engine`."""
