"""A certificate authority for one address of this machine."""

import datetime
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def certificate(folder, address="127.0.0.1"):
    """The file of an authority, and a TLS context with its certificate for an address."""
    start = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
    end = start + datetime.timedelta(days=2)
    root, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

    def issue(name, key, *extensions):
        builder = x509.CertificateBuilder(
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root")]),
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]),
            key.public_key(),
            x509.random_serial_number(),
            start,
            end,
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(root, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority = folder / "authority.pem"
    authority.write_bytes(issue("root", root, (x509.BasicConstraints(True, 0), True)))
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    chain = folder / "chain.pem"
    private = leaf.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    chain.write_bytes(private + issue("leaf", leaf, (names, False)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return authority, context
