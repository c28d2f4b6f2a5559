"""Keeping keys and passwords out of everything that is printed, recorded or raised."""

import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

REMOVED = "[removed]"
SHORTEST_SECRET = 8
# White space, quotation marks, and what nobody sees.
AROUND = " \t\r\n\"'`\u00a0\u200b\u2018\u2019\u201c\u201d\ufeff"

# "token" but neither "max_tokens" nor "tokenizer" nor "cost_per_token".
SECRET_NAME = re.compile(
    r"api.?key|access.?key|subscription.?key|private.?key|(?<!per_)token(?!s|i)|secret|passw"
    r"|authori[sz]ation|credential|cookie|bearer",
    re.IGNORECASE,
)
SECRET_VARIABLE = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
SECRET_FORM = re.compile(
    r"\b(?:sk|pk|rk|xai|gsk|hf|ghp|github_pat|r8)[-_][\w*.-]{6,}"  # OpenAI, Anthropic, xAI, ...
    r"|AIza[\w*-]{10,}"  # Google
    r"|A[KS]IA[A-Z0-9]{12,}"  # AWS
    r"|eyJ[\w-]{8,}\.[\w.-]+"  # a JSON web token
    r"|(?<=bearer )\S+"
    r"|(?<=://)[^/\s@]+(?=@)"  # user:password@
    r"|(?<=[?&]key=)[^&\s'\"]+",
    re.IGNORECASE,
)


def secret_names(values: Mapping[str, object], path: str = "") -> list[str]:
    """Return the dotted names, at any depth, under which something secret seems to stand."""
    found = []
    for name, value in values.items():
        dotted = f"{path}.{name}" if path else name
        if SECRET_NAME.search(name) or (isinstance(value, str) and SECRET_FORM.search(value)):
            found.append(dotted)
        elif isinstance(value, Mapping):
            found += secret_names(value, dotted)
    return found


def without_secrets(text: str) -> str:
    """Return a text without keys from the environment and without what looks like a key."""
    for value in sorted(_environment_secrets(), key=len, reverse=True):
        text = text.replace(value, REMOVED)
    return SECRET_FORM.sub(REMOVED, text)


def _environment_secrets() -> set[str]:
    values = {value for name, value in os.environ.items() if SECRET_VARIABLE.search(name)}
    # As they stand, and without what was pasted around them.
    forms = {form for value in values for form in (value, value.strip(AROUND))}
    return {form for form in forms if len(form) >= SHORTEST_SECRET}


def public_address(url: str) -> str:
    """Return a URL without user, password, query and fragment."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
