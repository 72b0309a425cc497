"""Where the API listens and how: this machine only, or TLS, or a person's word that TLS is added.

Plain HTTP on the port of TLS is refused by the handshake: nobody is led from one to the other, for
what was sent in the clear has been read by then.
"""

import ipaddress
import os
import ssl
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from botcore.api.connections import ConnectionBounds, Connections, bounded_http
from botcore.api.proxies import Proxies
from botcore.api.ws.protocol import FrameProtocol
from botcore.app.settings import Settings
from botcore.domain.errors import ConfigError

TLS_1_2_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""With forward secrecy and authenticated encryption; TLS 1.3 has no others."""
_WILDCARDS: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  # to know them, not to bind them
_FILES_KEPT: Final = 256
"""File descriptors for stores, logs and the bus, which connections must leave."""
KEEP_ALIVE_S: Final = 75
"""Longer than our clients keep a connection, so that they never write into one that just closed."""
SOCKET_BYTES_MAX: Final = 64 * 1024


class Binding(NamedTuple):
    """Where it listens.

    Attributes:
        host: as the server binds it.
        certificate, key: PEM files; None without TLS.
        has_tls_1_2: whether the older TLS is spoken too.
        warnings: sentences for who starts it.
    """

    host: str
    certificate: Path | None
    key: Path | None
    has_tls_1_2: bool
    warnings: tuple[str, ...]

    @property
    def scheme(self) -> str:
        """Return ``https`` or ``http``: the first word of its address."""
        return "http" if self.certificate is None else "https"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the name it is known by because it listens there; a wildcard is none."""
        if self.host in _WILDCARDS:
            return ()
        return (f"[{self.host}]" if ":" in self.host else self.host,)


def binding_of(settings: Settings) -> Binding:
    """Return where the API listens.

    Raises:
        ConfigError: it would be open to the network without TLS, and nobody said that this is
            meant; or a file of TLS is missing, alone, or readable by everybody.
    """
    certificate, key = settings.tls_certificate, settings.tls_key
    if (certificate is None) != (key is None):
        given, missing = ("tls_certificate", "tls_key")
        if certificate is None:
            given, missing = missing, given
        raise ConfigError(
            code="TLS_INCOMPLETE",
            cause=f"{given} is set and {missing} is not",
            fix=f"set {missing} too (BOTCORE_{missing.upper()}), or neither",
        )
    if key is not None:
        _refuse_exposed(key)
    warnings = []
    if certificate is None and not is_this_machine(settings.host):
        if not settings.allow_plain_http:
            raise ConfigError(
                code="BIND_WITHOUT_TLS",
                cause=f"host {settings.host!r} is open to the network, and there is no TLS:"
                " passwords and orders would go in the clear",
                fix="set tls_certificate and tls_key, or host=127.0.0.1 behind an SSH tunnel;"
                " allow_plain_http=true only where a proxy in front adds TLS",
            )
        warnings.append(
            f"plain HTTP on {settings.host}: whoever is on the way reads passwords and places"
            " orders, unless a proxy in front adds TLS and nobody else reaches this port"
        )
    if settings.tls_1_2_because and certificate is not None:
        warnings.append(f"TLS 1.2 is spoken beside 1.3, because: {settings.tls_1_2_because}")
    return Binding(
        settings.host,
        certificate,
        key,
        bool(settings.tls_1_2_because),
        tuple(warnings),
    )


def is_this_machine(host: str) -> bool:
    """Whether only this machine reaches what listens there; of a name it is not known."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def tls_context(binding: Binding) -> ssl.SSLContext:
    """Return the TLS of a binding that has a certificate.

    Raises:
        ConfigError: certificate or key cannot be read, or do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if binding.has_tls_1_2:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(TLS_1_2_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        assert binding.certificate is not None, "only asked where there is one"
        context.load_cert_chain(binding.certificate, binding.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            code="TLS_UNREADABLE",
            cause=f"{binding.certificate} and {binding.key} are no certificate with its key:"
            f" {error}",
            fix="name a PEM file with the certificate (and its chain), and one with its key",
        ) from error
    return context


def connections_of(settings: Settings, proxies: Proxies) -> Connections:
    """Return the count of connections, bounded by the settings and by the files one may open.

    This machine's own and a trusted proxy's addresses have no bound of their own.
    """
    rates = settings.rates
    bounds = ConnectionBounds(
        per_address=rates.connections_per_address,
        total=min(rates.connections_max, max(1, _files_max() - _FILES_KEPT)),
    )
    return Connections(bounds, is_unbounded=partial(_is_unbounded, proxies))


def server_options(binding: Binding, connections: Connections) -> dict[str, Any]:
    """Return arguments of ``uvicorn.Config`` that make the edge what it must be; all but the port.

    Raises:
        ConfigError: as `tls_context`.
    """
    factory: Callable[..., ssl.SSLContext] | None = None
    if binding.certificate is not None:
        context = tls_context(binding)

        def factory(*_: object) -> ssl.SSLContext:
            return context

    return {
        "host": binding.host,
        "http": bounded_http(connections),
        # Not a line a handshake: it would hold what a stranger put into the address, and a line too
        # many is dropped by an exception that ends the handshake.
        "log_level": "warning",
        "proxy_headers": False,  # the guard knows whom to believe; uvicorn would believe 127.0.0.1
        "server_header": False,
        "ssl_context_factory": factory,
        "timeout_keep_alive": KEEP_ALIVE_S,
        "ws": FrameProtocol,
        "ws_max_size": SOCKET_BYTES_MAX,
        "ws_per_message_deflate": False,  # a few bytes would become megabytes
    }


def _is_unbounded(proxies: Proxies, address: str) -> bool:
    return is_this_machine(address) or proxies.trusts(address)


def _refuse_exposed(key: Path) -> None:
    try:
        mode = stat.S_IMODE(key.stat().st_mode)
    except OSError as error:
        raise ConfigError(
            code="TLS_UNREADABLE",
            cause=f"tls_key {key} cannot be read: {error.strerror}",
            fix="name the PEM file of the certificate's key, readable by this user",
        ) from error
    if os.name == "posix" and mode & 0o027:
        raise ConfigError(
            code="TLS_KEY_EXPOSED",
            cause=f"tls_key {key} has mode {mode:04o}: others than its owner may use or change it",
            fix=f"chmod 600 {key}, and make a new key if somebody may have read it",
        )


def _files_max() -> int:
    """Return how many files this process may open."""
    try:
        import resource
    except ImportError:  # there is no such limit on Windows
        return 1 << 20
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 20 if soft == resource.RLIM_INFINITY else soft
