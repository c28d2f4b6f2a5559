"""From a checkpoint to what turns text and images into its tensors."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any

from vscbench.errors import UsageError
from vscbench.models.local.checkpoint import Checkpoint, Sight
from vscbench.models.local.failures import not_loaded
from vscbench.models.local.parameters import LocalParameters

# As an error spells them, and as pip does. Sentencepiece is not among them: transformers names it
# whenever it finds no tokenizer at all.
LIBRARIES = {
    "torchvision": "torchvision",
    "num2words": "num2words",
    "tiktoken": "tiktoken",
    "protobuf": "protobuf",
    "mistral_common": "mistral-common",
    "einops": "einops",
    "pillow": "Pillow",
}
SENTENCEPIECE = "*.model"
TOKENIZERS = ("tokenizer.json", SENTENCEPIECE, "vocab.*", "*.tiktoken")
PROCESSORS = ("processor_config.json", "preprocessor_config.json")


def load_processor(
    checkpoint: Checkpoint, parameters: LocalParameters, needs: tuple[str, ...]
) -> Any:  # noqa: ANN401 - transformers' processors share no type
    """Load what turns text and images into tensors: a processor, or a tokenizer for a text model.

    Raises:
        UsageError: it lacks a package, or the checkpoint has none.
    """
    sees = checkpoint.sight is Sight.IMAGES
    if sees and not any((checkpoint.folder / name).is_file() for name in PROCESSORS):
        raise UsageError(_no_image_processor(checkpoint))
    try:
        # Fails where a package that it needs is there, but broken.
        from transformers import AutoProcessor, AutoTokenizer

        loader = AutoProcessor if sees else AutoTokenizer
        with checkpoint.loadable() as named:
            loaded = loader.from_pretrained(
                **named,
                trust_remote_code=parameters.trust_remote_code,
                local_files_only=True,
            )
            if parameters.processor:
                _require_known(checkpoint, loaded, parameters.processor)
                loaded = loader.from_pretrained(
                    **named,
                    trust_remote_code=parameters.trust_remote_code,
                    local_files_only=True,
                    **parameters.processor,
                )
    except UsageError:
        raise
    except Exception as error:  # tokenizers raise a bare Exception
        raise UsageError(_why_no_processor(checkpoint, error, needs)) from None
    if sees and not hasattr(loaded, "image_processor"):
        raise UsageError(_no_image_processor(checkpoint))
    return loaded


def _require_known(checkpoint: Checkpoint, loaded: Any, given: Mapping[str, object]) -> None:  # noqa: ANN401 - as above
    """Refuse a parameter of the processor that nothing in it knows: it would change nothing."""
    parts = [loaded, *(getattr(loaded, name, None) for name in ("image_processor", "tokenizer"))]
    for name in given:
        if not any(hasattr(part, name) for part in parts):
            raise UsageError(
                f"--vsc-param processor.{name}: the processor of {checkpoint.source} "
                f"({type(loaded).__name__}) has nothing of this name, so it would change nothing"
            )


def _why_no_processor(checkpoint: Checkpoint, error: Exception, needs: Sequence[str]) -> str:
    missing = _missing_packages(checkpoint, error, needs)
    if missing:
        return _not_installed(checkpoint.source, missing)
    if not any(any(checkpoint.folder.glob(name)) for name in TOKENIZERS):
        return (
            f"--model=local:{checkpoint.source}: {checkpoint.folder} has no tokenizer that "
            "transformers can read (tokenizer.json); fetch the checkpoint again"
        )
    return not_loaded(checkpoint, "processor", error)


def _missing_packages(
    checkpoint: Checkpoint, error: Exception, needs: Sequence[str]
) -> Sequence[str]:
    """Name the packages that a processor lacks, whatever the words in which it asks for them."""
    folder = checkpoint.folder
    is_slow = not (folder / "tokenizer.json").is_file() and any(folder.glob(SENTENCEPIECE))
    words = str(error).lower()
    asks = isinstance(error, ImportError) or "install" in words
    named = [package for word, package in LIBRARIES.items() if asks and word in words]
    wanted = [*(["sentencepiece"] if is_slow else []), *named, *needs]
    return [each for each in dict.fromkeys(wanted) if not _is_installed(each)]


def _not_installed(source: str, missing: Sequence[str]) -> str:
    verb = "is" if len(missing) == 1 else "are"
    hint = " (a build that fits the installed torch)" if "torchvision" in missing else ""
    return (
        f"--model=local:{source}: its processor needs {' and '.join(missing)}, which {verb} not "
        f"installed here: pip install {' '.join(missing)}{hint}"
    )


def _is_installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _no_image_processor(checkpoint: Checkpoint) -> str:
    return (
        f"--model=local:{checkpoint.source}: {checkpoint.folder} has no image processor that "
        f"transformers knows ({' or '.join(PROCESSORS)}), so it cannot be given images; fetch the "
        "checkpoint again, or take the file from the model that it was made from"
    )
