"""Static files: each under a name that holds its content's hash, so that browsers keep it for good."""

from __future__ import annotations

from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage. Where nothing was collected (a source tree), the names are the files' own.

    Always this class, whether or not there is a collected folder: `collectstatic` itself runs before there is one.
    """

    support_js_module_import_aggregation = True

    def url(self, name: str, force: bool = False) -> str:
        if not self.hashed_files:
            return str(FileSystemStorage.url(self, name))
        return str(super().url(name, force=force))
