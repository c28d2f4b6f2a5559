"""A model whose server is started here: what of it the sender processes open, and what it is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from vscbench.errors import UsageError
from vscbench.models.names import NamedModel
from vscbench.models.protocol import ModelFacts, ModelSpec, ParamValue
from vscbench.models.sender_pool import HostedOpening
from vscbench.models.served.contents import digest_of
from vscbench.models.served.engines import HOST, PROVIDER, engine_of
from vscbench.models.served.options import PREFIX, read_options, split_parameters
from vscbench.models.served.server import Address, Launch

# Stands for the address of a server that is not started yet; it is shown and kept nowhere.
NOWHERE = f"http://{HOST}/v1"
# A server of one's own has its batches filled: both engines take hundreds of requests at once.
CONCURRENCY = 64


@dataclass(frozen=True, slots=True)
class ServedOpening:
    """A model, and the server that it needs; ``may_start`` is false where nothing is asked."""

    launch: Launch
    hosted: HostedOpening
    may_start: bool = True

    def facts(self, said: ModelFacts) -> ModelFacts:
        """Return what the model says of itself: the server's options in place of its address.

        Args:
            said: by the model as it is opened without an address.
        """
        launch = self.launch
        options, shown = launch.options, launch.options.shown()
        served = {"engine": launch.engine.name, **options.identity(launch.engine)}
        weights = digest_of(launch.source)
        identity: dict[str, object] = {**(said.identity or {}), PREFIX: served}
        if weights is not None:
            identity["weights"] = weights
        identity.pop("api_base", None)
        params: dict[str, ParamValue] = dict(said.params)
        params.pop("api_base", None)
        if shown:
            params[PREFIX] = {**shown}
        return replace(said, params=params, identity=identity, default_concurrency=CONCURRENCY)

    def at(self, address: Address) -> HostedOpening:
        """Return how the model is opened at a server that is ready."""
        spec = replace(self.hosted.spec, api_base=address.url, api_key=address.key, needs_key=True)
        return replace(self.hosted, spec=spec)

    def require_startable(self) -> None:
        """Check that the server could be started and reached.

        Raises:
            UsageError: it is not installed, or a proxy would come between.
        """
        self.launch.engine.require_installed(self.launch.model)
        import urllib.request  # here, as it brings half of the standard library

        proxy = urllib.request.getproxies().get("http")
        if proxy and not urllib.request.proxy_bypass(HOST):
            raise UsageError(
                f"--model={self.launch.model}: HTTP_PROXY is set, so what is sent to the server on "
                f"this machine would go to the proxy. Set NO_PROXY to {HOST},localhost, or add "
                "these to what is there"
            )


def is_served(name: str) -> bool:
    """Whether a name asks for weights behind one of the engines.

    Raises:
        UsageError: it does not say which weights.
    """
    return engine_of(name) is not None


def served_opening(spec: ModelSpec, named: Mapping[str, NamedModel]) -> ServedOpening | None:
    """Say how a model is opened whose server is started here; ``None`` for any other.

    Raises:
        UsageError: the name does not say which weights, or an option of the server will not do.
    """
    asked = engine_of(spec.name)
    if asked is None or spec.api_base is not None:
        return None
    engine, source = asked
    of_requests, of_server = split_parameters(spec.params)
    hub, images = _weights(spec.name, source, named)
    launch = Launch(spec.name, engine, hub, read_options(engine, of_server))
    # Nothing is sent to it before there is a server with a key of its own.
    nowhere = replace(spec, params=of_requests, api_base=NOWHERE, needs_key=False)
    hosted = HostedOpening(nowhere, f"{PROVIDER}/{hub}", images)
    return ServedOpening(launch, hosted, may_start=spec.needs_key)


def joined_opening(spec: ModelSpec, named: Mapping[str, NamedModel]) -> HostedOpening | None:
    """Say how a model is opened at a server that runs already; ``None`` for any other.

    Raises:
        UsageError: the name does not say which weights, or there are options for a server.
    """
    asked = engine_of(spec.name)
    if asked is None or spec.api_base is None:
        return None
    of_requests, of_server = split_parameters(spec.params)
    for name in of_server:
        raise UsageError(
            f"--vsc-param serve.{name}: an option of a server that is started here, and "
            "--vsc-api-base joins one that runs already; leave one of the two out"
        )
    hub, images = _weights(spec.name, asked[1], named)
    return HostedOpening(replace(spec, params=of_requests), f"{PROVIDER}/{hub}", images)


def _weights(model: str, source: str, named: Mapping[str, NamedModel]) -> tuple[str, bool | None]:
    """Return what a server loads, and whether it takes images, where the table of names knows."""
    entry = named.get(source)
    if entry is None:
        return source, None
    if entry.hub is None:
        raise UsageError(
            f"--model={model}: '{source}' is the short name of a model whose weights cannot be "
            f"had ({entry.litellm}); leave the prefix out: --model={source}"
        )
    return entry.hub, entry.images
