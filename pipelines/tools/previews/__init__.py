"""Previews from outside: what people and the pipeline do with them, by AWS's API and GitHub's alone."""
