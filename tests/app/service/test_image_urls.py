"""Signed addresses of pictures: what CloudFront, or S3, opens for whoever holds one, and what it refuses."""

from __future__ import annotations

import datetime
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.utils import timezone
from PIL import Image
from support import read_receipt, receipt

from localcloud.dataplane.distribution import signatures
from localcloud.dataplane.specs import PublicKeySpec
from receipts import pictures, signing, storage

DOMAIN = "d111111abcdef8.cloudfront.net"
KEYS = {
    "RSA": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ECDSA": ec.generate_private_key(ec.SECP256R1()),
}
pytestmark = pytest.mark.usefixtures("bucket")


@pytest.fixture(autouse=True)
def _forget_signatures() -> None:
    for function in (signing._signature_for, signing._from_cloudfront, signing._from_s3, signing._signer):
        function.cache_clear()


@pytest.fixture(params=KEYS)
def cdn(request, settings) -> PublicKeySpec:
    key = KEYS[request.param]
    settings.IMAGE_DOMAIN, settings.IMAGE_KEY_PAIR_ID, settings.IMAGE_SIGNING_KEY = DOMAIN, "K1", key
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return PublicKeySpec(key_pair_id="K1", pem=pem.decode())


def opens(url: str, key: PublicKeySpec, *, after: float = 0) -> bool:
    """Whether CloudFront lets a viewer through who comes with this address, `after` seconds from now."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    viewer = signatures.ViewerRequest(
        scheme=parts.scheme, host=parts.netloc, target=target, address="127.0.0.1", cookies={}
    )
    try:
        signatures.check(viewer, keys=[key], now=timezone.now().timestamp() + after)
    except signatures.RefusedError:
        return False
    return True


def shown(api, made) -> dict:
    return api.get(f"/api/v1/receipts/{made.id}/images/").json()


def with_pictures(user):
    return read_receipt(user, pictures_at=timezone.now(), width=1200, height=1600)


def test_addresses_open_the_picture_and_end(api, user, cdn) -> None:
    made = with_pictures(user)
    found = shown(api, made)
    assert found["thumbnail"].startswith(f"https://{DOMAIN}/{pictures.thumbnail_key(made)}?")
    assert found["photo"].startswith(f"https://{DOMAIN}/{pictures.photo_key(made)}?")
    ends = datetime.datetime.fromisoformat(found["expires_at"]) - timezone.now()
    assert datetime.timedelta(minutes=10) <= ends <= datetime.timedelta(minutes=15)
    for name in ("thumbnail", "photo"):
        assert opens(found[name], cdn)
        assert not opens(found[name].partition("?")[0], cdn)
        assert not opens(found[name], cdn, after=ends.total_seconds() + 1)
        assert not opens(found[name], PublicKeySpec(key_pair_id="K2", pem=cdn.pem))


def test_no_signature_opens_anothers_picture_or_an_original(user, make_user, cdn) -> None:
    """The query of an address, put behind other paths, and paths made to look like its own."""
    made, other = with_pictures(user), with_pictures(make_user("other@example.com"))
    neighbour = pictures.thumbnail_key(made).replace(f"/{user.id}/", f"/{user.id}1/")
    for address in (signing.addresses(made).thumbnail, signing.addresses(made).photo):
        query = address.partition("?")[2]
        own = urlsplit(address).path
        assert opens(f"https://{DOMAIN}{own}?{query}", cdn)
        for path in (made.key, pictures.photo_key(other), pictures.thumbnail_key(other), other.key, neighbour, ""):
            assert not opens(f"https://{DOMAIN}/{path}?{query}", cdn), path
            assert not opens(f"https://{DOMAIN}/{path}?x={own}&{query}", cdn), path
        for scheme, host in (("http", DOMAIN), ("https", "elsewhere.example.com")):
            assert not opens(f"{scheme}://{host}{own}?{query}", cdn)


def test_one_signature_serves_a_list_and_only_thumbnails(user, cdn) -> None:
    first, second = with_pictures(user), with_pictures(user)
    queries = {signing.thumbnail(each).partition("?")[2] for each in (first, second)}
    assert len(queries) == 1
    assert signing._signature_for.cache_info().misses == 1
    assert not opens(f"https://{DOMAIN}/{pictures.photo_key(first)}?{queries.pop()}", cdn)


def test_addresses_stay_the_same_for_minutes(user, cdn, monkeypatch) -> None:
    made = with_pictures(user)
    seen = []
    for moment in (1_800_000_000, 1_800_000_299, 1_800_000_300):
        monkeypatch.setattr(signing.time, "time", lambda moment=moment: moment)
        seen.append(signing.addresses(made))
    assert seen[0] == seen[1] != seen[2]


def test_without_a_key_s3_opens_the_picture_itself(api, user) -> None:
    made = receipt(user, body=b"-")
    pictures.keep(made, Image.new("RGB", (400, 400), "white"), content_sha256="a" * 64)
    found = shown(api, made)
    for name in ("thumbnail", "photo"):
        with urllib.request.urlopen(found[name], timeout=10) as answer:  # noqa: S310
            assert answer.read(3) == b"\xff\xd8\xff"
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(found[name].replace(str(made.id), "another"), timeout=10)  # noqa: S310
    assert shown(api, made) == found, "the browser's cache goes by the address"


def test_there_is_nothing_to_show_before_the_worker_made_it(api, user) -> None:
    assert set(shown(api, receipt(user)).values()) == {None}


def test_anothers_pictures_do_not_exist(api_of, make_user, user) -> None:
    stranger = api_of(make_user("stranger@example.com"))
    assert stranger.get(f"/api/v1/receipts/{with_pictures(user).id}/images/").status_code == 404


def test_pages_may_load_pictures_and_send_uploads_there(settings, cdn) -> None:
    assert signing.origin() == f"https://{DOMAIN}"
    form = storage.upload_form(key="receipts/1/x", content_type="image/png", size=1)
    assert form.url.startswith(storage.origin())
    settings.IMAGE_DOMAIN = None
    assert signing.origin() == storage.origin()
