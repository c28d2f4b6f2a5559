"""Short names of models: the packaged table, and what a user adds to it."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files

from vscbench.errors import UsageError

FAMILIES = ("proprietary", "open-weight", "safety-aligned")
NAME = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")
WHERE = "[tool.vscbench.models]"


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A model under a short name.

    ``litellm`` is an id as litellm spells it; ``hub`` names open weights that transformers loads
    here, or a server of one's own. ``images`` overrides litellm's own table where it is not
    ``None``. ``needs`` lists the packages that loading them takes besides torch and transformers,
    ``revision`` is a commit, tag or branch of the hub's repository, and ``base`` the checkpoint
    in transformers' layout that an adapter, or weights in LLaVA's original layout, go onto.
    """

    name: str
    family: str
    litellm: str | None = None
    hub: str | None = None
    images: bool | None = None
    about: str = ""
    needs: tuple[str, ...] = ()
    revision: str | None = None
    base: str | None = None


FIELDS = tuple(field.name for field in fields(NamedModel) if field.name != "name")


def load_names(user_table: Mapping[str, Mapping[str, object]]) -> dict[str, NamedModel]:
    """Return the packaged names with the user's over them, by name.

    Args:
        user_table: ``[tool.vscbench.models]``: a name, and under it the fields of ``NamedModel``.
            A packaged name keeps the fields that are not given; a new one needs ``litellm`` or
            ``hub``, and is ``proprietary`` with the first alone, else ``open-weight``.

    Raises:
        UsageError: a name or a field that will not do; the message says which key.
    """
    text = files("vscbench.models").joinpath("names.toml").read_text(encoding="utf-8")
    packaged = {name: dict(entry) for name, entry in tomllib.loads(text).items()}
    if not isinstance(user_table, Mapping):
        raise UsageError(f"{WHERE}: a table of names is needed, found {user_table!r}")
    merged = {name: _named(name, entry) for name, entry in packaged.items()}
    for name, entry in user_table.items():
        if not isinstance(entry, Mapping):
            raise UsageError(
                f"{WHERE} {name} = {entry!r}: a table is needed, for instance "
                f'{name} = {{ litellm = "hosted_vllm/my-model" }}'
            )
        merged[name] = _named(name, {**packaged.get(name, {}), **entry})
    return merged


def _named(name: str, entry: Mapping[str, object]) -> NamedModel:
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{WHERE} {name!r}: a short name is made of a-z, 0-9, and dots or dashes between"
        )
    for key, value in entry.items():
        _require_field(name, key, value)
    if not entry.get("litellm") and not entry.get("hub"):
        raise UsageError(f"{WHERE} {name}: say which model, with 'litellm' or 'hub'")
    family = "open-weight" if entry.get("hub") else "proprietary"
    values: dict[str, object] = {"family": family, **entry, "needs": _packages(name, entry)}
    return NamedModel(name, **values)  # type: ignore[arg-type]  # each was checked above


def _require_field(name: str, key: str, value: object) -> None:
    where = f"{WHERE} {name}.{key}"
    if key not in FIELDS:
        raise UsageError(f"{where}: no such field; there are {', '.join(FIELDS)}")
    if key == "images" and not isinstance(value, bool):
        raise UsageError(f"{where} = {value!r}: true or false is needed")
    if key not in ("images", "needs") and not isinstance(value, str):
        raise UsageError(f"{where} = {value!r}: a string is needed")
    if key == "family" and value not in FAMILIES:
        raise UsageError(f"{where} = {value!r}: one of {', '.join(FAMILIES)} is needed")
    if key == "litellm" and "/" not in str(value):
        raise UsageError(f"{where} = {value!r}: PROVIDER/MODEL is needed, such as openai/gpt-4o")


def _packages(name: str, entry: Mapping[str, object]) -> tuple[str, ...]:
    given = entry.get("needs", [])
    if not isinstance(given, list) or not all(isinstance(each, str) and each for each in given):
        raise UsageError(
            f"{WHERE} {name}.needs = {given!r}: a list of packages is needed, such as "
            '["torchvision"]'
        )
    return tuple(given)
