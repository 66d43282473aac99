"""What the templates need: amounts as people write them, states in words, and icons."""

from __future__ import annotations

from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pages.words import STATES
from receipts.models import Receipt

register = template.Library()

# ISO 4217: currencies without a smaller unit.
_WHOLE = {
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF")
}

_ICONS = {
    "inbox": '<path d="M4 13h4l2 3h4l2-3h4M4 13l3-8h10l3 8v6H4z"/>',
    "camera": '<path d="M4 8h3l2-3h6l2 3h3v11H4z"/><circle cx="12" cy="13" r="3.5"/>',
    "chart": '<path d="M5 20V10M12 20V4M19 20v-7"/>',
    "settings": '<path d="M4 7h9M17 7h3M4 17h3M11 17h9"/><circle cx="15" cy="7" r="2"/><circle cx="9" cy="17" r="2"/>',
    "receipt": '<path d="M6 3h12v18l-3-2-3 2-3-2-3 2z"/><path d="M9 8h6M9 12h6"/>',
    "check": '<path d="m5 13 4 4L19 7"/>',
    "search": '<circle cx="11" cy="11" r="6"/><path d="m20 20-4.5-4.5"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "minus": '<path d="M5 12h14"/>',
    "fit": '<path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/>',
    "alert": '<path d="M12 4 2.5 20h19z"/><path d="M12 10v4M12 17v.1"/>',
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """Decoration only: what it means stands beside it in words."""
    paths = SafeString(_ICONS[name])  # our own constants
    return format_html('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>', paths)


@register.filter
def money(amount: Decimal | None, currency: str = "") -> str:
    """`1234.5` and `EUR` as `1,234.50 EUR`; without a currency the bare number, nothing for None."""
    if amount is None:
        return ""
    text = f"{amount:,.0f}" if currency in _WHOLE else f"{amount:,.2f}"
    # A real minus, and no line break before the currency.
    return f"{text}\u00a0{currency}".replace("-", "\u2212").rstrip()


@register.filter
def state_word(receipt: Receipt) -> str:
    return STATES[receipt.state].word


@register.filter
def state_kind(receipt: Receipt) -> str:
    return STATES[receipt.state].kind


@register.filter
def short(amount: Decimal) -> str:
    """A number of a scale: `1200` as `1.2k`."""
    for size, letter in ((10**6, "M"), (10**3, "k")):
        if amount >= size:
            return f"{float(amount / size):g}{letter}"
    return f"{float(amount):g}"


_BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "a Mac",
    "Linux": "Linux",
}


@register.filter
def device(user_agent: str) -> str:
    """`Chrome on Linux`, for what people know; otherwise the first word of what it calls itself."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS.items() if mark in user_agent), None)
    if browser:
        return f"{browser} on {system}" if system else browser
    return user_agent.split(" ")[0][:40] or "An application"
