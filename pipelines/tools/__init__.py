"""What buildspecs run beside the repository's own commands; each is `python -m pipelines.tools.<name>`."""
