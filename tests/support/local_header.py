"""Who sits at the machine, without the command line: proves to know the token, as that does."""

import urllib.request
from urllib.parse import urljoin

from botcore.control.local_proof import (
    CHALLENGE_HEADER,
    PROOF_HEADER,
    credential_from,
    new_challenge,
)


def local_header(url: str, token: str) -> str:
    """Return what stands in `Authorization` for the process that answers at a URL.

    Args:
        url: of any page of the platform.
        token: of its home.

    Raises:
        OSError: it does not answer, or is not the platform of this home.
    """
    challenge = new_challenge()
    asked = urllib.request.Request(urljoin(url, "/livez"), headers={CHALLENGE_HEADER: challenge})
    with urllib.request.urlopen(asked, timeout=5.0) as answer:
        proof = answer.headers.get(PROOF_HEADER, "")
    credential = credential_from(token, challenge, proof)
    if credential is None:
        raise OSError(f"what listens at {url} is not the platform of this home")
    return f"Local {credential}"
