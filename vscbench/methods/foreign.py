"""A method of an installed package: whatever goes wrong in it is one line here."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from vscbench.errors import TargetError, UsageError, VscbenchError
from vscbench.methods.protocol import Method, ParamValue
from vscbench.records import Cause, Pair, Request, Response


@dataclass(frozen=True, slots=True)
class ForeignMethod:
    """Does what another does; see `vscbench.methods.protocol.Method`.

    ``source`` is where it comes from, as its entry point says.
    """

    method: Method
    source: str
    name: str
    key: str
    params: Mapping[str, ParamValue]
    revises_activations: bool

    def require_apart(self, pairs: Sequence[Pair]) -> None:
        """Check that nothing it was made from is among the pairs that are asked.

        Raises:
            UsageError: something is, or the method failed.
        """
        with told(self.source):
            self.method.require_apart(pairs)

    def require_model(self, name: str, identity: Mapping[str, object] | None) -> None:
        """Check that it fits the model.

        Raises:
            UsageError: it does not, or the method failed.
        """
        with told(self.source):
            self.method.require_model(name, identity)

    def prepare(self, request: Request) -> Request:
        """Return what is asked in place of a request.

        Raises:
            UsageError: the method failed.
        """
        with told(self.source):
            return self.method.prepare(request)

    def read(self, response: Response) -> Response:
        """Return a response with the final answer as its text.

        Raises:
            TargetError: the method failed; nothing can be said of this case.
        """
        try:
            return self.method.read(response)
        except Exception as error:  # somebody else's code
            said = f"{self.source} could not read the response, {type(error).__name__}: {error}"
            raise TargetError(said, Cause.OTHER) from None


def foreign(method: Method, source: str) -> ForeignMethod:
    """Ask a method for what it says of itself, once.

    Raises:
        UsageError: it fails at that.
    """
    with told(source):
        return ForeignMethod(
            method,
            source,
            str(method.name),
            f"{method.name} {method.key}",
            dict(method.params),
            bool(method.revises_activations),
        )


@contextmanager
def told(source: str) -> Iterator[None]:
    """Tell what goes wrong in somebody else's code as what is wrong with it.

    Raises:
        UsageError: something did.
    """
    try:
        yield
    except VscbenchError:
        raise
    except Exception as error:  # somebody else's code
        said = f"--vsc-method: {source} failed, {type(error).__name__}: {error}"
        raise UsageError(said) from error
