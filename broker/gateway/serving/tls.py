"""A server's certificate: read with words for what is wrong with it, and read anew while connections live on."""

from __future__ import annotations

import asyncio
import logging
import ssl
import stat
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from broker.domain.errors import BadRequest

_log = logging.getLogger(__name__)
_LOOK_S = 10.0
"""Between two looks at the files: whoever renews a certificate has weeks."""
_CODE = "BAD_CERTIFICATE"
_PROBLEMS = {
    "KEY_VALUES_MISMATCH": "the key in {key} is not that of the certificate in {cert}",
    "KEY_TYPE_MISMATCH": "the key in {key} is not that of the certificate in {cert}",
    "NO_START_LINE": "{cert} must hold a certificate chain and {key} a key, both as PEM",
}


class Certificate:
    """The certificate and key of two PEM files. `context` stays the same; new connections get what was read last."""

    def __init__(self, cert: Path, key: Path) -> None:
        """Raises `BadRequest` that says what is wrong with the files."""
        self._cert = cert
        self._key = key
        self._read_at = self._stamp()
        self.context = self._load()
        self._warn()

    def reload(self) -> bool:
        """Read the files again if they changed. Raises `BadRequest`, and goes on with what it had."""
        stamp = self._stamp()
        if stamp == self._read_at:
            return False
        self._read_at = stamp
        self._load()  # apart from the one in use, which half a change would break
        self.context.load_cert_chain(self._cert, self._key)
        self._warn()
        return True

    async def follow(self, hurry: asyncio.Event, *, every_s: float = _LOOK_S) -> None:
        """Read the files again whenever they change, until cancelled. `hurry`: somebody says that they did."""
        while True:
            try:
                async with asyncio.timeout(every_s):
                    await hurry.wait()
            except TimeoutError:
                pass
            hurry.clear()
            try:
                if self.reload():
                    _log.info("read %s anew; it is good until %s", self._cert, self._ends())
            except BadRequest as error:
                _log.error("%s; going on with the certificate before", error.message)

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        context.set_alpn_protocols(["http/1.1"])
        if b"ENCRYPTED" in self._key.read_bytes():  # OpenSSL would ask for the passphrase at the terminal
            raise BadRequest(f"the key in {self._key} is encrypted; it must be kept without a passphrase", code=_CODE)
        try:
            context.load_cert_chain(self._cert, self._key)
        except ssl.SSLError as error:
            problem = _PROBLEMS.get(
                error.reason or "NO_START_LINE", "{cert} and {key} cannot be used: " + str(error.reason)
            )
            raise BadRequest(problem.format(cert=self._cert, key=self._key), code=_CODE) from None
        return context

    def _stamp(self) -> tuple[tuple[int, int, int], ...]:
        return tuple(_identity(path) for path in (self._cert, self._key))

    def _warn(self) -> None:
        if self._key.stat().st_mode & stat.S_IROTH:
            _log.warning("%s can be read by every user of this machine: chmod 600 it", self._key)
        if self._ends() <= datetime.now(UTC):
            _log.warning("the certificate in %s ended at %s: clients will refuse it", self._cert, self._ends())

    def _ends(self) -> datetime:
        return x509.load_pem_x509_certificate(self._cert.read_bytes()).not_valid_after_utc


def _identity(path: Path) -> tuple[int, int, int]:
    """Of a file as it is now. Raises `BadRequest` when it cannot be read."""
    try:
        with path.open("rb"):
            found = path.stat()
    except OSError as error:
        raise BadRequest(f"{path}: {error.strerror}", code=_CODE) from None
    return found.st_ino, found.st_mtime_ns, found.st_size
