"""The frame of every page that the local cloud writes: one file that loads nothing from elsewhere."""

from __future__ import annotations

from html import escape


def document(*, title: str, style: str, body: str, scripts: bool = False) -> str:
    """A whole page. `body` is HTML, `title` is text; `scripts` lets those run that are in the page."""
    policy = "default-src 'none'; style-src 'unsafe-inline'" + ("; script-src 'unsafe-inline'" if scripts else "")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""
