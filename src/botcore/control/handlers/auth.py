"""Handlers of signing in: what travels, in and out; the steps are in `identity.sign_in`."""

from typing import Any

from botcore.control.access import Actor, ActorKind, Role
from botcore.control.handling import Context, Handling
from botcore.control.identity.config import IdentityConfig
from botcore.control.identity.factors import Factors
from botcore.control.identity.links import Links
from botcore.control.identity.people import People
from botcore.control.identity.ports import User
from botcore.control.identity.sessions import Origin
from botcore.control.identity.sign_in import Grant, Pending, SignIn
from botcore.control.identity.signing import SigningKeys
from botcore.control.identity.tickets import Tickets
from botcore.control.operations import Done, Request
from botcore.control.problems import Conflict, Forbidden
from botcore.control.schema import auth as a
from botcore.control.schema.values import instant
from botcore.control.step_up import STEP_UP_S
from botcore.domain.ids import SECOND_NS


class AuthHandlers:
    """Signs in and out, and changes one's own factors.

    Args:
        sign_in, factors, links, people, signing, tickets: parts of `Identity`.
        config: its numbers.
    """

    def __init__(
        self,
        *,
        sign_in: SignIn,
        factors: Factors,
        links: Links,
        people: People,
        signing: SigningKeys,
        tickets: Tickets,
        config: IdentityConfig,
    ) -> None:
        self._sign_in = sign_in
        self._factors = factors
        self._links = links
        self._people = people
        self._signing = signing
        self._tickets = tickets
        self._config = config

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        secret = frozenset(
            {
                "password",
                "token",
                "code",
                "challenge",
                "refresh_token",
                "current_password",
                "new_password",
            }
        )
        return {
            a.Register: Handling(self.register, redact=secret),
            a.Login: Handling(self.login, redact=secret),
            a.ShowSecondFactor: Handling(self.show_second_factor, redact=secret),
            a.Refresh: Handling(self.refresh, redact=secret),
            a.Logout: Handling(self.logout, redact=secret),
            a.MakeLink: Handling(self.make_link),
            a.TakeLink: Handling(self.take_link, redact=secret),
            a.StepUp: Handling(self.step_up, redact=secret),
            a.ChangePassword: Handling(self.change_password, redact=secret),
            a.ReadKeys: Handling(self.read_keys),
            a.RenewSigningKeys: Handling(self.renew_signing_keys),
            a.ReadMe: Handling(self.me),
            a.EnrolTotp: Handling(self.enrol_totp),
            a.ConfirmTotp: Handling(self.confirm_totp, redact=secret),
            a.DisableTotp: Handling(self.disable_totp),
            a.RenewRecoveryCodes: Handling(self.renew_recovery_codes),
            a.AskTicket: Handling(self.ask_ticket),
        }

    # Signing in and out.

    async def register(self, context: Context, request: a.Register) -> a.SignedIn:
        """Make an account."""
        origin = _origin(context, request)
        grant = await self._sign_in.register(
            request.token, request.username, request.password, request.email, origin
        )
        return self._granted(grant)

    async def login(self, context: Context, request: a.Login) -> a.SignedIn:
        """Sign in with a password."""
        origin = _origin(context, request)
        return self._answer(await self._sign_in.login(request.username, request.password, origin))

    async def show_second_factor(self, context: Context, request: a.ShowSecondFactor) -> a.SignedIn:
        """Finish a sign-in."""
        address = context.actor.address
        grant = await self._sign_in.second_factor(request.challenge, request.code, address)
        return self._granted(grant)

    async def refresh(self, context: Context, request: a.Refresh) -> a.SignedIn:
        """Exchange a refresh token."""
        grant = await self._sign_in.refresh(request.refresh_token, context.actor.address)
        return self._granted(grant)

    async def logout(self, context: Context, request: a.Logout) -> Done:
        """End a session."""
        actor = (
            context.actor
            if context.actor.kind is ActorKind.PERSON
            else Actor(kind=ActorKind.STRANGER, name=context.actor.name)
        )
        await self._sign_in.logout(actor, request.refresh_token)
        return Done(detail="signed out")

    async def make_link(self, context: Context, request: a.MakeLink) -> a.SignInLink:
        """Make a one-time link; only an owner may, since it stands in for a password."""
        if context.actor.role is not Role.OWNER:
            raise Forbidden(
                code="LINKS_BY_OWNER",
                cause="a sign-in link stands in for a password; only an owner makes one",
                fix="ask the owner, or let `user reset` make a link that sets a password",
            )
        made_by = context.actor.name
        token, link, user = await self._sign_in.make_link(request.user, made_by=made_by)
        return a.SignInLink(
            url=self._links.address(token),
            token=token,
            username="" if user is None else user.username,
            expires_at=instant(link.expires_at),
        )

    async def take_link(self, context: Context, request: a.TakeLink) -> a.SignedIn:
        """Sign in with a one-time link."""
        origin = _origin(context, request)
        found = await self._sign_in.take_link(request.token, request.password, origin)
        return self._answer(found)

    async def step_up(self, context: Context, request: a.StepUp) -> a.SteppedUp:
        """Take a factor again."""
        session = await self._sign_in.step_up(context.actor, request.code, request.password)
        return a.SteppedUp(until=instant(session.auth_time + STEP_UP_S * SECOND_NS))

    async def change_password(self, context: Context, request: a.ChangePassword) -> Done:
        """Change one's own password."""
        ended = await self._sign_in.change_password(
            context.actor, request.current_password, request.new_password
        )
        return Done(detail=f"the password was changed; {ended} other sessions were ended")

    # What one is, and with what one signs in.

    async def me(self, context: Context, _request: a.ReadMe) -> a.Me:
        """Say who asks."""
        actor = context.actor
        user = self._people.get(actor.user)
        return a.Me(
            username=actor.name if user is None else user.username,
            email="" if user is None else user.email,
            role=actor.role,
            kind=actor.kind.value,
            scopes=tuple(sorted(actor.scopes)),
            session=actor.session,
            auth_time=instant(actor.auth_time * SECOND_NS) if actor.auth_time else None,
            has_second_factor=user is not None and await self._factors.is_set_up(user.id),
            recovery_codes_left=0 if user is None else await self._factors.codes_left(user.id),
        )

    async def enrol_totp(self, context: Context, _request: a.EnrolTotp) -> a.TotpEnrolment:
        """Begin to set up a second factor."""
        secret, uri = await self._factors.enrol(self._myself(context))
        return a.TotpEnrolment(secret=secret, uri=uri)

    async def confirm_totp(self, context: Context, request: a.ConfirmTotp) -> a.RecoveryCodes:
        """Finish setting it up."""
        codes = await self._sign_in.confirm_factor(context.actor, request.code)
        return a.RecoveryCodes(codes=codes)

    async def disable_totp(self, context: Context, _request: a.DisableTotp) -> Done:
        """Remove the second factor."""
        user, actor = self._myself(context), context.actor
        if not await self._factors.is_set_up(user.id):
            raise Conflict(
                code="FACTOR_NOT_SET_UP",
                cause="no second factor is set up",
                fix="there is nothing to remove",
            )
        await self._sign_in.remove_factor(user.id, keep=actor.session, address=actor.address)
        return Done(detail="the second factor was removed")

    async def renew_recovery_codes(
        self, context: Context, _request: a.RenewRecoveryCodes
    ) -> a.RecoveryCodes:
        """Make new recovery codes."""
        user = self._myself(context)
        return a.RecoveryCodes(codes=await self._factors.renew_codes(user.id))

    # Tokens and tickets.

    async def read_keys(self, _context: Context, _request: a.ReadKeys) -> a.Jwks:
        """Publish the public keys."""
        return a.Jwks(keys=self._signing.published())

    async def renew_signing_keys(self, _context: Context, _request: a.RenewSigningKeys) -> Done:
        """Replace the signing keys."""
        await self._signing.replace_all()
        return Done(detail="new keys sign; every access token made before is refused")

    async def ask_ticket(self, context: Context, request: a.AskTicket) -> a.Ticket:
        """Give a ticket for the WebSocket."""
        ticket, until = self._tickets.give(context.actor, request.origin)
        return a.Ticket(ticket=ticket, expires_at=until)

    def _answer(self, found: Grant | Pending) -> a.SignedIn:
        if isinstance(found, Grant):
            return self._granted(found)
        return a.SignedIn(
            status=a.SignInStatus.SECOND_FACTOR,
            username=found.user.username,
            challenge=found.challenge,
        )

    def _granted(self, grant: Grant) -> a.SignedIn:
        is_staying = grant.session.is_staying
        return a.SignedIn(
            status=a.SignInStatus.SIGNED_IN,
            username=grant.user.username,
            role=grant.user.role,
            access_token=grant.access_token,
            expires_at=instant(grant.access_ends_at),
            refresh_token=grant.refresh_token,
            refresh_max_age_s=self._config.stay_idle_s if is_staying else None,
            session=grant.session.id,
        )

    def _myself(self, context: Context) -> User:
        user = self._people.get(context.actor.user)
        if user is None or context.actor.kind is not ActorKind.PERSON:
            raise Forbidden(
                code="NOT_A_PERSON",
                cause=f"{context.actor.name} is no signed-in person",
                fix="sign in with a browser or `POST /api/v1/auth/login`",
            )
        return user


def _origin(context: Context, request: a.Login | a.Register | a.TakeLink) -> Origin:
    return Origin(context.actor.address, request.device, request.stay_signed_in)
