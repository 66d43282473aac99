"""Typed configuration: one TOML file per environment, one frozen model, every fault in one message."""

from infra.config.loading import ConfigurationError, load_environment
from infra.config.models import Environment

__all__ = ["ConfigurationError", "Environment", "load_environment"]
