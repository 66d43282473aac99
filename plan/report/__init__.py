"""A plan for people (terminal, Markdown, HTML) and for programs (JSON)."""
