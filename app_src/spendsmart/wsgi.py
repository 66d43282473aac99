"""WSGI entry point: `gunicorn --config gunicorn.conf.py spendsmart.wsgi`."""

import os

import django
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "spendsmart.settings")
django.setup()

from spendsmart import tracing  # noqa: E402  (Django's settings come first)

tracing.start("web")
application = get_wsgi_application()

from accounts.signing_keys import ring  # noqa: E402

ring.load()
