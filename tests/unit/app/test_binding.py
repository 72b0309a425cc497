"""Where it listens: this machine only, or TLS, or a person's word; and TLS as strict as it says."""

from __future__ import annotations

import datetime
import http.client
import logging
import ssl
from contextlib import closing
from pathlib import Path

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.support.edge import Echo, serving

from botcore.api.guard import Guard, HostList
from botcore.api.proxies import Proxies
from botcore.app.binding import binding_of, connections_of, is_this_machine, server_options
from botcore.app.settings import Settings, load_settings
from botcore.domain.errors import ConfigError


class Tls:
    """A certificate for localhost, its key, and files of both."""

    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        born = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(born)
            .not_valid_after(born + datetime.timedelta(days=36_500))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(key, hashes.SHA256())
        )
        self.certificate, self.key = folder / "cert.pem", folder / "key.pem"
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        self.key.chmod(0o600)

    def client(self, *, version: ssl.TLSVersion) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.minimum_version = context.maximum_version = version
        return context


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    return Tls(tmp_path)


def settings(tmp_path: Path, **given: object) -> Settings:
    return load_settings(home=tmp_path, **given)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_this_machine_needs_no_tls(host: str, tmp_path: Path) -> None:
    binding = binding_of(settings(tmp_path, host=host))

    assert (binding.scheme, binding.warnings) == ("http", ())


def test_this_machine_is_the_default(tmp_path: Path) -> None:
    assert binding_of(settings(tmp_path)).host == "127.0.0.1"


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "", "192.0.2.7", "bot.example", "localhost.evil.example", "127.1"]
)
def test_the_network_is_not_bound_without_tls(host: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        binding_of(settings(tmp_path, host=host))

    assert refused.value.code == "BIND_WITHOUT_TLS"
    assert "allow_plain_http" in refused.value.fix


def test_a_person_may_say_that_a_proxy_adds_tls_and_is_told_what_it_means(tmp_path: Path) -> None:
    binding = binding_of(settings(tmp_path, host="0.0.0.0", allow_plain_http=True))

    (warning,) = binding.warnings
    assert "reads passwords and places orders" in warning
    assert binding.hosts == ()


def test_with_tls_the_network_may_be_bound(tmp_path: Path, tls: Tls) -> None:
    binding = binding_of(
        settings(tmp_path, host="192.0.2.7", tls_certificate=tls.certificate, tls_key=tls.key)
    )

    assert (binding.scheme, binding.hosts, binding.warnings) == ("https", ("192.0.2.7",), ())


def test_an_address_of_ipv6_is_a_host_in_brackets(tmp_path: Path) -> None:
    binding = binding_of(settings(tmp_path, host="2001:db8::7", allow_plain_http=True))

    assert HostList(binding.hosts).allows("[2001:db8::7]:8080")


@pytest.mark.parametrize("given", ["tls_certificate", "tls_key"])
def test_half_of_tls_is_refused(given: str, tmp_path: Path, tls: Tls) -> None:
    with pytest.raises(ConfigError) as refused:
        binding_of(settings(tmp_path, **{given: tls.key}))

    assert refused.value.code == "TLS_INCOMPLETE"


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o602])
def test_a_key_that_others_can_use_is_refused(mode: int, tmp_path: Path, tls: Tls) -> None:
    tls.key.chmod(mode)

    with pytest.raises(ConfigError) as refused:
        binding_of(settings(tmp_path, tls_certificate=tls.certificate, tls_key=tls.key))

    assert refused.value.code == "TLS_KEY_EXPOSED"
    assert f"{mode:04o}" in refused.value.cause


@pytest.mark.parametrize("content", [None, "no key at all"])
def test_a_key_that_is_none_is_refused(content: str | None, tmp_path: Path, tls: Tls) -> None:
    if content is None:
        tls.key.unlink()
    else:
        tls.key.write_text(content)
    given = settings(tmp_path, tls_certificate=tls.certificate, tls_key=tls.key)

    with pytest.raises(ConfigError) as refused:
        server_options(binding_of(given), connections_of(given, Proxies()))

    assert refused.value.code == "TLS_UNREADABLE"


def test_why_tls_1_2_is_spoken_is_said(tmp_path: Path, tls: Tls) -> None:
    binding = binding_of(
        settings(
            tmp_path,
            tls_certificate=tls.certificate,
            tls_key=tls.key,
            tls_1_2_because="the scanner in the office",
        )
    )

    assert binding.has_tls_1_2
    assert binding.warnings == ("TLS 1.2 is spoken beside 1.3, because: the scanner in the office",)


@pytest.mark.parametrize("has_tls_1_2", [False, True])
def test_tls_1_3_only_unless_a_reason_is_given(has_tls_1_2: bool, tls: Tls) -> None:
    guard = Guard(Echo(), HostList())
    with serving(
        guard, certificate=tls.certificate, key=tls.key, has_tls_1_2=has_tls_1_2
    ) as served:

        def ask(version: ssl.TLSVersion) -> http.client.HTTPResponse:
            context = tls.client(version=version)
            connection = http.client.HTTPSConnection("localhost", served.port, context=context)
            with closing(connection):
                connection.request("GET", "/")
                return connection.getresponse()

        new = ask(ssl.TLSVersion.TLSv1_3)
        if has_tls_1_2:
            old: http.client.HTTPResponse | None = ask(ssl.TLSVersion.TLSv1_2)
        else:
            old = None
            with pytest.raises(ssl.SSLError):
                ask(ssl.TLSVersion.TLSv1_2)

    assert new.status == 200
    assert new.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert old is None or old.status == 200


def test_plain_http_on_the_port_of_tls_is_refused_and_not_redirected(tls: Tls) -> None:
    app = Echo()
    with serving(Guard(app, HostList()), certificate=tls.certificate, key=tls.key) as served:
        answer = served.exchange(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")

    assert b"HTTP/" not in answer
    assert app.reached == []


def test_the_server_is_told_to_believe_no_proxy_and_inflate_nothing(tmp_path: Path) -> None:
    given = settings(tmp_path)

    options = server_options(binding_of(given), connections_of(given, Proxies()))

    assert options["proxy_headers"] is False
    assert options["ws_per_message_deflate"] is False
    assert options["ssl_context_factory"] is None


def test_connections_leave_files_for_the_stores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda _: (1_024, 4_096))

    bounds = connections_of(settings(tmp_path), Proxies()).bounds

    assert (bounds.total, bounds.per_address) == (768, 256)


def test_this_machine_and_trusted_proxies_may_connect_as_often_as_they_like(tmp_path: Path) -> None:
    given = settings(tmp_path, rates={"connections_per_address": 1})
    open_ = connections_of(given, Proxies(["10.0.0.7"]))

    for address, expected in (("127.0.0.1", True), ("10.0.0.7", True), ("192.0.2.1", False)):
        open_.enter(address)
        assert open_.enter(address) is expected


def test_only_what_is_certainly_this_machine_counts_as_it() -> None:
    assert is_this_machine("::1")
    assert not is_this_machine("LOCALHOST.")
    assert not is_this_machine("::ffff:192.0.2.1")


def test_a_handshake_is_no_line_of_the_log(tmp_path: Path) -> None:
    given = load_settings(home=tmp_path)
    options = server_options(binding_of(given), connections_of(given, Proxies()))

    uvicorn.Config(Echo(), log_config=None, **options)

    assert not logging.getLogger("uvicorn.error").isEnabledFor(logging.INFO)
    assert logging.getLogger("uvicorn.error").isEnabledFor(logging.WARNING)
