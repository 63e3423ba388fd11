"""Where OpenSeadragon comes from: this tree holds none of it, and every way to it ends at one hash.

Standard library only: the build hook loads this file by its path, before anything is installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

OPENSEADRAGON_SHA256 = "86b60a9088c8c162bef278bbf22e070958ded16acf4627a73e206c95ea42831e"
ENVIRONMENT_VARIABLE = "FIBROREAD_OPENSEADRAGON"

_TARGET = Path(__file__).parent / "deep_zoom_view" / "openseadragon.js"
_SOURCE_DISTRIBUTION = "openslide-python==1.4.7"  # carries OpenSeadragon 6.1.1 in examples/deepzoom/static
_NPM_PACKAGE = "openseadragon@6.1.1"
_LONGEST_DOWNLOAD_S = 90
_LARGEST_BYTES = 8 * 1024 * 1024


class OpenSeadragonMissing(RuntimeError):
    """No way led to OpenSeadragon; the text lists what was tried."""


def ensure_openseadragon(target: Path = _TARGET) -> Path:
    """Give the path of OpenSeadragon 6.1.1, fetching it once when it is not there.

    In this order: the file already in place; the file named by FIBROREAD_OPENSEADRAGON; the source distribution
    of openslide-python through pip; the npm package. All must have the one SHA-256.
    Raises: OpenSeadragonMissing.
    """
    if _is_right(target):
        return target
    tried: list[str] = []
    content = _from_environment(tried) or _from_registries(tried)
    if content is None:
        raise OpenSeadragonMissing(_advice(tried))
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def _advice(tried: list[str]) -> str:
    return (
        "OpenSeadragon 6.1.1, the viewer's drawing library, could not be fetched.\n  "
        + "\n  ".join(tried)
        + f"\nWithout a network: copy openseadragon.js of {_NPM_PACKAGE} (build/openseadragon/) or of the source "
        f"distribution {_SOURCE_DISTRIBUTION} (examples/deepzoom/static/) to this machine and name it in "
        f"{ENVIRONMENT_VARIABLE}. Its SHA-256 is {OPENSEADRAGON_SHA256}."
    )


def _has_right_hash(content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == OPENSEADRAGON_SHA256


def _is_right(path: Path) -> bool:
    return path.is_file() and path.stat().st_size <= _LARGEST_BYTES and _has_right_hash(path.read_bytes())


def _from_environment(tried: list[str]) -> bytes | None:
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    if not named:
        tried.append(f"{ENVIRONMENT_VARIABLE}: not set")
        return None
    path = Path(named).expanduser()
    if _is_right(path):
        return path.read_bytes()
    tried.append(f"{ENVIRONMENT_VARIABLE}: {path} is {'another file' if path.exists() else 'not there'}")
    return None


def _from_registries(tried: list[str]) -> bytes | None:
    for command in _commands():
        with tempfile.TemporaryDirectory(prefix="fibroread-") as folder:
            words = " ".join(Path(command[0]).name if part == command[0] else part for part in command[:4])
            problem = _run(command, Path(folder))
            content = _inside_archives(Path(folder))
            if content is not None:
                return content
            tried.append(f"{words} ...: {problem or 'the archive holds another file'}")
    return None


def _commands() -> Iterator[list[str]]:
    """Give the ordinary clients that are here, each set to fail soon when there is no network."""
    download = ["download", "--quiet", "--no-deps", "--no-binary", "openslide-python", "--retries", "0"]
    download += ["--timeout", "10", "--disable-pip-version-check", "--no-input", "--dest", "."]
    if importlib.util.find_spec("pip"):
        if importlib.util.find_spec("setuptools"):
            yield [sys.executable, "-m", "pip", *download, "--no-build-isolation", _SOURCE_DISTRIBUTION]
        yield [sys.executable, "-m", "pip", *download, _SOURCE_DISTRIBUTION]
    elif uv := shutil.which("uv"):
        yield [uv, "tool", "run", "pip", *download, _SOURCE_DISTRIBUTION]
    elif pip := shutil.which("pip") or shutil.which("pip3"):
        yield [pip, *download, _SOURCE_DISTRIBUTION]
    if npm := shutil.which("npm"):
        yield [npm, "pack", "--silent", "--fetch-retries=0", "--fetch-timeout=10000", _NPM_PACKAGE]


def _run(command: list[str], folder: Path) -> str | None:
    """Run a client in a folder; give the last line of its complaint, or None when it ended well."""
    try:
        ended = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_LONGEST_DOWNLOAD_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {_LONGEST_DOWNLOAD_S} s"
    except OSError as error:
        return str(error)
    if ended.returncode == 0:
        return None
    lines = [line for line in (ended.stderr or ended.stdout).splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"ended with {ended.returncode}"


def _inside_archives(folder: Path) -> bytes | None:
    """Read the one file straight out of the archives; nothing is unpacked to disk."""
    for path in [*folder.glob("*.tar.gz"), *folder.glob("*.tgz")]:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                if not (member.isfile() and member.name.endswith("/openseadragon.js")):
                    continue
                stream = archive.extractfile(member)
                content = stream.read(_LARGEST_BYTES) if stream else b""
                if _has_right_hash(content):
                    return content
    return None
