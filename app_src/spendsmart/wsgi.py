"""WSGI entry point: `gunicorn --config gunicorn.conf.py spendsmart.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "spendsmart.settings")
application = get_wsgi_application()

from accounts.signing_keys import ring  # noqa: E402  (Django's settings come first)

ring.load()
