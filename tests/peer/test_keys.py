"""Keys from a file that people make and kubelets replace."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tenure.errors import ConfigurationError
from tenure.peer.keys import KeyFile, read_keys

OLD, NEW = "old-" + "x" * 40, "new-" + "y" * 40


@contextmanager
def nobody() -> Iterator[None]:
    """Have no more rights than anybody, where the tests run as root."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "peers.key"


def test_each_line_is_a_secret_and_the_first_seals(path: Path) -> None:
    path.write_text(f"{OLD}\n")
    assert [key.secret for key in read_keys(path).valid] == [OLD.encode()]
    path.write_text(f"\n {NEW}\r\n\n{OLD}  \n\n")
    keys = read_keys(str(path))
    assert [key.secret for key in keys.valid] == [NEW.encode(), OLD.encode()]
    assert keys.signing.secret == NEW.encode()
    assert all(keys.find(key.id) == key.secret for key in keys.valid)
    assert keys.find(b"none") is None


def test_the_recipe_of_the_documentation_makes_one(path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "peer-wire.md").read_text()
    recipe = next(line.strip() for line in page.splitlines() if "urandom" in line)
    subprocess.run(recipe, shell=True, cwd=path.parent, check=True)
    assert len(read_keys(path).signing.secret) == 44


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is empty; make a secret with: head -c 32 /dev/urandom | base64 > "),
        (b" \n\n", "is empty"),
        (b"short\n", "line 1 has 5 characters, but a secret needs at least 32"),
        (OLD.encode() + b"\n\n" + b"x" * 31, "line 3 has 31 characters"),
        (b"# the secret of all members, do not lose it\n" + OLD.encode(), "line 1 holds blanks"),
        (bytes(range(128, 168)), "line 1 holds blanks or what is no printable ASCII"),
        ("".join(f"{number}{OLD}\n" for number in range(3)).encode(), "holds 3 secrets, but only 2"),
        (f"{OLD}\n{OLD}\n".encode(), "holds one secret twice"),
        (b"x" * 5000, "is longer than 4096 bytes"),
    ],
)
def test_a_file_that_is_not_in_order_is_told_in_one_line(path: Path, content: bytes, fault: str) -> None:
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        read_keys(path)
    message = str(caught.value)
    assert str(path) in message
    assert fault in message
    assert message.isprintable()
    assert not any(secret in message for secret in (OLD, "xxxx", "the secret of all"))


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("none", "cannot read .*: No such file or directory; .* made with: head"),
        (".", "is no regular file"),
        ("pipe", "is no regular file"),
        ("a\0b", "cannot read .*: embedded null byte"),
        ("peers.key/x", "cannot read .*: Not a directory"),
    ],
)
def test_what_is_no_file_is_told(path: Path, name: str, fault: str) -> None:
    path.write_text(OLD)
    os.mkfifo(path.parent / "pipe")
    with pytest.raises(ConfigurationError, match=fault):
        read_keys(path.parent / name)


def test_a_file_that_may_not_be_read_is_told(path: Path) -> None:
    path.write_text(OLD)
    path.chmod(0)
    with nobody(), pytest.raises(ConfigurationError, match="Permission denied"):
        read_keys(path)


def test_no_secret_is_shown(path: Path) -> None:
    path.write_text(f"{OLD}\n{NEW}\n")
    keys = read_keys(path)
    for text in (repr(keys), repr(keys.signing), str(keys.signing), f"{keys}"):
        assert "xxxx" not in text
        assert keys.signing.id.hex() in text


def mount(folder: Path, version: str, content: str) -> None:
    """Write the file as a kubelet does: a folder per version, and a link that is replaced."""
    (folder / version).mkdir()
    (folder / version / "peers.key").write_text(content)
    (folder / "..data.new").symlink_to(version)
    (folder / "..data.new").rename(folder / "..data")


def test_it_is_read_again_when_it_was_replaced(tmp_path: Path) -> None:
    mount(tmp_path, "..1", OLD)
    (tmp_path / "peers.key").symlink_to("..data/peers.key")
    file = KeyFile(tmp_path / "peers.key")
    first = file.keys
    assert not file.refresh()
    assert file.keys == first
    mount(tmp_path, "..2", f"{OLD}\n{NEW}")
    assert file.refresh()
    assert [key.secret for key in file.keys.valid] == [OLD.encode(), NEW.encode()]
    mount(tmp_path, "..3", f"{NEW}\n{OLD}")
    assert file.refresh()
    assert file.keys.signing.secret == NEW.encode()
    assert not file.refresh()


def test_a_file_that_is_in_disorder_later_leaves_the_last_good_keys(path: Path) -> None:
    path.write_text(OLD)
    file = KeyFile(path)
    good = file.keys
    for spoil in (lambda: path.write_text("short"), path.unlink):
        spoil()
        for _ in range(2):
            with pytest.raises(ConfigurationError):
                file.refresh()
            assert file.keys == good
    path.write_text(NEW)
    assert file.refresh()
    assert file.keys.signing.secret == NEW.encode()


def test_a_file_that_was_never_in_order_is_told_at_once(path: Path) -> None:
    with pytest.raises(ConfigurationError):
        KeyFile(path)
