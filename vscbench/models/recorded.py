"""``recorded:FILE`` as a system under test: responses that were given before, scored now."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vscbench.errors import DataError, TargetError, UsageError
from vscbench.models.protocol import ModelSpec, ParamValue, Price
from vscbench.models.recorded_lines import read_recorded_lines
from vscbench.models.recorded_workbook import (
    ResultWorkbook,
    read_result_workbook,
    workbook_recordings,
)
from vscbench.models.recording import Recording
from vscbench.records import Request, Response

_LINES: Final = ".jsonl"
_WORKBOOK: Final = ".xlsx"


@dataclass(frozen=True, slots=True)
class RecordedModel:
    """A system under test that answers from a file; nothing is asked of anyone.

    ``recordings`` are keyed by pair id and epoch.
    """

    name: str
    params: Mapping[str, ParamValue]
    recordings: Mapping[tuple[str, int], Recording]
    default_concurrency: int = 64
    identity: None = None  # the file is the store
    price: Price = field(default_factory=lambda: Price(0.0, 0.0))

    async def respond(self, request: Request) -> Response:
        """Return the recorded response of this pair and epoch.

        Raises:
            TargetError: none was recorded, or the record says that the model gave none.
        """
        case = f"{request.pair_id}, epoch {request.epoch}"
        recording = self.recordings.get((request.pair_id, request.epoch))
        if recording is None:
            raise TargetError(f"no recorded response for {case}")
        if recording.response is None:
            raise TargetError(
                recording.error or f"no recorded response for {case} ({recording.place})"
            )
        return recording.response

    async def close(self) -> None:
        """Do nothing: the files were closed when they had been read."""


def open_recorded(spec: ModelSpec, path: str) -> RecordedModel:
    """Read recorded responses from a file, or from all files of a folder.

    Args:
        spec: how the person named the model; takes neither parameters nor an address.
        path: a ``.jsonl`` or ``.xlsx`` file or a folder of them. ``#MODEL`` behind it chooses
            one of several models whose columns a workbook holds.

    Raises:
        UsageError: a parameter or an address was given, or the model must be chosen.
        DataError: a file cannot be used, or two places answer the same case.
    """
    _refuse_settings(spec)
    source, chosen = _split_model(path)
    files = _files(source)
    workbooks = [read_result_workbook(file) for file in files if _suffix(file) == _WORKBOOK]
    model = _choose_model(source, workbooks, chosen)
    lines = (read_recorded_lines(file) for file in files if _suffix(file) == _LINES)
    cells = (workbook_recordings(workbook, model) for workbook in workbooks)
    label = source.name if chosen is None else f"{source.name}#{chosen}"
    params: dict[str, ParamValue] = {"file": label, "sha256": _sha256(files)}
    return RecordedModel(f"recorded:{label}", params, _unique([*lines, *cells]))


def _refuse_settings(spec: ModelSpec) -> None:
    if spec.params:
        raise UsageError(
            f"--vsc-param {', '.join(sorted(spec.params))}: --model={spec.name} takes no "
            "parameters, since it answers from a file; leave it out"
        )
    if spec.api_base is not None:
        raise UsageError(
            f"--vsc-api-base: --model={spec.name} answers from a file and calls no address; "
            "leave it out"
        )


def _split_model(path: str) -> tuple[Path, str | None]:
    """Split ``FILE#MODEL``; a ``#`` that belongs to an existing file's name stays there."""
    whole = Path(path).expanduser()
    file, mark, model = path.rpartition("#")
    if not path.strip() or (mark and not file):
        raise UsageError(
            f"--model=recorded:{path}: names no file; write recorded:FILE or recorded:FOLDER"
        )
    if whole.exists() or not mark:
        return whole.absolute(), None
    if not model:
        raise UsageError(
            f"--model=recorded:{path}: names no model behind the #; write recorded:FILE#MODEL"
        )
    return Path(file).expanduser().absolute(), model


def _files(source: Path) -> list[Path]:
    if source.is_dir():
        # Hidden files and the lock files of a spreadsheet program hold no responses.
        names = (file for file in source.iterdir() if not file.name.startswith((".", "~$")))
        files = sorted(file for file in names if _suffix(file) in (_LINES, _WORKBOOK))
        if not files:
            raise DataError(f"{source}: the folder holds no {_LINES} or {_WORKBOOK} file")
        return files
    if not source.is_file():
        raise DataError(f"{source}: no such file or folder of recorded responses")
    if _suffix(source) not in (_LINES, _WORKBOOK):
        raise DataError(
            f"{source}: recorded responses are read from {_LINES} and {_WORKBOOK} files; "
            "save them as one of these"
        )
    return [source]


def _suffix(file: Path) -> str:
    return file.suffix.lower()


def _choose_model(
    source: Path, workbooks: Sequence[ResultWorkbook], chosen: str | None
) -> str | None:
    models = sorted({model for workbook in workbooks for model in workbook.models})
    if chosen is None and len(models) <= 1:
        return models[0] if models else None
    if chosen in models:
        return chosen
    if not models:
        raise UsageError(
            f"--model=recorded:{source}#{chosen}: the file names no models, so #{chosen} chooses "
            "nothing; leave it out"
        )
    raise UsageError(
        f"--model=recorded:{source}: holds responses of {', '.join(models)}"
        f"{f', none of {chosen}' if chosen else ''}; choose one: recorded:{source}#{models[0]}"
    )


def _unique(sources: Iterable[Iterable[Recording]]) -> dict[tuple[str, int], Recording]:
    recordings: dict[tuple[str, int], Recording] = {}
    for source in sources:
        for recording in source:
            key = (recording.pair_id, recording.epoch)
            first = recordings.setdefault(key, recording)
            if first is not recording:
                raise DataError(
                    f"{recording.place}: pair {recording.pair_id}, epoch {recording.epoch} was "
                    f"already recorded in {first.place}; keep one (repeats need their own epoch)"
                )
    return recordings


def _sha256(files: Sequence[Path]) -> str:
    """Digest one file; of several, digest their names and digests, in order."""
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    if len(files) == 1:
        return digests[0]
    listing = "".join(f"{d}  {file.name}\n" for d, file in zip(digests, files, strict=True))
    return hashlib.sha256(listing.encode("utf-8", "backslashreplace")).hexdigest()
