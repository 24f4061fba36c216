"""An hour of wrong clocks, site faults and disk faults over 200 followed petitions.

`PYTHONPATH=.:tests python tests/bench/soak_faults.py [--minutes 60] [--times 10] [--seed 1]` prints
what it measured beside what is wanted, and ends with 1 if an alert was lost, told twice, untrue,
out of order, or not as loud as its reader wants. The hour is one of the process's steady clock,
which runs `--times` as fast as a real one.
"""

import argparse
import os
import ssl
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hastened import HOST, hasten

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def certified(folder: Path, name: str) -> ssl.SSLContext:
    """A server's side of TLS, certified by itself in a file of this name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    own = [x509.DNSName(HOST)]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(own), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / name).write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / name)
    return context


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--times", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="tell of each fault as it comes")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        good, bad = certified(folder, "good.pem"), certified(folder, "bad.pem")
        os.environ["SSL_CERT_FILE"] = str(folder / "good.pem")
        clocks = hasten(START, asked.times)
        # Whatever keeps the steady clock by another name comes only now.
        from faulty_hour import Soak  # noqa: PLC0415

        soak = Soak(clocks, folder, good, bad, seed=asked.seed, show=asked.show)
        sys.exit(clocks.run(lambda: soak.lived(asked.minutes * 60)))


if __name__ == "__main__":
    main()
