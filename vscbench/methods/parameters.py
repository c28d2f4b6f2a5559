"""The parameters of a method, as ``--vsc-method-param`` gives them."""

from pathlib import Path

from vscbench.errors import UsageError
from vscbench.methods.protocol import MethodSpec

OPTION = "--vsc-method-param"


def require_known(spec: MethodSpec, *names: str, source: str | None = None) -> None:
    """Refuse a parameter that the method does not have.

    Args:
        spec: the method as it was named.
        names: of its parameters.
        source: what may stand behind a colon, in words; ``None`` where nothing may.

    Raises:
        UsageError: there is another, or something behind a colon that means nothing.
    """
    for name in spec.params:
        if name not in names:
            known = f"knows only {', '.join(names)}" if names else "has no parameters"
            raise UsageError(f"{OPTION} {name}: {spec.name} {known}")
    if spec.source is not None and source is None:
        raise UsageError(
            f"--vsc-method {spec.name}:{spec.source}: nothing can stand behind the colon; write "
            f"--vsc-method {spec.name}"
        )


def whole_number(spec: MethodSpec, name: str, default: int, low: int) -> int:
    """Return a parameter that counts.

    Raises:
        UsageError: it is no whole number from ``low`` on.
    """
    value = spec.params.get(name, default)
    if type(value) is not int or value < low:
        raise UsageError(f"{OPTION} {name}={value}: a whole number from {low} is needed")
    return value


def number(spec: MethodSpec, name: str, default: float | None) -> float | None:
    """Return a parameter that is a finite number.

    Raises:
        UsageError: it is none.
    """
    value = spec.params.get(name, default)
    if value is None and default is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) == float("inf"):
        raise UsageError(f"{OPTION} {name}={value}: a number is needed")
    return float(value)


def one_of(spec: MethodSpec, name: str, default: str, *choices: str) -> str:
    """Return a parameter that is one of a few words.

    Raises:
        UsageError: it is another.
    """
    value = str(spec.params.get(name, default))
    if value not in choices:
        raise UsageError(f"{OPTION} {name}={value}: one of {', '.join(choices)} is needed")
    return value


def read_text(path: Path, what: str) -> str:
    """Read a text file that a person named.

    Raises:
        UsageError: it cannot be read, or is empty.
    """
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{what}: cannot read {path} ({error})") from error
    if not text:
        raise UsageError(f"{what}: {path} is empty")
    return text
