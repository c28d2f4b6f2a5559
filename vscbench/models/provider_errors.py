"""Errors as providers write them: what they mean for a run, and which of them are blocks."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vscbench.models.provider_blocks import (
    describes_block,
    holds_word,
    is_block_code,
    is_block_status,
    marks_content,
)
from vscbench.models.provider_words import found_categories, mapping, one_line, string
from vscbench.records import Cause

CAUSES = {
    401: Cause.AUTHENTICATION,
    402: Cause.QUOTA,
    403: Cause.AUTHENTICATION,
    404: Cause.NOT_FOUND,
    405: Cause.NOT_FOUND,
    407: Cause.AUTHENTICATION,
    408: Cause.TIME_OUT,
    409: Cause.SERVER_ERROR,
    424: Cause.SERVER_ERROR,  # Bedrock: the model broke
    425: Cause.SERVER_ERROR,
    429: Cause.RATE_LIMIT,
    498: Cause.RATE_LIMIT,  # Groq: no capacity
    499: Cause.SERVER_ERROR,  # Google: cancelled on its side
}
MOST_WORDS = 10_000  # characters: what a filter says of a prompt comes before the prompt
NO_SUCCESS, FIRST_ERROR, FIRST_SERVER_ERROR, LAST_ERROR = 300, 400, 500, 599

# Statuses of errors that come inside an answer with HTTP 200. Anthropic
# https://docs.claude.com/en/api/errors, Google https://cloud.google.com/apis/design/errors
STATUSES = {
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "api_error": 500,
    "server_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
    "invalid_request_error": 400,
    "invalid_argument": 400,
    "unauthenticated": 401,
    "permission_denied": 403,
    "not_found": 404,
    "resource_exhausted": 429,
    "internal": 500,
    "unavailable": 503,
    "deadline_exceeded": 504,
    # https://platform.minimax.io/docs/api-reference/errorcode
    "base_resp 1000": 500,
    "base_resp 1001": 504,
    "base_resp 1002": 429,
    "base_resp 1004": 401,
    "base_resp 1008": 402,
    "base_resp 1013": 500,
    "base_resp 1024": 500,
    "base_resp 1033": 500,
    "base_resp 1039": 429,
    "base_resp 1041": 429,
    "base_resp 2013": 400,
    "base_resp 2049": 401,
    "base_resp 2056": 429,
}
# What a status alone does not tell. 429 is either a limit that passes or money that is gone.
QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "billing_error",
        "billing_hard_limit_reached",
        "billing_not_active",
        "insufficient_balance",
        "budget_exceeded",
    }
)
QUOTA_WORDS = re.compile(
    r"credit balance is too low|used all available credits|monthly spending limit"
    r"|free-models-per-day|insufficient (?:balance|credits?|funds)|余额不足|欠费"
    r"|(?:spend(?:ing)?|budget|billing|cost)s? (?:polic(?:y|ies)|limits?|caps?|controls?|rules?)"
    r"|(?:exceed\w*|over|reached|violat\w*) (?:(?!thinking|reasoning|token)\w+ ){0,4}"
    r"(?:spending|budget\b)|budget has been exceeded",
    re.IGNORECASE,
)
KEY_CODES = frozenset(
    {
        *("api_key_invalid", "invalid_api_key", "authentication_error", "account_deactivated"),
        *("access_terminated", "access_terminated_error", "account_suspended"),
        *("unsupported_country_region_territory", "organization_restricted"),
    }
)
# An account, an organization or a key that is shut, for whatever reason: no request will succeed.
SHUT_WORDS = re.compile(
    r"(?:account|organi[sz]ation|workspace|api key|\bkey|access)\b.{0,40}?\b(?:deactivated"
    r"|suspended|terminated|disabled|banned|closed|blocked|restricted|revoked|leaked|locked|frozen)"
    r"|(?:deactivated|suspended|disabled|banned|closed|blocked|revoked|leaked) (?:\w+ )?"
    r"(?:account|organi[sz]ation|api key|key)\b"
    r"|(?:账号|账户|帐户|帐号).{0,20}(?:封|停用|禁用|冻结)",
    re.IGNORECASE,
)
LIMIT_WORDS = re.compile(
    r"fair[- ]us(?:e|age)|rate[- ]limit|too many requests"
    r"|(?:requests|tokens) per (?:minute|second)",
    re.IGNORECASE,
)
MODEL_CODES = frozenset({"model_not_found", "deploymentnotfound", "invalid_model"})
MODEL_WORDS = re.compile(r"model identifier is invalid", re.IGNORECASE)
IMAGE_CODES = frozenset(
    {"image_parse_error", "invalid_image", "invalid_image_format", "image_too_large"}
)
IMAGE_WORDS = re.compile(
    r"(?:unable to|could not|cannot|failed to) (?:process|decode|load|identify|parse)"
    r" (?:the |this |input )?image",
    re.IGNORECASE,
)

OUTPUT_LIMIT = "max_tokens or model output limit was reached"

# A validation error repeats what was sent behind such a mark: no words of the provider's.
ECHO = re.compile(r"""['"]?\b(?:input|input_value|prompt|messages)['"]?\s*[:=]\s*['"\[{]""")

# Who asked is nobody's business: xAI names team and key between its reason and its finding.
ASKER = re.compile(r"Team: [^,]*, API key ID: [^,]*, ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ProviderError:
    """An error of a provider, taken apart.

    ``status`` is HTTP's or, where that was 200, the one that the error itself carries; ``codes``
    are its words for its kind, in lower case; ``body`` is the whole body, and ``words`` the message
    in full. ``is_own_block`` says that it holds a word by which the project knows a block.
    """

    status: int | None
    message: str
    codes: tuple[str, ...]
    error: Mapping[str, Any]
    body: Mapping[str, Any]
    words: str = ""
    is_own_block: bool = False

    @property
    def cause(self) -> Cause:
        """What the error means for the run."""
        return self._told_by_words() or self._told_by_status()

    def _told_by_words(self) -> Cause | None:
        codes = frozenset(self.codes)
        if codes & QUOTA_CODES or QUOTA_WORDS.search(self.message) or _is_daily(self.error):
            return Cause.QUOTA
        if codes & KEY_CODES or (self._is_refusal and SHUT_WORDS.search(self.message)):
            return Cause.AUTHENTICATION
        if self._is_refusal and LIMIT_WORDS.search(self.message):
            return Cause.RATE_LIMIT
        if codes & MODEL_CODES or MODEL_WORDS.search(self.message):
            return Cause.NOT_FOUND
        return None

    @property
    def _is_refusal(self) -> bool:
        """Whether the status says only that the request is refused, and the words say why."""
        return self.status in {400, 403}

    def _told_by_status(self) -> Cause:
        if self.status is None or self.status < FIRST_ERROR:
            return Cause.UNREADABLE
        if self.status in CAUSES:
            return CAUSES[self.status]
        if self.status >= FIRST_SERVER_ERROR:
            return Cause.SERVER_ERROR
        is_image = IMAGE_CODES & {*self.codes} or IMAGE_WORDS.search(self.message)
        return Cause.IMAGE if is_image else Cause.BAD_REQUEST

    @property
    def block(self) -> str | None:
        """The reason, in the provider's words, where the error is its filter; else ``None``."""
        code = next((code for code in self.codes if is_block_code(code)), "")
        moderated = mapping(self.error.get("metadata")).get("reasons")  # OpenRouter
        # A page (no JSON) is a firewall's or a proxy's, whatever its words.
        worded = self.body and is_block_status(self.status) and self._describes_block
        if not (code or moderated or worded or self.is_own_block):
            return None
        found = ", ".join([*found_categories(self.body), *_texts(moderated)])
        said = ": ".join(filter(None, (code, found or self.message)))
        said = said if code or not found else f"{self.message.rstrip('.')}: {found}"
        inner = string(mapping(self.error.get("innererror")).get("code"))
        return f"{said} ({inner})" if inner else said

    @property
    def _describes_block(self) -> bool:
        return marks_content(self.body) or describes_block(self.words, self.codes)

    @property
    def is_output_limit(self) -> bool:
        """Whether OpenAI says by an error what it mostly says by the finish reason ``length``."""
        return OUTPUT_LIMIT in self.message


def error_in(body: object) -> Mapping[str, Any] | None:
    """Return the error object of a body, or ``None`` where it has none."""
    said = _unlisted(body)
    refused = mapping(said.get("base_resp"))  # MiniMax
    if refused.get("status_code"):
        return {**refused, "code": f"base_resp {refused['status_code']}"}
    error = said.get("error")
    if isinstance(error, dict):
        return error if any(error.values()) else None
    is_named = "error" in {string(said.get("type")), string(said.get("object"))}
    return said if error or is_named or said.get("error_code") else None


def read_error(
    http_status: int | None, body: object, text: str, block_words: Sequence[str] = ()
) -> ProviderError:
    """Take an error apart.

    Args:
        http_status: of the response; where it is no error, the error object tells its own.
        body: the body as JSON, or ``None`` where it is none.
        text: the body as it came, for an error page.
        block_words: what a project calls a block besides.
    """
    said = _unlisted(body)
    error = error_in(body) or said
    codes = tuple(_codes(error))
    is_error = http_status is not None and http_status >= NO_SUCCESS
    status = http_status if is_error else _own_status(codes)
    message = ASKER.sub("", _message(error, text))
    whole = "\n".join((message, *codes, text))
    own = holds_word(whole, block_words)
    words = ECHO.split(message, maxsplit=1)[0][:MOST_WORDS]
    return ProviderError(status, one_line(message), codes, error, said, words, own)


def _unlisted(body: object) -> Mapping[str, Any]:
    # Vertex puts the one error into a list.
    return mapping(body[0] if isinstance(body, list) and body else body)


def _codes(error: Mapping[str, Any]) -> list[str]:
    inner = mapping(error.get("innererror"))
    reasons = [mapping(detail).get("reason") for detail in _list(error.get("details"))]
    own = [error.get(name) for name in ("code", "type", "status", "error_code")]
    said = [*own, mapping(error.get("metadata")).get("error_type"), inner.get("code"), *reasons]
    behind = _codes(_behind(error)) if _behind(error) else []
    return [*(str(each).lower() for each in said if isinstance(each, str | int)), *behind]


def _behind(error: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the error of the provider behind OpenRouter, which passes it on as a text."""
    try:
        raw = json.loads(string(mapping(error.get("metadata")).get("raw")))
    except ValueError:
        return {}
    return error_in(raw) or {}


def _own_status(codes: tuple[str, ...]) -> int | None:
    for code in codes:
        number = int(code) if code.isdecimal() else STATUSES.get(code, 0)
        if FIRST_ERROR <= number <= LAST_ERROR:
            return number
    return None


def _message(error: Mapping[str, Any], text: str) -> str:
    """Return the provider's words, wherever they stand; an error page as it is."""
    places = ("message", "Message", "error", "detail", "msg", "error_msg", "status_msg")
    said = next((error[place] for place in places if error.get(place)), text)
    line = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    behind = _behind(error)
    return f"{line}: {_message(behind, '')}" if behind else line


def _is_daily(error: Mapping[str, Any]) -> bool:
    """Whether Google says that a day's quota is gone; a minute's comes back by itself.

    https://ai.google.dev/gemini-api/docs/rate-limits
    """
    details = [mapping(detail) for detail in _list(error.get("details"))]
    violations = [mapping(each) for detail in details for each in _list(detail.get("violations"))]
    return any("PerDay" in string(violation.get("quotaId")) for violation in violations)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [each for each in _list(value) if isinstance(each, str)]
