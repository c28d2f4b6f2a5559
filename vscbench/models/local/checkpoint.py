"""From a folder or a hub id to a checkpoint that can be loaded, or one line that says why not."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from vscbench.errors import UsageError
from vscbench.models.local.adapters import adapter_files, base_of_adapter, is_adapter
from vscbench.models.local.alone import folder_with_only
from vscbench.models.local.gguf import named_gguf, read_gguf_header, require_gguf
from vscbench.models.local.hub import fetch
from vscbench.models.local.internals import image_architectures, text_architectures
from vscbench.models.local.original_llava import is_original_llava, usual_base
from vscbench.models.local.parameters import LocalParameters
from vscbench.models.local.tensor_files import open_tensors, parameter_count, weight_files

# By one of these transformers finds the weights of a folder.
WEIGHTS = ("model.safetensors", "model.safetensors.index.json")


class Sight(StrEnum):
    """What a model takes."""

    IMAGES = "images"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Folders that hold a model; each is a snapshot that does not change during the run.

    ``folder`` has configuration, processor and weights in transformers' layout; where they are all
    in one file of it, that is ``gguf``, and nothing else there counts. ``overlay`` has
    weights in the original LLaVA layout that go over them, ``adapter`` a PEFT adapter.
    ``commit`` is the hub's, where the source is a hub id, and ``commits_below`` those of its base
    and its adapter. ``sight`` says whether it sees images.
    """

    source: str
    folder: Path
    sight: Sight
    commit: str | None = None
    overlay: Path | None = None
    adapter: Path | None = None
    commits_below: Mapping[str, str] = field(default_factory=dict)
    gguf: Path | None = None

    @property
    def parts(self) -> tuple[Path, ...]:
        """Every folder whose content is part of the model, and every file that is by itself."""
        return tuple(
            each for each in (self.gguf or self.folder, self.overlay, self.adapter) if each
        )

    @property
    def parameters(self) -> int:
        """How many numbers its weights have, by their files' headers."""
        if self.gguf is not None:
            return read_gguf_header(self.gguf).parameters
        return parameter_count(self.folder)

    @contextmanager
    def loadable(self) -> Iterator[Mapping[str, Any]]:
        """Give what names it to transformers' ``from_pretrained``, for as long as that loads."""
        if self.gguf is None:
            yield {"pretrained_model_name_or_path": self.folder}
            return
        with folder_with_only(self.gguf) as folder:
            yield {"pretrained_model_name_or_path": folder, "gguf_file": self.gguf.name}


def find_checkpoint(
    source: str, base: str | None, revision: str | None, parameters: LocalParameters
) -> Checkpoint:
    """Find the folders of a model, fetching them from the hub where they are not here.

    Args:
        source: a folder, a GGUF file, or a hub id.
        base: of what goes below an adapter or an original LLaVA checkpoint, where that is known.
        revision: of the source on the hub; the parameters' goes before it.
        parameters: may name a base, an adapter, a revision.

    Raises:
        UsageError: there is no such checkpoint, or it is none that can be loaded.
    """
    file = named_gguf(source)
    if file is not None:
        return _of_one_file(source, file, parameters)
    folder, commit = fetch(source, parameters.revision or revision)
    _require_hub(source, commit, parameters.revision)
    overlay = adapter = None
    commits: dict[str, str | None] = {}
    below = parameters.base or base
    if is_adapter(folder):
        adapter = folder
        folder, commits["base_revision"] = fetch(below or base_of_adapter(adapter), None)
        below = None
    if is_original_llava(folder):
        overlay = folder
        require_readable(weight_files(overlay))
        named = _require_base(source, below or usual_base(overlay))
        folder, commits["base_revision"] = fetch(named, None)
    _require_use_of_base(source, parameters.base, overlay or adapter)
    if parameters.adapter is not None:
        adapter, commits["adapter_revision"] = fetch(parameters.adapter, None)
        if not is_adapter(adapter):
            raise UsageError(
                f"--vsc-param adapter={parameters.adapter}: {adapter} holds no PEFT adapter "
                "(adapter_config.json is missing)"
            )
    if adapter is not None:
        require_readable(adapter_files(adapter)[1:])
    sight = _sight(source, folder, parameters)
    require_weights(source, folder)
    below_it = {name: each for name, each in commits.items() if each is not None}
    return Checkpoint(source, folder, sight, commit, overlay, adapter, below_it)


def read_config(source: str, folder: Path) -> Mapping[str, Any]:
    """Read a checkpoint's ``config.json``.

    Raises:
        UsageError: there is none, or it is no JSON object.
    """
    file = folder / "config.json"
    if not file.is_file():
        raise UsageError(
            f"--model=local:{source}: {folder} is no checkpoint that transformers can load: it has "
            "no config.json; name the folder that save_pretrained wrote, or a hub id"
        )
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--model=local:{source}: {file} cannot be read ({error}); fetch it again"
        ) from None
    if not isinstance(config, dict):
        raise UsageError(f"--model=local:{source}: {file} is no JSON object; fetch it again")
    return config


def require_weights(source: str, folder: Path) -> None:
    """Check that the weights are there, whole, in a form that cannot run code.

    Raises:
        UsageError: they are not.
    """
    files = weight_files(folder)
    if not any((folder / name).is_file() for name in WEIGHTS):
        raise UsageError(
            f"--model=local:{source}: {folder} has {files[0].name}, but transformers loads weights "
            f"from {' or '.join(WEIGHTS)} only; take the checkpoint in transformers' own layout"
        )
    require_readable(files)


def require_readable(files: Iterable[Path]) -> None:
    """Check that no file is cut short, or only points to one, before anything else takes time.

    Raises:
        UsageError: one is.
    """
    for file in files:
        with open_tensors(file):
            pass


def _of_one_file(source: str, file: Path, parameters: LocalParameters) -> Checkpoint:
    _require_hub(source, None, parameters.revision)
    _require_use_of_base(source, parameters.base, None)
    if parameters.adapter is not None:
        raise UsageError(
            f"--vsc-param adapter={parameters.adapter}: it goes onto a checkpoint in safetensors, "
            f"and {source} is a GGUF file; leave it out, or name the checkpoint that file is of"
        )
    require_gguf(source, file)
    return Checkpoint(source, file.parent, Sight.TEXT, gguf=file)


def _require_hub(source: str, commit: str | None, revision: str | None) -> None:
    if revision is not None and commit is None:
        raise UsageError(
            f"--vsc-param revision={revision}: {source} is here, and has no revisions; leave it out"
        )


def _require_use_of_base(source: str, base: str | None, goes_over: Path | None) -> None:
    if base is not None and goes_over is None:
        raise UsageError(
            f"--vsc-param base={base}: {source} is a whole checkpoint and goes onto no other (an "
            "adapter does, or weights in the original LLaVA layout); leave it out"
        )


def _require_base(source: str, base: str | None) -> str:
    if base is None:
        raise UsageError(
            f"--model=local:{source} is in the original LLaVA layout, which goes onto a checkpoint "
            "in transformers' layout: say which, --vsc-param base=llava-hf/llava-1.5-7b-hf"
        )
    return base


def _sight(source: str, folder: Path, parameters: LocalParameters) -> Sight:
    """Say what an architecture takes, by transformers' own tables.

    Raises:
        UsageError: transformers does not know it, or it gives no answers.
    """
    # Heavy, and only this process has it.
    from transformers import CONFIG_MAPPING

    config = read_config(source, folder)
    if "model_type" not in config:
        raise UsageError(
            f"--model=local:{source}: {folder / 'config.json'} names no model_type, so it is not "
            "in transformers' layout; take a checkpoint that is (often named ...-hf)"
        )
    model_type = str(config["model_type"])
    auto_map = config.get("auto_map") or {}
    if model_type not in CONFIG_MAPPING:
        if not auto_map:
            raise UsageError(
                f"--model=local:{source}: the installed transformers does not know the "
                f"architecture '{model_type}'; a newer one may (pip install -U transformers)"
            )
        if not parameters.trust_remote_code:
            raise UsageError(
                f"--model=local:{source} brings Python code of its own ('{model_type}' is none of "
                "transformers' architectures), which would run with all your rights: read it, and "
                "then say --vsc-param trust_remote_code=true, or take a checkpoint in "
                "transformers' own layout (often named ...-hf)"
            )
        return Sight.IMAGES if "AutoModelForImageTextToText" in auto_map else Sight.TEXT
    if model_type in image_architectures():
        return Sight.IMAGES
    if model_type in text_architectures():
        return Sight.TEXT
    raise UsageError(
        f"--model=local:{source}: a '{model_type}' gives no answers in text; a model is needed "
        "that transformers loads as AutoModelForImageTextToText"
    )
