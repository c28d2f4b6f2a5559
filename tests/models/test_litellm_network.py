import base64
import urllib.request
from pathlib import Path

import pytest
from networks import OPENSSL, Authority, forward_proxy, make_authority
from routes import (
    ANTHROPIC,
    AZURE,
    BEDROCK,
    GEMINI,
    OPENAI,
    PLAIN_ROUTES,
    VLLM,
    ask_once,
    error_for,
    set_environment,
)
from servers import Reply, error, openai_server

from vscbench.errors import TargetError
from vscbench.models.litellm_setup import load_litellm
from vscbench.records import Cause

EVERYWHERE = pytest.mark.parametrize("litellm_id", PLAIN_ROUTES)
NEEDS_OPENSSL = pytest.mark.skipif(OPENSSL is None, reason="openssl makes the certificates")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)
    monkeypatch.setattr(load_litellm(), "ssl_verify", True)
    # Loopback addresses go through the proxy too, wherever these tests run.
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@EVERYWHERE
def test_requests_go_through_the_proxy_that_the_environment_names(
    litellm_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with openai_server(lambda body: "Yes.") as server, forward_proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://us:pa55word@{proxy.url}")
        assert ask_once(server, litellm_id).text == "Yes."
    (asked,) = proxy.asked
    assert asked.startswith(f"POST {server.root_url}/")
    login = base64.b64encode(b"us:pa55word").decode()
    assert proxy.logins == [f"Basic {login}"]


@NEEDS_OPENSSL
@EVERYWHERE
def test_a_tunnel_through_the_proxy_ends_at_a_server_of_our_own_authority(
    litellm_id: str, monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with openai_server(lambda _: "Yes.", tls=authority.server) as server, forward_proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.url}")
        assert ask_once(server, litellm_id).text == "Yes."
    assert proxy.asked == [f"CONNECT 127.0.0.1:{server.server_address[1]}"]


def test_no_proxy_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with openai_server(lambda body: "Yes.") as server, forward_proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.url}")
        if not urllib.request.proxy_bypass("127.0.0.1"):
            pytest.fail("the environment is not read")
        assert ask_once(server, VLLM).text == "Yes."
    assert proxy.asked == []


@pytest.mark.parametrize("litellm_id", [OPENAI, VLLM, ANTHROPIC, GEMINI])
def test_a_proxy_that_wants_a_login_says_so_and_no_password_leaves(
    litellm_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with openai_server() as server, forward_proxy(status=407) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://us:pa55word@{proxy.url}")
        with pytest.raises(TargetError, match="the proxy wants a login") as raised:
            ask_once(server, litellm_id)
        assert server.requests == []
    assert raised.value.cause is Cause.AUTHENTICATION
    assert "pa55word" not in str(raised.value)


@NEEDS_OPENSSL
@pytest.mark.parametrize("litellm_id", [OPENAI, VLLM])
def test_a_tunnel_that_is_refused_says_so(
    litellm_id: str, monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    with openai_server(tls=authority.server) as server, forward_proxy(status=407) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.url}")
        with pytest.raises(TargetError, match="the proxy wants a login") as raised:
            ask_once(server, litellm_id)
    assert raised.value.cause is Cause.AUTHENTICATION


@NEEDS_OPENSSL
@EVERYWHERE
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_VERIFY", "REQUESTS_CA_BUNDLE"])
def test_an_authority_of_our_own_is_trusted_where_the_environment_names_it(
    litellm_id: str, variable: str, monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    monkeypatch.setenv(variable, str(authority.file))
    with openai_server(lambda body: "Yes.", tls=authority.server) as server:
        assert ask_once(server, litellm_id).text == "Yes."


@NEEDS_OPENSSL
@EVERYWHERE
def test_a_server_that_nobody_vouches_for_is_not_talked_to(
    litellm_id: str, authority: Authority
) -> None:
    with openai_server(tls=authority.server) as server:
        with pytest.raises(TargetError, match="SSL_CERT_FILE") as raised:
            ask_once(server, litellm_id)
        assert server.requests == []
    assert raised.value.cause is Cause.CONNECTION


@EVERYWHERE
def test_headers_of_ones_own_arrive(litellm_id: str) -> None:
    with openai_server(lambda body: "Yes.") as server:
        ask_once(server, litellm_id, {"extra_headers": {"X-Team": "a"}})
    (received,) = server.requests
    assert {name.lower(): value for name, value in received.headers.items()}["x-team"] == "a"


@pytest.mark.parametrize("litellm_id", [OPENAI, VLLM, ANTHROPIC, GEMINI, AZURE, BEDROCK])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_takes_neither_prompt_nor_key_elsewhere(litellm_id: str, status: int) -> None:
    with openai_server() as elsewhere:
        reply = Reply(status=status, raw=b"", headers={"Location": f"{elsewhere.root_url}/v1"})
        with openai_server(lambda body: reply) as server:
            with pytest.raises(TargetError, match="redirects to") as raised:
                ask_once(server, litellm_id)
            assert len(server.requests) == 1
        assert elsewhere.requests == []
    assert raised.value.cause is Cause.NOT_FOUND


def test_a_redirect_without_an_address_is_unreadable() -> None:
    fault = error_for(VLLM, error(302, "moved"))
    assert (fault.cause, str(fault)) == (Cause.UNREADABLE, "unreadable answer (HTTP 302): moved")


def test_certificates_that_are_not_there_are_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    assert load_litellm().ssl_verify is True
