"""Sign-in as one whole: its parts put together over a store."""

from pathlib import Path

from botcore.control.identity.access_tokens import AccessTokens
from botcore.control.identity.api_keys import ApiKeys, pepper_of
from botcore.control.identity.authenticator import Authenticator
from botcore.control.identity.challenges import Challenges
from botcore.control.identity.config import IdentityConfig
from botcore.control.identity.endings import Endings
from botcore.control.identity.envelope import Envelope, key_encryption_key
from botcore.control.identity.factors import Factors
from botcore.control.identity.links import Links
from botcore.control.identity.notices import Notify
from botcore.control.identity.passwords import PasswordCost, Passwords
from botcore.control.identity.people import People
from botcore.control.identity.ports import IdentityStore
from botcore.control.identity.sessions import Sessions
from botcore.control.identity.sign_in import SignIn
from botcore.control.identity.signing import SigningKeys
from botcore.control.identity.throttling import Throttle
from botcore.control.identity.tickets import Tickets
from botcore.control.local_proof import LocalProof
from botcore.domain.ids import DAY_NS
from botcore.kernel.clock import Clock

_KEPT_NS = 30 * DAY_NS
"""How long what has ended is kept, so that it can be said that it has."""


class Identity:
    """Everything that sign-in is made of; `opened` makes one.

    Attributes:
        authenticator: says who asks.
        sign_in, links, factors, people, sessions, keys, signing, tickets: what handlers need.
        local_proof: shows the command line of this machine that it speaks to this process.
        endings: tells who listens of sessions and keys that end.
        config, notify: as they were given.
    """

    def __init__(
        self,
        *,
        store: IdentityStore,
        envelope: Envelope,
        pepper: bytes,
        config: IdentityConfig,
        cost: PasswordCost,
        notify: Notify,
        clock: Clock,
        local_token: str,
        local_user: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._passwords = Passwords(cost)
        self.config = config
        self.notify = notify
        self.endings = Endings()
        self.people = People(store)
        self.sessions = Sessions(
            store=store, config=config, endings=self.endings, notify=notify, clock=clock
        )
        self.keys = ApiKeys(
            store=store, pepper=pepper, config=config, endings=self.endings, clock=clock
        )
        self.signing = SigningKeys(store=store, envelope=envelope, config=config, clock=clock)
        self.factors = Factors(store=store, envelope=envelope, config=config, clock=clock)
        self.links = Links(store=store, config=config, clock=clock)
        self.tickets = Tickets(clock)
        self.local_proof = LocalProof(local_token)
        tokens = AccessTokens(keys=self.signing, config=config, clock=clock)
        self.authenticator = Authenticator(
            tokens=tokens,
            people=self.people,
            sessions=self.sessions,
            keys=self.keys,
            local_proof=self.local_proof,
            local_user=local_user,
        )
        self.sign_in = SignIn(
            people=self.people,
            sessions=self.sessions,
            passwords=self._passwords,
            factors=self.factors,
            links=self.links,
            challenges=Challenges(config=config, clock=clock),
            tokens=tokens,
            throttle=Throttle(config.throttle, clock),
            notify=notify,
            clock=clock,
        )

    async def load(self) -> None:
        """Read what the store holds; call it once, before anybody is let in.

        Raises:
            StorageError: it cannot be read.
        """
        await self.people.load()
        await self.sessions.load()
        await self.keys.load()
        await self.signing.load()

    async def tend(self) -> None:
        """Do what is due each minute: end what ended by time, store last uses, forget the old.

        Raises:
            StorageError: it cannot be stored.
        """
        await self.sessions.tend()
        await self.keys.tend()
        await self._store.forget_before(self._clock.now_ns() - _KEPT_NS)

    def close(self) -> None:
        """Let its threads end."""
        self._passwords.close()


async def opened(
    *,
    store: IdentityStore,
    key_file: Path,
    config: IdentityConfig,
    cost: PasswordCost,
    notify: Notify,
    clock: Clock,
    local_token: str = "",
    local_user: str = "",
) -> Identity:
    """Return sign-in over a store, loaded.

    Args:
        store: keeps users, sessions and keys; nobody else writes it.
        key_file: holds the key that seals secrets; made (mode 0600) if there is none.
        config: its numbers.
        cost: of a password's hash: ``cost_for(machine_memory())``.
        notify: takes notices to users.
        clock: the machine's.
        local_token: the home's secret; empty where nobody comes with it.
        local_user: the account of this machine that the home belongs to.

    Raises:
        ConfigError: others can read the key file, or it is damaged.
        StorageError: the store cannot be read or written, or was sealed with another key.
    """
    envelope = Envelope(key_encryption_key(key_file))
    identity = Identity(
        store=store,
        envelope=envelope,
        pepper=await pepper_of(store, envelope, clock),
        config=config,
        cost=cost,
        notify=notify,
        clock=clock,
        local_token=local_token,
        local_user=local_user,
    )
    await identity.load()
    return identity
