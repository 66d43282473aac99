from datetime import UTC, datetime

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class OpenAIGatewayConfig(AppConfig):
    name = "openai_gateway"

    def ready(self) -> None:
        """A model without a price would make a budget without a meaning: the program does not start."""
        if settings.EXTRACTION_ENGINE != "openai":
            return
        from openai_gateway.prices import UnknownPriceError, price_of

        for model in (settings.OPENAI_MODEL, settings.OPENAI_STRONG_MODEL):
            try:
                price_of(model, day=datetime.now(tz=UTC).date())
            except UnknownPriceError as error:
                raise ImproperlyConfigured(str(error)) from error
