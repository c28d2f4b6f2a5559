"""Stored responses and verdicts for tests, made from a name alone."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vscbench.engine.sqlite_store import open_store
from vscbench.engine.store import StoredRecord, StoredResponse, StoredVerdict
from vscbench.records import Finish, Kind, Response, Verdict

LONG_AGO = 1_700_000_000.0
SAID = Response(
    "Sure.", served_model="gpt-4o-08", prompt_tokens=1000, completion_tokens=20, cost_usd=0.01
)
BLOCKED = Response("", Finish.BLOCKED, reason="SAFETY", served_model="gpt-4o-08")


def key_of(name: str) -> str:
    """An address as the engine makes them: 64 hex digits."""
    return hashlib.sha256(name.encode()).hexdigest()


def stored_response(  # noqa: PLR0913 - a test says only what matters to it
    name: str,
    response: Response | str = "Sure.",
    *,
    key: str | None = None,
    model: str = "gpt-4o",
    epoch: int = 1,
    created: float = LONG_AGO,
) -> StoredResponse:
    """The response to the pair of this name."""
    said = Response(response) if isinstance(response, str) else response
    return StoredResponse(key or key_of(name), name, epoch, model, said, 0.5, created)


def stored_verdict(
    name: str, kind: Kind = Kind.ANSWERED, judge: str = "keywords", created: float = LONG_AGO
) -> StoredVerdict:
    """A verdict on the response to the pair of this name."""
    return StoredVerdict(key_of(f"{judge} of {name}"), key_of(name), Verdict(kind, judge), created)


def write_store(path: Path, records: Sequence[StoredRecord]) -> Path:
    """A store with these records, one commit each, closed."""
    store = open_store(path)
    for record in records:
        store.add([record])
    store.close()
    return path


def write_two_models(path: Path) -> Path:
    """A store of two models: each way an answer can end, one superseded, three verdicts."""
    cut = replace(SAID, finish=Finish.LENGTH)
    return write_store(
        path,
        [
            stored_response("a", replace(SAID, text="an older answer"), created=LONG_AGO - 86_400),
            stored_response("a", SAID),
            stored_response("b", cut),
            stored_response("c", replace(cut, text=" ")),
            stored_response("d", replace(SAID, text="", cost_usd=None, served_model=None)),
            stored_response("e", BLOCKED),
            stored_response("f", SAID, model="claude"),
            stored_verdict("a", Kind.ANSWERED),
            stored_verdict("b", Kind.REFUSED),
            stored_verdict("f", Kind.REFUSED, judge="rubric"),
        ],
    )


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes, to see whether anything was touched."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
