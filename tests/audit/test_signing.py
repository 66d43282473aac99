"""A report that has been changed in any byte is not what was signed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.__main__ import main
from audit.assembly import AuditError
from audit.signing import KEY_VARIABLE, LOCAL_KEY, PUBLIC_KEY, fingerprint, seal, signing_key, verify

FILES = {"index.html": b"<p>all is well</p>\n", "report.json": b'{"ok": true}\n', "below/it.csv": b"a,b\r\n"}


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture
def sealed(tmp_path: Path, key: Ed25519PrivateKey) -> Path:
    folder = tmp_path / "report"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    seal(folder, {"environment": "prod"}, key)
    return folder


def test_what_was_sealed_verifies(sealed: Path, key: Ed25519PrivateKey) -> None:
    verdict = verify(sealed)
    assert verdict.ok
    assert verdict.fingerprint == fingerprint(key.public_key())
    assert not verdict.trusted, "a key that came with the report proves nothing about its owner"
    assert verify(sealed, key=sealed / PUBLIC_KEY).trusted


def test_a_changed_byte_of_any_file_is_found(sealed: Path) -> None:
    """Every byte of every file, manifest, signature and public key among them."""
    files = [file for file in sorted(sealed.rglob("*")) if file.is_file()]
    assert len(files) == len(FILES) + 3
    for file in files:
        content = file.read_bytes()
        for place in range(len(content)):
            file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            try:
                found = not verify(sealed).ok
            except AuditError:
                found = True
            assert found, f"byte {place} of {file.name}"
        file.write_bytes(content + b"\n")
        assert not verify(sealed).ok, f"a byte more in {file.name}"
        file.write_bytes(content)
    assert verify(sealed).ok


def test_files_that_come_or_go_are_found(sealed: Path) -> None:
    (sealed / "more.txt").write_text("x")
    assert verify(sealed).faults == ("more.txt is not in the manifest",)
    (sealed / "more.txt").unlink()
    (sealed / "report.json").unlink()
    assert verify(sealed).faults == ("report.json is missing",)


def test_another_persons_seal_is_good_only_where_no_key_was_asked_for(sealed: Path, tmp_path: Path) -> None:
    trusted = tmp_path / "trusted.pub"
    trusted.write_bytes((sealed / PUBLIC_KEY).read_bytes())
    (sealed / "report.json").write_text('{"ok": false}')
    seal(sealed, {"environment": "prod"}, Ed25519PrivateKey.generate())
    assert verify(sealed).ok
    assert not verify(sealed, key=trusted).ok


def test_the_command_says_so_by_its_exit_code(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(sealed)]) == 0
    assert "compare the fingerprint" in capsys.readouterr().out
    (sealed / "index.html").write_bytes(b"<p>all is well!</p>\n")
    assert main(["verify", str(sealed)]) == 1
    assert "index.html has been changed" in capsys.readouterr().out
    assert main(["verify", str(sealed / "below")]) == 2


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    first, second = signing_key(tmp_path), signing_key(tmp_path)
    assert fingerprint(first.public_key()) == fingerprint(second.public_key())
    assert stat.S_IMODE((tmp_path / LOCAL_KEY).stat().st_mode) == 0o600


def test_a_key_that_was_given_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: Ed25519PrivateKey) -> None:
    file = tmp_path / "given.pem"
    monkeypatch.setenv(KEY_VARIABLE, str(file))
    with pytest.raises(AuditError, match="openssl genpkey"):
        signing_key(tmp_path)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(pem)
    assert fingerprint(signing_key(tmp_path).public_key()) == fingerprint(key.public_key())
    assert not (tmp_path / LOCAL_KEY).exists()
