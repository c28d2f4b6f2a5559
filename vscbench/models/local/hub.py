"""A checkpoint's folder: one that is here, or a snapshot of the hub at one commit."""

import re
from pathlib import Path

from vscbench.errors import UsageError
from vscbench.models.key_variables import require_sendable_token
from vscbench.visible import one_line

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
# Weights in forms that are never read, and everything that is no part of the model, stay there.
WANTED = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", "*.py", "*.tiktoken")
# Small pickles beside an adapter: fetched so that they are seen, and refused, never read.
REFUSED = ("non_lora_trainables.bin", "mm_projector.bin")


def fetch(source: str, revision: str | None) -> tuple[Path, str | None]:
    """Return the folder of a checkpoint and, where it comes from the hub, its commit.

    Args:
        source: a folder, or a hub id such as ``llava-hf/llava-1.5-7b-hf``, which may name a
            revision behind an ``@``.
        revision: a commit, tag or branch of the hub; ``None`` for its default branch.

    Raises:
        UsageError: it is neither, or the hub does not give it.
    """
    folder = Path(source).expanduser()
    if not folder.exists() and "@" in source:
        source, _, revision = source.rpartition("@")
    if folder.is_dir():
        return folder.resolve(), None
    if folder.exists():
        raise UsageError(f"--model=local:{source}: a folder is needed, or a GGUF file")
    if not HUB_ID.fullmatch(source) or "--" in source or ".." in source:
        raise UsageError(
            f"--model=local:{source}: there is no folder {folder.absolute()}, and a hub id it is "
            "not (OWNER/NAME)"
        )
    return _snapshot(source, revision)


def _snapshot(hub_id: str, revision: str | None) -> tuple[Path, str]:
    # Comes with transformers.
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    where = f"--model=local:{hub_id}"
    if not constants.HF_HUB_OFFLINE:
        require_sendable_token(where)
    try:
        path = _download(hub_id, revision, cached_only=constants.HF_HUB_OFFLINE)
    except GatedRepoError:
        raise UsageError(
            f"{where}: its licence is to be accepted on {constants.ENDPOINT}/{hub_id} first; "
            "then give your token as HF_TOKEN"
        ) from None
    except RepositoryNotFoundError:
        raise UsageError(
            f"{where}: neither a folder here nor a repository of the hub (a private one needs your "
            "token as HF_TOKEN)"
        ) from None
    except RevisionNotFoundError:
        raise UsageError(
            f"{where}: the hub has no revision {revision} of it; "
            f"{constants.ENDPOINT}/{hub_id}/commits/main lists them"
        ) from None
    except Exception as error:  # of the network, of the disk, of several libraries
        try:
            # What is pinned to a commit needs no hub, but the library asks it all the same.
            path = _download(hub_id, revision, cached_only=True)
        except Exception:
            raise UsageError(_not_fetched(hub_id, revision, error)) from None
    # A snapshot lies in a folder that is named by its commit.
    return path, path.name


def _download(hub_id: str, revision: str | None, *, cached_only: bool) -> Path:
    from huggingface_hub import snapshot_download

    wanted = [*WANTED, *REFUSED]
    return Path(
        snapshot_download(
            hub_id, revision=revision, allow_patterns=wanted, local_files_only=cached_only
        )
    )


def _not_fetched(hub_id: str, revision: str | None, error: Exception) -> str:
    from huggingface_hub import constants

    what = hub_id if revision is None else f"{hub_id} at revision {revision}"
    reason = (
        "HF_HUB_OFFLINE is set, so the hub is not asked"
        if constants.HF_HUB_OFFLINE
        else f"it could not be fetched ({type(error).__name__}: {one_line(str(error), 200)})"
    )
    return (
        f"--model=local:{hub_id}: no folder here has this name, {what} is not whole in the "
        f"hub's cache ({constants.HF_HUB_CACHE}), and {reason}; fetch it where there "
        f"is a network, with 'hf download {hub_id}', or name its folder"
    )
