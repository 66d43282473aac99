"""Typed configuration: one TOML file per environment, one frozen model, every fault in one message."""

from infra.config.loading import ConfigurationError, load_environment
from infra.config.models import Environment
from infra.config.recovery import in_second_region

__all__ = ["ConfigurationError", "Environment", "in_second_region", "load_environment"]
