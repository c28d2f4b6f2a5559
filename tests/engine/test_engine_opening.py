import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

from hub_cache import COMMIT
from hub_server import hub_server
from tiny_vlms import make_tiny

from vscbench.engine.loop import LoopThread
from vscbench.engine.opening import is_remembered, key_of, open_any, start_local
from vscbench.engine.sqlite_store import open_store
from vscbench.errors import UsageError, VscbenchError
from vscbench.models.local.opening import LocalOpening
from vscbench.models.names import load_names
from vscbench.models.protocol import Model, ModelSpec, ParamValue
from vscbench.models.sender_pool import HostedOpening, Opening, Pools, SenderPool
from vscbench.models.sender_processes import SenderProcesses
from vscbench.models.served.servers import Servers
from vscbench.records import Request

NAMED = load_names({})
ASKED = Request("p", 1, "Is it safe?", None, None)


class World:
    """A store, and models that are opened as the runs of a person open them, one after another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loop = LoopThread()
        self.store = open_store(folder / "store.sqlite")
        self.pools: list[Pools] = []

    def run(self, source: object, **params: ParamValue) -> Model:
        """Open a model as the next run does, with processes of its own."""
        pools = Pools(
            SenderPool(lambda: SenderProcesses(1)),
            SenderPool(lambda: start_local(self.folder / "store.sqlite")),
            Servers(self.folder),
        )
        self.pools.append(pools)
        return self.open(source, **params)

    def open(self, source: object, **params: ParamValue) -> Model:
        """Open one more model in the run that is under way."""
        pools = self.pools[-1]
        spec = ModelSpec(f"local:{source}", params={"device": "cpu", "max_tokens": 8, **params})
        return open_any(spec, NAMED, lambda: self.store, self.loop, pools)

    @property
    def has_started(self) -> bool:
        """Whether the last run has started a process."""
        return self.pools[-1].are_started

    def close(self) -> None:
        for pools in self.pools:
            self.loop.run(pools.close())
        self.store.close()
        self.loop.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as closing:
        made = World(tmp_path)
        closing.callback(made.close)
        yield made


@pytest.fixture(scope="module")
def tiny_llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny("llava", tmp_path_factory.mktemp("tiny") / "llava")


@pytest.fixture
def checkpoint(tiny_llava: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_llava, tmp_path / "checkpoint")


def test_what_a_model_said_of_itself_is_enough_for_the_next_run(
    world: World, checkpoint: Path
) -> None:
    first = world.run(checkpoint)
    assert world.has_started
    again = world.run(checkpoint)
    assert not world.has_started
    assert (again.name, again.params, again.identity, again.price, again.default_concurrency) == (
        first.name,
        first.params,
        first.identity,
        first.price,
        first.default_concurrency,
    )
    # It is started as soon as something is asked after all.
    assert world.loop.run(again.respond(ASKED)).text
    assert world.has_started


def test_a_model_whose_files_changed_is_opened_anew(world: World, checkpoint: Path) -> None:
    first = world.run(checkpoint)
    make_tiny("llava", checkpoint, seed=1)
    assert world.run(checkpoint).identity != first.identity
    assert world.has_started


def test_a_model_that_the_hub_gave_is_remembered_by_the_commit_that_was_fetched(
    world: World, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with hub_server("org/tiny", checkpoint) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        first = world.run("org/tiny")
        assert first.params["revision"] == COMMIT
        again = world.run("org/tiny")
    assert not world.has_started
    assert again.identity == first.identity


def test_a_change_that_nobody_could_see_is_found_when_something_is_asked(
    world: World, checkpoint: Path
) -> None:
    first = world.run(checkpoint)
    weights = checkpoint / "model.safetensors"
    before = weights.stat()
    content = weights.read_bytes()
    weights.write_bytes(content[:-4] + bytes(4))
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))

    remembered = world.run(checkpoint)
    assert remembered.identity == first.identity
    with pytest.raises(VscbenchError, match=r"have changed since .* run the same command again"):
        world.loop.run(remembered.respond(ASKED))

    now = world.run(checkpoint)
    assert not world.has_started
    assert now.identity != first.identity
    assert world.loop.run(now.respond(ASKED)).text


def test_why_a_model_cannot_be_opened_is_told_in_one_line_and_not_remembered(
    world: World, checkpoint: Path
) -> None:
    act = world.run
    for name, said in (
        ("chat_template.jinja", "no chat template"),
        ("model.safetensors", "has no weights"),
        ("config.json", "no config.json"),
    ):
        (checkpoint / name).unlink()
        with pytest.raises(UsageError, match=said) as raised:
            act(checkpoint)
        assert "\n" not in str(raised.value)
        spec = ModelSpec(f"local:{checkpoint}", params={"device": "cpu", "max_tokens": 8})
        assert not is_remembered(world.store, LocalOpening(spec, str(checkpoint)))
        act = world.open


def test_a_parameter_that_will_not_do_starts_nothing(world: World, checkpoint: Path) -> None:
    with pytest.raises(UsageError, match="--vsc-param max_tokens=0"):
        world.run(checkpoint, max_tokens=0)
    assert not world.has_started


def test_models_of_one_run_share_one_process_and_a_run_without_a_store_asks_each_time(
    tiny_llava: Path, tmp_path: Path
) -> None:
    started: list[SenderProcesses] = []

    def start() -> SenderProcesses:
        started.append(start_local(tmp_path / "store.sqlite"))
        return started[-1]

    loop = LoopThread()
    pools = Pools(SenderPool(lambda: SenderProcesses(1)), SenderPool(start), Servers(tmp_path))
    try:
        models = [
            open_any(
                ModelSpec(f"local:{tiny_llava}", params={"device": "cpu", "max_tokens": most}),
                NAMED,
                lambda: None,
                loop,
                pools,
            )
            for most in (4, 8)
        ]
        assert [model.params["max_tokens"] for model in models] == [4, 8]
        assert len(started) == 1
        assert len(started[0].processes) == 1
    finally:
        loop.run(pools.close())
        loop.close()
    assert [process.poll() for process in started[0].processes] != [None]
    assert (tmp_path / "local-engine.log").is_file()


def test_a_key_depends_on_all_that_a_model_says_of_itself_depends_on(checkpoint: Path) -> None:
    spec = ModelSpec(f"local:{checkpoint}", params={"max_tokens": 8})
    plain = LocalOpening(spec, str(checkpoint))
    others: list[Opening] = [
        replace(plain, spec=replace(spec, params={"max_tokens": 9})),
        replace(plain, spec=replace(spec, sends_images=False)),
        replace(plain, spec=replace(spec, sends_system=True)),
        replace(plain, source=str(checkpoint.parent)),
        replace(plain, base="org/base"),
        replace(plain, revision="v1"),
        HostedOpening(spec, "hosted_vllm/org/model"),
    ]
    assert len({key_of(plain), *map(key_of, others)}) == len(others) + 1


def test_a_key_does_not_depend_on_what_changes_no_model(checkpoint: Path) -> None:
    spec = ModelSpec(f"local:{checkpoint}")
    changed = replace(spec, timeout_s=1, needs_key=False, api_key="secret")
    assert key_of(LocalOpening(changed, str(checkpoint))) == key_of(
        LocalOpening(spec, str(checkpoint))
    )
