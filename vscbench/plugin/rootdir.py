"""Undo what pytest makes of our options before it knows them.

pytest finds its root folder from the command line before plugins are loaded, and so takes the
FOLDER of ``--vsc-pairs FOLDER`` for a path under test (pytest issue 1435): the root moves there,
and the settings of the project are not read. Once the options are known, the question is asked
again. This needs attributes that pytest does not promise; where they are gone, nothing is done.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

Found = tuple[Path, Path | None, Mapping[str, Any], Sequence[str]]


def settle_root(config: pytest.Config, args: list[str]) -> None:
    """Find the root folder and the ini file again, now that every option is known.

    Args:
        config: pytest's configuration, before conftests are loaded.
        args: the command line, which ``addopts`` of a newly found ini file joins.
    """
    try:
        _drop_model_name(config, args)
        found = _determine(config)
    except (ImportError, AttributeError, TypeError):
        return
    root, ini_file, ini_values, _ = found
    if (root, ini_file) == (config.rootpath, config.inipath):
        return
    known = config.known_args_namespace
    if known.confcutdir == str(config.inipath.parent if config.inipath else config.rootpath):
        known.confcutdir = str(ini_file.parent if ini_file else root)
    config._rootpath, config._inipath = root, ini_file
    setattr(config, "_inicfg" if hasattr(config, "_inicfg") else "inicfg", ini_values)
    config._inicache.clear()
    args[:] = [*config.getini("addopts"), *args]
    config._configure_python_path()


def _drop_model_name(config: pytest.Config, args: list[str]) -> None:
    """Take the NAME of ``--model NAME``, an option not known yet, out of the paths under test."""
    if "--model" not in args[:-1]:
        return
    name = args[args.index("--model") + 1]
    paths = config.known_args_namespace.file_or_dir
    if name in paths:
        paths.remove(name)


def pin_root(config: pytest.Config) -> None:
    """Make xdist's workers, which get other arguments, agree on the root and the ini file."""
    config.option.rootdir = str(config.rootpath)
    if config.inipath is not None:
        config.option.inifilename = str(config.inipath)


def _determine(config: pytest.Config) -> Found:
    from _pytest.config.findpaths import determine_setup

    known = config.known_args_namespace
    return determine_setup(
        inifile=known.inifilename,
        override_ini=known.override_ini,
        args=known.file_or_dir,
        rootdir_cmd_arg=known.rootdir or None,
        invocation_dir=config.invocation_params.dir,
    )
