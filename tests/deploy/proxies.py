"""nginx and Caddy with the files of `deploy/`, in front of a running program.

What differs from the files is the place: loopback ports, a certificate of the test's own.
"""

import asyncio
import re
import shutil
import ssl
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.house.project import ROOT
from tests.ports import reserved_port

DEPLOY: Final = ROOT / "deploy"
HOST: Final = "planwright.example.org"
UPSTREAM: Final = "127.0.0.1:8000"
START_SECONDS: Final = 20.0
NGINX_AROUND: Final = """\
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
{site}
}}
"""


@dataclass(frozen=True)
class Proxy:
    """A proxy that listens, and how to trust it."""

    port: int
    trusted: Path

    @property
    def context(self) -> ssl.SSLContext:
        """Return what trusts the proxy's certificate."""
        return ssl.create_default_context(cafile=self.trusted)


def nginx(folder: Path, port: int, upstream: str) -> list[str]:
    """Write nginx's configuration; return its command."""
    site = (DEPLOY / "nginx.conf").read_text().replace(UPSTREAM, upstream).replace("443", f"127.0.0.1:{port}")
    site = site.replace("/etc/ssl/planwright/fullchain.pem", f"{folder}/certificate.pem")
    site = site.replace("/etc/ssl/planwright/privkey.pem", f"{folder}/key.pem")
    (folder / "nginx.conf").write_text(NGINX_AROUND.format(folder=folder, site=site))
    return ["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, port: int, upstream: str) -> list[str]:
    """Write Caddy's configuration; return its command."""
    site = (DEPLOY / "Caddyfile").read_text().replace(UPSTREAM, upstream)
    own = f"https://{HOST}:{port} {{\n\tbind 127.0.0.1\n\ttls {folder}/certificate.pem {folder}/key.pem\n"
    site = re.sub(rf"^{re.escape(HOST)} {{\n", own, site, flags=re.MULTILINE)
    around = f"{{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system {folder}/storage\n}}\n"
    (folder / "Caddyfile").write_text(around + site)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


Written = Callable[[Path, int, str], list[str]]


@asynccontextmanager
async def proxy(written: Written, folder: Path, upstream: str) -> AsyncGenerator[Proxy]:
    """Run a proxy in front of an address; it has begun to listen, and ends with the block."""
    _make_certificate(folder)
    with reserved_port() as port:
        command = written(folder, port, urlsplit(upstream).netloc)
        process = await asyncio.create_subprocess_exec(*command, cwd=folder, env=_variables(folder), stderr=PIPE)
        assert process.stderr is not None
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await _listens(port):
                    assert process.returncode is None, await process.stderr.read()
            yield Proxy(port, folder / "certificate.pem")
        finally:
            process.terminate()
            await process.communicate()


def missing(program: str) -> bool:
    """Say whether a program is not installed."""
    return shutil.which(program) is None


def _variables(folder: Path) -> dict[str, str]:
    return {"HOME": str(folder), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


def _make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
