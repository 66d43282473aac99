"""Uploading when not all goes well; and the policy, which does forbid."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import boto3
import pytest
from chromium import Browser
from receipt_images import CAFE_MY, draw, encode
from support import png

from receipts.models import Receipt
from receipts.states import State

pytestmark = [pytest.mark.usefixtures("uploads"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(browser: Browser, ann: Any) -> Browser:
    browser.log_in("ann@example.com")
    browser.go("/upload/")
    return browser


def test_what_cannot_be_read_is_refused_with_its_reason_before_it_is_sent(page: Browser, tmp_path: Path) -> None:
    files = {"notes.txt": b"some words", "huge.png": png() + bytes(1_000_001), "empty.png": b""}
    for name, body in files.items():
        (tmp_path / name).write_bytes(body)
    page.one("#files").send_keys("\n".join(str(tmp_path / name) for name in files))
    assert [reason.text for reason in page.all("#list .reason")] == [
        "Only JPEG, PNG and WebP pictures can be read.",
        "It has 1.0 MB; at most 1.0 MB can be sent.",
        "The file is empty.",
    ]
    assert not Receipt.objects.exists()


def test_a_failed_upload_is_sent_again_on_demand(page: Browser, tmp_path: Path, bucket: str) -> None:
    s3 = boto3.client("s3")
    rules = s3.get_bucket_cors(Bucket=bucket)["CORSRules"]
    s3.delete_bucket_cors(Bucket=bucket)  # the browser may not send there now
    path = tmp_path / "one.png"
    path.write_bytes(png())
    page.one("#files").send_keys(str(path))
    page.until(lambda page: page.one("#list .badge").text == "Not sent")
    assert page.one("#list .reason").text.endswith("was not reached.")
    assert page.complaints()

    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    page.one("#list button").click()
    page.until(lambda page: page.one("#list .badge").text in {"Being read", "Waiting"})
    assert sorted(Receipt.objects.values_list("state", flat=True)) == [State.AWAITING_UPLOAD, State.QUEUED]


def test_what_the_image_store_refuses_is_told_with_its_word(page: Browser, tmp_path: Path, settings: Any) -> None:
    settings.UPLOAD_EXPIRY_SECONDS = -60  # a form that has expired when it arrives
    path = tmp_path / "one.png"
    path.write_bytes(png())
    page.one("#files").send_keys(str(path))
    page.until(lambda page: page.one("#list .badge").text == "Not sent")
    assert page.one("#list .reason").text.startswith("Storage refused the picture (")
    assert page.complaints()


@pytest.mark.usefixtures("reader")
def test_pictures_are_dropped_anywhere_on_the_page_and_read(page: Browser) -> None:
    picture = base64.b64encode(encode(draw(CAFE_MY), "JPEG", quality=85)).decode()
    page.execute_script(
        """
        const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([bytes], "dropped.jpg", { type: "image/jpeg" }));
        const drop = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
        document.querySelector("h1").dispatchEvent(drop);
        """,
        picture,
    )
    page.until(lambda page: page.one("#overall-words").text == "1 of 1 read")
    link = page.one("#list a.name")
    assert link.text == "BANYAN CAFE SDN BHD, 23.25 MYR"
    link.click()
    assert page.path == f"/inbox/{Receipt.objects.get().id}/"


def test_many_at_once_are_one_bulk_upload(page: Browser, tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.png").write_bytes(png(colour=number))
    page.one("#files").send_keys("\n".join(str(tmp_path / f"{number}.png") for number in range(20)))
    page.until(lambda _: Receipt.objects.filter(state=State.QUEUED).count() == 20)
    assert len(set(Receipt.objects.values_list("bulk_upload", flat=True))) == 1
    page.go("/inbox/")
    assert "0 of 20 read" in page.one(".bulk").text


@pytest.mark.parametrize(
    "attempt",
    [
        "document.body.innerHTML = '<p>text made into HTML</p>'",
        "document.body.setAttribute('style', 'color: red')",
        "document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.1:9/x.png' }))",
        "document.body.append(Object.assign(document.createElement('script'), { textContent: '1' }))",
        "fetch('http://127.0.0.1:9/').catch(() => {})",
    ],
)
def test_the_policy_forbids_what_no_page_of_ours_does(page: Browser, attempt: str) -> None:
    assert page.complaints() == []
    page.execute_script(f"try {{ {attempt} }} catch {{}}")
    page.until(lambda page: any("Content Security Policy" in said or "Trusted" in said for said in page.complaints()))
