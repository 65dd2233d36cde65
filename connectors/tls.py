"""TLS by files: who is trusted, and with which certificate we introduce ourselves. Files that were rotated are read anew.

`refusal` says in one sentence why a peer and we do not trust each other, because libraries bury it under time-outs.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from cryptography import x509

OURS_EXPIRED = "our certificate has expired: renew it"


class BadFile(ValueError):
    """A PEM file that cannot be used; `str()` says which and what it is to hold."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. Without an authority the system's are trusted; without a certificate nobody is introduced."""

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None  #: None: it stands in the certificate's file

    def client(self) -> ssl.SSLContext:
        """For connections we open. Raises `BadFile`."""
        return _client(self, self._changed())

    def server(self) -> ssl.SSLContext:
        """For connections we take; with an authority only peers whose certificate it signed may enter."""
        return _server(self, self._changed())

    def ends(self) -> datetime:
        """When our own certificate expires. Raises `BadFile`."""
        try:
            assert self.certificate is not None
            return x509.load_pem_x509_certificates(self.certificate.read_bytes())[0].not_valid_after_utc
        except (OSError, ValueError):
            raise BadFile(f"The file {self.certificate} holds no certificate in PEM.") from None

    def _changed(self) -> tuple[int, ...]:
        named = [path for path in (self.authority, self.certificate, self.key) if path is not None]
        try:
            return tuple(path.stat().st_mtime_ns for path in named)
        except OSError as error:
            raise BadFile(f"The file {error.filename} cannot be read ({error.strerror}): it is to hold PEM.") from None


@lru_cache(maxsize=32)
def _client(files: TlsFiles, _: tuple[int, ...]) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if files.authority is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return _filled(context, files)


@lru_cache(maxsize=32)
def _server(files: TlsFiles, _: tuple[int, ...]) -> ssl.SSLContext:
    context = _filled(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), files)
    context.verify_mode = ssl.CERT_REQUIRED if files.authority is not None else ssl.CERT_NONE
    return context


def _filled(context: ssl.SSLContext, files: TlsFiles) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if files.authority is not None:
            context.load_verify_locations(files.authority)
    except (ssl.SSLError, OSError):
        raise BadFile(f"The file {files.authority} holds no certificate of an authority in PEM.") from None
    try:
        if files.certificate is not None:
            context.load_cert_chain(files.certificate, files.key, password="")  # an encrypted key is refused, not asked about
    except (ssl.SSLError, OSError):
        stands = files.key or files.certificate
        raise BadFile(
            f"The files {files.certificate} and {stands} hold no certificate with its own unencrypted key in PEM."
        ) from None
    return context


def why_refused(fault: BaseException) -> str:
    """A failed connection in a few words, none of them said on it."""
    if isinstance(fault, BadFile):
        return str(fault)
    if isinstance(fault, ssl.SSLCertVerificationError):
        if fault.verify_code == 10:
            return "its certificate has expired: renew it there"
        if fault.verify_code in (7, 18, 19, 20, 21):
            return "its certificate is signed by nobody we trust: give its authority in the settings"
        if fault.verify_code in (62, 63, 64):
            return "its certificate is for another name: connect by the name it was made for"
        return f"its certificate is not good ({fault.verify_message})"
    if isinstance(fault, ssl.SSLError):
        reason = (fault.reason or "").upper()
        if "CERTIFICATE_EXPIRED" in reason:
            return OURS_EXPIRED
        if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason:
            return "it wants a certificate of ours: give one in the settings"
        if "CERTIFICATE" in reason or "UNKNOWN_CA" in reason:
            return "it does not accept our certificate: ask who has to sign it"
        return f"TLS failed ({(fault.reason or type(fault).__name__).lower().replace('_', ' ')}): does it speak TLS on this port?"
    if isinstance(fault, socket.gaierror):
        return "its name is unknown to this host"
    if isinstance(fault, ConnectionRefusedError):
        return "nobody listens there: look whether it runs and whether the settings name its host and port"
    if isinstance(fault, TimeoutError):
        is_tls = "handshake" in str(fault)
        return "it does not answer our TLS: does it speak TLS on this port?" if is_tls else "it does not answer in time"
    if isinstance(fault, ConnectionError):
        return "it closed the connection"
    return f"the connection failed ({type(fault).__name__})"


def refusal(host: str, port: int, tls: TlsFiles | None, seconds: float = 5.0) -> str | None:
    """Connect once; why that fails, None when it does not."""
    try:
        with socket.create_connection((host, port), timeout=seconds) as plain:
            if tls is not None:
                with tls.client().wrap_socket(plain, server_hostname=host) as secured:
                    # With TLS 1.3 a peer refuses our certificate only after our side of the handshake is done.
                    secured.settimeout(0.5)
                    try:
                        secured.recv(1)
                    except TimeoutError:
                        return None
    except ssl.SSLError as fault:
        # Many peers say no more than that they do not like it: look at it ourselves.
        if tls is not None and not isinstance(fault, ssl.SSLCertVerificationError) and "CERTIFICATE" in (fault.reason or ""):
            if tls.certificate is None:
                return "it wants a certificate of ours: give one in the settings"
            if tls.ends() < datetime.now(UTC):
                return OURS_EXPIRED
        return why_refused(fault)
    except (OSError, BadFile) as fault:
        return why_refused(fault)
    return None
