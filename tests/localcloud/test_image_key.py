"""The local cloud's own key pair of image URLs."""

from __future__ import annotations

import stat
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from infra.image_key import image_public_key
from localcloud import image_key, layout


def test_the_app_finds_the_public_half_of_a_key_that_stays_private(home: Path) -> None:
    image_key.make("dev")
    private = home / "secrets" / "image-signing.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    key = serialization.load_pem_private_key(private.read_bytes(), password=None)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert image_public_key("dev", folder=image_key.folder()) == public.decode()
    assert not [path for path in image_key.folder().iterdir() if "PRIVATE" in path.read_text()]


def test_the_pair_is_made_once(home: Path) -> None:
    image_key.make("dev")
    first = image_public_key("dev", folder=image_key.folder())
    image_key.make("dev")
    image_key.make("prod")
    assert image_public_key("dev", folder=image_key.folder()) == first
    assert image_public_key("prod", folder=image_key.folder()) == first


def test_an_environment_without_a_cdn_gets_no_key(home: Path) -> None:
    (layout.folder() / "outputs.json").write_text("{}")
    image_key.make("preview")
    image_key.hand_over()
