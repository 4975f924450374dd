"""Where leads can go, and what is told of it."""

import ssl
from pathlib import Path

import click
import pytest
import trustme
from faultserver import answer, closed_port, fault_server
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields
from sending import DONE, QUICK, a_request, a_transport, not_sent
from yarl import URL

from bulkpost.cli.main import COMMANDS, bulkpost
from bulkpost.config import Settings, destination_of
from bulkpost.errors import ConfigError, NotSentError
from bulkpost.reporting.wording import masked_destination
from bulkpost.transport.settings import TransportSettings

_FLOW, _SOURCE = "5f0c1d2e3a4b5c6d7e8f9a0b", "6a1b2c3d4e5f60718293a4b5"
_SECRET = "s3cr3t"  # noqa: S105  # to be looked for


def options() -> dict[str, click.Option]:
    context = click.Context(bulkpost)
    commands = [bulkpost.get_command(context, name) for name in COMMANDS]
    commands += [child for group in commands if isinstance(group, click.Group)
                 for child in group.commands.values()]  # fmt: skip
    return {
        spelling: option
        for command in commands
        if command is not None
        for option in command.params
        if isinstance(option, click.Option)
        for spelling in (*option.opts, *option.secondary_opts)
    }


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{_SECRET}@app.leadconduit.com/flows/{_FLOW}/sources/{_SOURCE}/submit",
        f"user:{_SECRET}@app.leadconduit.com/flows/{_FLOW}/sources/{_SOURCE}/submit",
        f"https://app.leadconduit.com/flows/{_FLOW}/sources/{_SOURCE}/submit#{_SECRET}",
        f"ftp://{_SECRET}.example/x",
        f"https://app.leadconduit.com/flows/{_FLOW}{_SECRET}/sources/{_SOURCE}/submit",
        f"https://app.leadconduit.com/nothing?key={_SECRET}",
    ],
)
def test_t4_a_refused_url_is_not_repeated_with_its_secrets(url: str) -> None:
    """User, password, query and fragment are told to nobody."""
    with pytest.raises(ConfigError) as refused:
        destination_of(Settings(url=url))

    assert _SECRET not in f"{refused.value!r} {refused.value.message} {refused.value.advice}"


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "user:secret@127.0.0.1:{port}", "[::1"])
async def test_t4_a_failed_request_names_host_and_port_only(host: str) -> None:
    """The library's own errors hold the whole URL; ours hold where nobody answered."""
    origin = f"http://{host.format(port=closed_port())}"
    async with a_transport() as transport:
        try:
            await not_sent(transport, origin)  # asserts that no "secret" is told
        except (ValueError, AssertionError) as error:
            assert "secret" not in str(error)  # noqa: PT017  # both are allowed


def test_t8_no_option_takes_a_secret() -> None:
    """What stands on a command line is read by every user of the machine."""
    words = ("password", "secret", "token", "api-key", "credential", "auth")

    assert [] == [name for name in options() if any(word in name for word in words)]
    assert [] == [
        field.name for field in fields(Settings) if any(word in field.name for word in words)
    ]


def test_t8_ids_that_let_anybody_submit_are_masked_where_runs_are_listed() -> None:
    """The table that is shown around has the ends of the ids and no more."""
    name = f"https://app.leadconduit.com/flows/{_FLOW}/sources/{_SOURCE}/submit"

    assert "app.leadconduit.com 5f0c…9a0b / 6a1b…a4b5" == masked_destination(name)


def test_t9_no_option_and_no_setting_lowers_the_guard() -> None:
    """There is no way to say: any certificate will do, or: plain http will do."""
    words = (
        "insecure",
        "no-verify",
        "verify-ssl",
        "skip-tls",
        "no-check",
        "allow-http",
        "trust-all",
    )
    settings = {field.name.replace("_", "-") for field in fields(TransportSettings)}

    assert [] == [
        name for name in {*options(), *settings} if any(word in name for word in words)
    ]  # fmt: skip


async def test_t9_certificates_and_names_are_checked_and_the_protocol_is_recent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS 1.2 at least, a trusted certificate for the right name, and no key is written down."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    async with a_transport() as transport:
        session = transport._session  # noqa: SLF001  # what is to be looked into
        assert session is not None
        context = session.connector._ssl  # type: ignore[union-attr]  # noqa: SLF001  # as above

    assert isinstance(context, ssl.SSLContext)
    assert (ssl.CERT_REQUIRED, True) == (context.verify_mode, context.check_hostname)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.keylog_filename is None


async def test_t9_an_authority_of_ones_own_is_trusted_by_its_file_only(tmp_path: Path) -> None:
    """``transport.ca_file`` names it; without it the run stops before the first byte."""
    authority = trustme.CA()
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(served)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    trusting = TransportSettings(
        connect_s=2.0, read_s=2.0, total_s=4.0, ca_file=str(tmp_path / "ca.pem")
    )
    async with fault_server(answer(201, DONE), tls=served) as server:
        async with a_transport(trusting) as transport:
            reply = await transport.send(a_request(server.url))
        async with a_transport() as transport:
            with pytest.raises(NotSentError) as refused:
                await transport.send(a_request(server.url))

    assert 201 == reply.status
    assert refused.value.is_fatal
    assert 1 == len(server.requests)


_hosts = st.sampled_from(
    ["app.leadconduit.com", "evil.example", "leadconduit.com.evil.example", "127.0.0.1", "[::1]",
     "localhost", "evil.example\\@app.leadconduit.com", "app.leadconduit.com@evil.example",
     "app.leadconduit.com%2eevil.example", "evil.example#.leadconduit.com", "169.254.169.254",
     "app.leadconduit.com:80@evil.example", "0x7f.1", "2130706433", "evil。leadconduit.com",
     "app.leadconduit.com\t.evil.example", "xn--app-leadconduit.com", "", "*.leadconduit.com"]
)  # fmt: skip
_schemes = st.sampled_from(["https://", "http://", "//", "file://", "https:\\\\", "HTTPS://", ""])
_paths = st.sampled_from(
    [f"/flows/{_FLOW}/sources/{_SOURCE}/submit", "/", "/../flows", f"/flows/{_FLOW}/sources/../x"]
)
_queries = st.sampled_from(["", "?a=b", "?redir_url=https://evil.example", "?Redir_URL=x", "?a#b"])


@given(
    st.builds("".join, st.tuples(_schemes, _hosts, st.text(max_size=3), _paths, _queries)),
    st.booleans(),
)
def test_t10_no_url_leads_anywhere_else(url: str, is_routed: bool) -> None:  # noqa: FBT001  # drawn
    """Whatever is given is refused, or goes to an allowed host, as aiohttp itself reads it."""
    settings = Settings(url=url)
    if is_routed:
        settings = Settings(host=url)
    try:
        destination = destination_of(settings)
    except ConfigError:
        return
    read = URL(destination.url, encoded=True)

    assert read.host == destination.host
    assert read.user is None
    is_local = read.host in {"localhost", "127.0.0.1", "::1"}
    assert is_local or str(read.host).endswith(".leadconduit.com")
    assert is_local or read.scheme == "https"
    assert (_FLOW, _SOURCE) == (read.path.split("/")[2], read.path.split("/")[4])
    assert "redir_url" not in read.query


@given(st.text("0123456789abcdefABCDEF/.?#@:%\\ghi\n", min_size=20, max_size=26))
def test_t10_an_id_from_a_row_cannot_change_the_address(text: str) -> None:
    """A row's own flow or source is 24 hex digits, or the row is refused."""
    base = destination_of(Settings(flow_id=_FLOW, source_id=_SOURCE))
    try:
        routed = base.routed(text, _SOURCE)
    except ConfigError:
        return

    assert (
        f"https://app.leadconduit.com/flows/{text.lower()}/sources/{_SOURCE}/submit" == routed.url
    )
    assert 24 == len(text)


async def test_t10_redirects_cookies_and_proxies_of_the_environment_are_not_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second server sees nothing; neither a cookie nor a proxy changes the next request."""
    async with fault_server(answer(201, DONE)) as elsewhere:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, elsewhere.url)
        away = (("Location", elsewhere.url), ("Set-Cookie", "a=b; Path=/"))
        async with fault_server(answer(307, b"", away)) as server, a_transport(QUICK) as transport:
            replies = [await transport.send(a_request(server.url)) for _ in range(2)]

    assert [307, 307] == [reply.status for reply in replies]
    assert [] == elsewhere.requests
    assert 2 == len(server.requests)
    assert all("cookie" not in request.headers for request in server.requests)
