"""Both ends show that they know the token of the home, and neither sends it.

The platform answers on a port, and a port belongs to whoever takes it: another account of the
machine may listen there after the platform died. So the command line first asks for a proof that
only a process of this home can give, and then shows a credential made for that process alone.
What an impostor could steal is good nowhere: it opens a process that has ended.
"""

import hmac
import re
import secrets
from typing import Final

CHALLENGE_HEADER: Final = "Local-Challenge"
"""Of a request to ``/livez``: a fresh challenge."""
PROOF_HEADER: Final = "Local-Proof"
"""Of its answer: what `LocalProof.answer` returns."""
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_PROOF: Final = re.compile(r"(?P<process>[A-Za-z0-9_-]{43})\.(?P<proof>[0-9a-f]{64})\Z")
_BYTES: Final = 32


class LocalProof:
    """The platform's end; one for each process, so that what was shown to one ends with it.

    Args:
        token: of the home; empty where nobody comes with it.
    """

    def __init__(self, token: str) -> None:
        self._token = token
        self._process = secrets.token_urlsafe(_BYTES)

    def answer(self, challenge: str) -> str:
        """Return the proof that this process knows the token; empty where none can be given."""
        if not self._token or _CHALLENGE.match(challenge) is None:
            return ""
        return f"{self._process}.{_server_proof(self._token, self._process, challenge)}"

    def is_shown(self, credential: str) -> bool:
        """Whether a credential is of who knows the token, and was made for this process.

        The token itself is none: who sends it has shown it to whatever listens there.
        """
        if not self._token:
            return False
        given = credential.encode("utf-8", "surrogatepass")
        return hmac.compare_digest(given, _client_credential(self._token, self._process).encode())

    def is_token(self, credential: str) -> bool:
        """Whether a credential is the token itself, which nobody should have sent."""
        given = credential.encode("utf-8", "surrogatepass")
        return bool(self._token) and hmac.compare_digest(given, self._token.encode())


def new_challenge() -> str:
    """Return a challenge: 256 random bits, for one answer."""
    return secrets.token_urlsafe(_BYTES)


def credential_from(token: str, challenge: str, proof: str) -> str | None:
    """Return what the command line shows to the process that gave a proof.

    Args:
        token: of the home.
        challenge: that was sent.
        proof: that came back; empty if none did.

    Returns:
        What follows ``Local`` in the header Authorization; None where the proof is not one, so
        that something else listens there.
    """
    found = _PROOF.match(proof)
    if not token or found is None:
        return None
    process = found["process"]
    if not hmac.compare_digest(found["proof"], _server_proof(token, process, challenge)):
        return None
    return _client_credential(token, process)


def _server_proof(token: str, process: str, challenge: str) -> str:
    return _mac(token, f"botcore local server\n{process}\n{challenge}")


def _client_credential(token: str, process: str) -> str:
    proof = _mac(token, f"botcore local client\n{process}")
    return f"{process}.{proof}"


def _mac(token: str, text: str) -> str:
    return hmac.digest(token.encode(), text.encode(), "sha256").hex()
