"""The embedded engine on drawn receipts, recognizer and all."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from receipt_images import CAFE_MY, DINER_US, GROCERIES_DE, draw, encode, photograph

from extraction import Engine, engine_for

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return engine_for(name="local")


def test_german_groceries(engine: Engine) -> None:
    read = engine.extract(encode(draw(GROCERIES_DE)))
    assert (read.merchant, read.purchased_on, read.currency) == ("Lidl", date(2020, 4, 30), "EUR")
    assert (read.total, read.tax, read.payment, read.category) == (
        Decimal("6.65"), Decimal("0.55"), "cash", "groceries",
    )  # fmt: skip
    assert [item.price for item in read.items] == [Decimal(p) for p in ("0.99", "1.78", "2.69", "1.19")]
    assert read.needs_review == []
    assert read.engine == "local"
    assert "Emmentaler" in read.text


def test_malaysian_cafe_tilted_and_photographed(engine: Engine) -> None:
    read = engine.extract(encode(photograph(draw(CAFE_MY, tilt=4)), quality=70))
    assert read.merchant == "BANYAN CAFE SDN BHD"
    assert read.purchased_on == date(2018, 4, 3)
    assert (read.total, read.tax, read.currency) == (Decimal("23.25"), Decimal("1.32"), "MYR")
    assert read.needs_review == []


def test_american_diner_with_tip(engine: Engine) -> None:
    read = engine.extract(encode(draw(DINER_US), "PNG"))
    assert read.merchant == "HARBOR STREET DINER"
    assert read.purchased_on == date(2025, 3, 4)
    assert (read.subtotal, read.tax, read.tip, read.total) == tuple(
        Decimal(value) for value in ("23.75", "2.43", "5.00", "31.18")
    )
    assert (read.currency, read.payment, read.category) == ("USD", "card", "restaurants")


def test_a_blank_page_is_an_honest_nothing(engine: Engine) -> None:
    read = engine.extract(encode(draw([("", "")] * 6)))
    assert read.total is None
    assert read.needs_review == ["No text was found on the picture."]


def test_the_demo_receipt_is_read_correctly(engine: Engine) -> None:
    read = engine.extract((REPOSITORY / "docs" / "demo-receipt.png").read_bytes())
    assert (read.merchant, read.purchased_on, read.currency) == ("Corner Bean Coffee", date(2026, 3, 14), "USD")
    assert (read.subtotal, read.tax, read.total) == (Decimal("15.75"), Decimal("1.42"), Decimal("17.17"))
    assert len(read.items) == 3
    assert read.category == "restaurants"
    assert read.needs_review == []


def test_the_demo_receipt_is_what_its_script_draws(tmp_path: Path) -> None:
    drawn = tmp_path / "demo.png"
    subprocess.run([sys.executable, "scripts/make_demo_receipt.py", str(drawn)], check=True, cwd=REPOSITORY)
    from PIL import Image, ImageChops

    with Image.open(drawn) as new, Image.open(REPOSITORY / "docs" / "demo-receipt.png") as kept:
        assert ImageChops.difference(new.convert("RGB"), kept.convert("RGB")).getbbox() is None


OFFLINE = """
import resource, socket, sys
def forbidden(*_args, **_kwargs):
    raise AssertionError("the local engine touched the network")
socket.socket.connect = forbidden
socket.getaddrinfo = forbidden
from extraction import engine_for
engine = engine_for(name="local")
data = sys.stdin.buffer.read()
for _ in range(3):
    assert engine.extract(data).total is not None
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_offline_and_within_its_memory() -> None:
    """A worker's limits are planned with 1.2 GB; the largest picture we pass to the recognizer is the worst case."""
    data = encode(draw(CAFE_MY, size=100, width=2400))
    ran = subprocess.run([sys.executable, "-c", OFFLINE], input=data, capture_output=True, check=False,
                         env={"PYTHONPATH": str(REPOSITORY / "app_src"), "PATH": ""})  # fmt: skip
    assert ran.returncode == 0, ran.stderr.decode()
    assert int(ran.stdout) < 1200
