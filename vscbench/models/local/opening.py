"""What is to be opened when a model's weights are loaded here, and what stands for its content."""

import importlib.metadata
import os
from dataclasses import dataclass
from pathlib import Path

from vscbench.errors import UsageError
from vscbench.models.frames import Frame, pack_spec, unpack_spec
from vscbench.models.local.adapters import base_of_adapter, is_adapter
from vscbench.models.local.parameters import read_local_parameters
from vscbench.models.protocol import ModelSpec
from vscbench.models.sender_processes import Program

LOCAL_ENGINE = Program("vscbench.models.local.program", "the local engine")
LOG_NAME = "local-engine.log"
PACKAGES = ("torch", "transformers", "accelerate")


@dataclass(frozen=True, slots=True)
class LocalOpening:
    """What the local engine needs to open a model.

    ``source`` is a folder, a GGUF file or a hub id; ``base`` a hub id or folder of the checkpoint
    below it, where ``source`` holds an adapter or the original LLaVA layout; ``revision`` a commit
    or a tag of the hub; ``needs`` the packages that its processor is known to need.
    """

    spec: ModelSpec
    source: str
    base: str | None = None
    revision: str | None = None
    needs: tuple[str, ...] = ()

    def pack(self) -> Frame:
        """Write it as JSON can hold it."""
        return {
            "spec": pack_spec(self.spec),
            "source": self.source,
            "base": self.base,
            "revision": self.revision,
            "needs": list(self.needs),
        }

    @classmethod
    def unpack(cls, said: Frame) -> "LocalOpening":
        """Read what ``pack`` wrote."""
        return cls(
            **{**said, "spec": unpack_spec(said["spec"]), "needs": tuple(said["needs"])},
        )

    def content(self) -> Frame:
        """Stand for all files of the model without reading them, so that a change is noticed.

        Raises:
            UsageError: a parameter will not do.
        """
        parameters = read_local_parameters(self.spec.params)
        base = parameters.base or self.base or _base_named_by(self.source)
        others = [base, parameters.adapter]
        return {
            "files": [
                _stamp(self.source, parameters.revision or self.revision),
                *(_stamp(each, None) for each in others if each),
            ],
            "transformers": _version("transformers"),
            "torch": _version("torch"),
        }


def require_packages(opening: LocalOpening) -> None:
    """Check that what loads weights is installed, without importing it.

    Raises:
        UsageError: it is not, or an option was given that has no meaning here.
    """
    name = opening.spec.name
    missing = [each for each in PACKAGES if _version(each) is None]
    if missing:
        raise UsageError(
            f"--model={name} is loaded here, and {', '.join(missing)} is not installed: "
            "pip install 'vscbench[local]' (or serve it, and give --vsc-api-base)"
        )
    read_local_parameters(opening.spec.params)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _base_named_by(source: str) -> str | None:
    folder = Path(source).expanduser()
    return base_of_adapter(folder) if is_adapter(folder) else None


def _stamp(source: str, revision: str | None) -> Frame:
    """Name a folder's files with size and time, or the commit that a hub id led to last."""
    folder = Path(source).expanduser()
    if folder.is_file():
        return {
            "source": str(folder.absolute()),
            "files": [_file_stamp(folder, folder.parent)],
        }
    if folder.is_dir():
        files = sorted(each for each in folder.rglob("*") if each.is_file())
        return {
            "source": str(folder.resolve()),
            "files": [_file_stamp(each, folder) for each in files],
        }
    return {"source": source, "revision": revision, "commit": _last_commit(source, revision)}


def _file_stamp(file: Path, folder: Path) -> list[str | int]:
    status = file.stat()
    return [file.relative_to(folder).as_posix(), status.st_size, status.st_mtime_ns]


def _last_commit(hub_id: str, revision: str | None) -> str | None:
    """Return what the hub's cache says that a revision was when it was last asked for."""
    cache = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or f"{caches}/huggingface"
    folder = Path(os.path.expandvars(cache or f"{home}/hub")).expanduser()
    reference = folder / f"models--{hub_id.replace('/', '--')}" / "refs" / (revision or "main")
    return reference.read_text(encoding="utf-8").strip() if reference.is_file() else None
