"""A cache of the model hub as huggingface_hub lays it out, filled without the hub."""

import hashlib
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def fill_hub_cache(
    cache: Path, hub_id: str, checkpoint: Path, commit: str = COMMIT, reference: str = "main"
) -> Path:
    """Put a checkpoint's files into a cache as if they had been fetched; return their snapshot.

    Large files lie under their SHA-256, small ones under git's name for them; a snapshot holds
    links to them, and a reference says which commit a branch or tag was.
    """
    repository = cache / f"models--{hub_id.replace('/', '--')}"
    snapshot = repository / "snapshots" / commit
    for folder in (snapshot, repository / "blobs", repository / "refs"):
        folder.mkdir(parents=True, exist_ok=True)
    (repository / "refs" / reference).write_text(commit, encoding="utf-8")
    for file in checkpoint.iterdir():
        content = file.read_bytes()
        blob = repository / "blobs" / _blob_name(file, content)
        blob.write_bytes(content)
        (snapshot / file.name).symlink_to(blob)
    return snapshot


def _blob_name(file: Path, content: bytes) -> str:
    if file.suffix == ".safetensors":
        return hashlib.sha256(content).hexdigest()
    git = b"blob %d\0" % len(content) + content
    return hashlib.sha1(git, usedforsecurity=False).hexdigest()
