"""`make prices`, from a server on this machine that answers in the form of AWS's price list."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from plan.cost.prices import FILE, price_book
from plan.offers import wanted
from plan.refresh import main

REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
PREFIXES = {"us-east-1": "", "us-west-2": "USW2-", "eu-west-1": "EU-"}


class List:
    """What the server answers: by offer and region a file; a status in place of a file where one is set."""

    def __init__(self) -> None:
        self.offers: dict[tuple[str, str], dict[str, Any]] = {}
        self.status = 200
        self.body: bytes | None = None

    def add(self, offer: str, usagetype: str, usd: str, *, regions: tuple[str, ...] = REGIONS, **more: Any) -> None:
        for region in regions:
            file = self.offers.setdefault((offer, region), empty())
            sku = f"SKU{len(file['products'])}"
            attributes = {"usagetype": PREFIXES[region] + usagetype, **more.get("attributes", {})}
            file["products"][sku] = {
                "sku": sku,
                "productFamily": more.get("family", ""),
                "attributes": attributes,
            }
            dimension = {"beginRange": "0", "endRange": "Inf", "unit": "x", "pricePerUnit": {"USD": usd}}
            file["terms"]["OnDemand"][sku] = {f"{sku}.T": {"priceDimensions": {f"{sku}.T.D": dimension}}}


def empty() -> dict[str, Any]:
    return {
        "formatVersion": "v1.0",
        "publicationDate": "2026-11-20T17:00:00Z",
        "products": {},
        "terms": {"OnDemand": {}},
    }


@pytest.fixture
def listed() -> Iterator[tuple[List, str]]:
    """The list and its address."""
    answers = List()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = self.path.split("/")
            assert parts[1:4] == ["offers", "v1.0", "aws"]
            body = json.dumps(answers.offers.get((parts[4], parts[6]), empty())).encode()
            self.send_response(answers.status)
            self.end_headers()
            self.wfile.write(body if answers.body is None else answers.body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield answers, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    return Path(shutil.copy(FILE, tmp_path / "prices.json"))


def taken(prices: Path, url: str) -> int:
    price_book.cache_clear()
    return main(["--url", url, "--file", str(prices)])


def test_a_price_is_taken_with_its_source_and_date(
    listed: tuple[List, str], prices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers, url = listed
    answers.add("AmazonECS", "Fargate-ARM-vCPU-Hours:perCPU", "0.04")
    assert taken(prices, url) == 0
    price = price_book(prices).price("fargate.arm64.vcpu", "us-west-2")
    assert (price.usd, price.date, price.confidence) == (0.04, "2026-11-20", "high")
    assert "price list" in price.source
    assert "1 prices taken, 1 of them changed" in capsys.readouterr().out


def test_a_database_is_found_by_its_class_and_placement(listed: tuple[List, str], prices: Path) -> None:
    answers, url = listed
    for placement, usd in (("Single-AZ", "0.2"), ("Multi-AZ", "0.4")):
        attributes = {"instanceType": "db.m7g.large", "databaseEngine": "PostgreSQL", "deploymentOption": placement}
        answers.add("AmazonRDS", f"Usage:{placement}", usd, family="Database Instance", attributes=attributes)
    assert taken(prices, url) == 0
    book = price_book(prices)
    assert book.price("rds.postgres.db.m7g.large.multi_az", "eu-west-1").usd == 0.4
    assert book.price("rds.postgres.db.m7g.large.single_az", "eu-west-1").usd == 0.2


def test_a_price_for_one_becomes_a_price_for_many(listed: tuple[List, str], prices: Path) -> None:
    answers, url = listed
    answers.add("awswaf", "RequestV2-Tier1", "0.0000007")
    assert taken(prices, url) == 0
    price = price_book(prices).price("waf.requests", "us-east-1")
    assert (price.usd, price.per) == (0.7, 1_000_000)


@pytest.mark.parametrize("usd", ["40", "0.0001"])
def test_a_price_that_cannot_be_right_is_not_taken(
    usd: str, listed: tuple[List, str], prices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers, url = listed
    answers.add("AmazonECS", "Fargate-ARM-vCPU-Hours:perCPU", usd)
    assert taken(prices, url) == 0
    assert price_book(prices).price("fargate.arm64.vcpu", "us-east-1").usd == 0.03238
    assert "fargate.arm64.vcpu: 0.03238 would become" in capsys.readouterr().out


def test_a_price_that_is_there_twice_or_in_one_region_alone_is_not_taken(
    listed: tuple[List, str], prices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers, url = listed
    answers.add("awskms", "KMS-Keys", "1.1")
    answers.add("awskms", "KMS-Keys", "1.2")
    answers.add("AmazonVPC", "VpcEndpoint-Hours", "0.011", regions=("us-east-1",))
    assert taken(prices, url) == 0
    assert price_book(prices).price("kms.key", "us-east-1").usd == 1
    out = capsys.readouterr().out
    assert "as it was kms.key" in out
    assert "as it was vpc_endpoint.interface.hour_per_az: no product of AmazonVPC in eu-west-1" in out


def test_a_usage_type_is_not_taken_for_another_that_ends_alike(listed: tuple[List, str], prices: Path) -> None:
    answers, url = listed
    answers.add("awswaf", "ShieldProtected-RequestV2-Tier1", "0.0000009")
    assert taken(prices, url) == 0
    assert price_book(prices).price("waf.requests", "us-east-1").usd == 0.6


def test_nothing_else_of_the_file_changes(listed: tuple[List, str], prices: Path) -> None:
    answers, url = listed
    answers.add("awskms", "KMS-Keys", "1.5")
    before = prices.read_text().splitlines()
    assert taken(prices, url) == 0
    after = prices.read_text().splitlines()
    assert len([line for line in after if line not in before]) == 2
    assert all("aws-price-list" in line for line in after if line not in before)
    assert len([line for line in before if line not in after]) == 1


@pytest.mark.parametrize(("status", "body"), [(403, b"no"), (200, b"<html>"), (200, b"[]"), (200, b'{"a": 1}')])
def test_an_answer_that_is_no_list_changes_nothing(
    status: int, body: bytes, listed: tuple[List, str], prices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers, url = listed
    answers.status, answers.body = status, body
    before = prices.read_bytes()
    assert taken(prices, url) == 2
    assert prices.read_bytes() == before
    assert "prices: http://127.0.0.1" in capsys.readouterr().err


def test_no_network_is_said_in_words(prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = prices.read_bytes()
    assert taken(prices, "http://127.0.0.1:9") == 2
    error = capsys.readouterr().err
    assert "AWS's price list cannot be reached" in error
    assert "Traceback" not in error
    assert prices.read_bytes() == before


def test_prices_come_over_https_alone(prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert taken(prices, "file:///etc") == 2
    assert "over HTTPS alone" in capsys.readouterr().err


def test_every_instance_and_node_of_the_file_is_mapped() -> None:
    keys = [key for key in price_book().entries if key.startswith(("rds.postgres.db.", "elasticache."))]
    assert keys
    assert all(wanted(key) for key in keys)
