"""What is said of a preview: its comment, with what the account knows of it."""

from __future__ import annotations

from datetime import UTC, datetime

from botocore.exceptions import ClientError

from pipelines.tools.previews.account import Account
from previews.comment import Access, Comment, Failure, render
from previews.life import Preview

DEMO_USER = "demo@example.com"
"""Of the template database (`seed_preview`)."""


def comment(
    account: Account,
    name: str,
    *,
    with_link: bool,
    failure: Failure | None = None,
    ended: str = "",
) -> str:
    """The Markdown of a preview's comment as things are now.

    `with_link` puts the token into it: for a comment that only those read who may see the preview.
    """
    preview = account.preview(name)
    return render(
        Comment(
            name=name,
            preview=preview,
            terms=account.terms,
            now=datetime.now(tz=UTC),
            daily_usd=account.daily_usd(preview) if preview else None,
            access=_access(account, preview, with_link=with_link) if preview and preview.url else None,
            logs_command=_logs(account, preview) if preview else "",
            failure=failure,
            ended=ended,
        )
    )


def link(account: Account, preview: Preview) -> str:
    """The address that lets in whoever opens it; empty where these credentials may not read the token."""
    secret = preview.outputs.get("PreviewAccessToken", "")
    if not secret or not preview.url:
        return ""
    try:
        token = account.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    except ClientError:
        return ""
    return f"{preview.url}/?access={token}"


def _access(account: Account, preview: Preview, *, with_link: bool) -> Access:
    where = f"ENV={account.environment.name}"
    return Access(
        link=link(account, preview) if with_link else "",
        user=DEMO_USER,
        token_command=f"make preview-link NAME={preview.name} {where}",
        password_command=f"make preview-password {where}",
    )


def _logs(account: Account, preview: Preview) -> str:
    group = preview.outputs.get("PreviewLogs", "")
    region = account.environment.regions.primary
    return f"aws logs tail {group} --follow --since 15m --region {region}" if group else ""
