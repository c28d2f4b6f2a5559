"""The template, its style and its script, joined to a page that runs nothing else."""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from vscbench.report.html.text import shown

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE: Final = "page.html.j2"
STYLE: Final = "page.css"
SCRIPT: Final = "page.js"


def render(view: Mapping[str, object]) -> str:
    """Return the page of a view model; every text in it is escaped, and shown whatever it holds.

    Args:
        view: the names that the template uses; all of them must be there.
    """
    style, script = _asset(STYLE), _asset(SCRIPT)
    policy = content_security_policy(style, script)
    return _template(TEMPLATE).render(view, style=style, script=script, policy=policy)


def render_still(template: str, view: Mapping[str, object]) -> str:
    """Return a page without a script.

    Args:
        template: its file, beside that of a run's page.
        view: the names that the template uses; all of them must be there.
    """
    style = _asset(STYLE)
    policy = content_security_policy(style, script=None)
    return _template(template).render(view, style=style, policy=policy)


def content_security_policy(style: str, script: str | None) -> str:
    """Allow this style, this script if any and embedded images, and nothing else at all."""
    return "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            f"style-src '{_digest(style)}'",
            "script-src 'none'" if script is None else f"script-src '{_digest(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _asset(name: str) -> str:
    file = resources.files("vscbench.report.html") / "assets" / name
    return file.read_text(encoding="utf-8")


@cache
def _template(name: str) -> "Template":
    # Imported here: only the end of a run makes a page.
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def finalize(value: object) -> object:
        """Show what a text holds, wherever a template writes it."""
        return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=PackageLoader("vscbench.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # The style and the script are ours, word for word: their digests are in the policy.
    environment.filters["ours"] = Markup
    return environment.get_template(name)
