"""Second opinions: other tools over the same templates, code and image, each shown as passed, failed or not run."""
