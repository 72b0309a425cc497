"""Handlers of API keys: made by people, shown once, ended at once."""

from decimal import Decimal
from typing import Any

from botcore.control.access import GRANTS, ActorKind, Scope
from botcore.control.handlers.paging import page_of
from botcore.control.handlers.sessions import whose
from botcore.control.handling import Context, Effect, Handling
from botcore.control.identity.api_keys import NOT_FOR_KEYS, ApiKeys, KeyTerms
from botcore.control.identity.notices import Notice, NoticeKind, Notify
from botcore.control.identity.people import People
from botcore.control.identity.ports import ApiKey, User
from botcore.control.operations import Done, Page, Request
from botcore.control.problems import Conflict, Forbidden, NotFound, Refused
from botcore.control.schema import keys as k
from botcore.control.schema.values import instant

_DAY_S = 86_400


class KeyHandlers:
    """Makes, lists and ends API keys.

    Args:
        keys, people: parts of `Identity`.
        notify: tells a user of a key made in his name.
    """

    def __init__(self, *, keys: ApiKeys, people: People, notify: Notify) -> None:
        self._keys = keys
        self._people = people
        self._notify = notify

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            k.ListKeys: Handling(self.list),
            k.NewKey: Handling(self.new, self.effect_of_new),
            k.RevokeKey: Handling(self.revoke),
        }

    async def list(self, context: Context, request: k.ListKeys) -> Page[k.KeyShown]:
        """List one's own keys, or another's."""
        user = whose(context, self._people, request.user)
        found = [] if user is None else [_shown(key, user) for key in self._keys.of(user.id)]
        return page_of(
            found,
            key=lambda each: f"{each.created_at.isoformat()} {each.id}",
            limit=request.limit,
            cursor=request.cursor,
            is_newest=True,
        )

    async def new(self, context: Context, request: k.NewKey) -> k.KeyMade:
        """Make a key."""
        user = self._for_whom(context, request)
        above = request.scopes - (context.actor.scopes & GRANTS[user.role])
        if above - NOT_FOR_KEYS:
            raise Forbidden(
                code="KEY_SCOPES_ABOVE",
                cause=f"{', '.join(sorted(above))} is more than {user.username} may",
                fix="leave it out, or ask the owner of this server for a role that has it",
            )
        notional = request.max_notional
        if notional is not None and not (notional.is_finite() and notional > Decimal(0)):
            raise Refused(
                code="KEY_NOTIONAL",
                cause=f"max_notional is {notional}, and must be a number above 0",
                fix="name the largest order that the key may place, or leave it out",
            )
        key, text = await self._keys.make(user, _terms(request))
        context.noted.fields(f"key {key.id} of {user.username}", {}, _audited(key))
        self._notify(
            Notice(
                kind=NoticeKind.KEY_MADE,
                user_id=user.id,
                address=context.actor.address,
                text=f"The API key {key.id} ({key.name}) was made by {context.actor.name}.",
            )
        )
        return k.KeyMade(key=_shown(key, user), api_key=text)

    async def effect_of_new(self, _context: Context, request: k.NewKey) -> Effect:
        """Say what the key could do."""
        scopes = ", ".join(sorted(request.scopes))
        how = "without confirmation" if request.is_unattended else "each act confirmed"
        can_trade = bool(request.scopes & {Scope.TRADE_LIVE, Scope.TRADE_PAPER})
        return Effect(f"Make a key for {request.days} days that may {scopes}, {how}", can_trade)

    async def revoke(self, context: Context, request: k.RevokeKey) -> Done:
        """End a key: one's own, or as administrator another's."""
        key = self._keys.get(request.id)
        user = None if key is None else self._people.get(key.user_id)
        is_own = user is not None and user.id == context.actor.user
        if user is None or not (is_own or context.actor.may(Scope.ADMIN_USERS)):
            raise NotFound(
                code="KEY_NOT_FOUND",
                cause=f"there is no key {request.id} of yours",
                fix="see `./bot key list`; it may have ended",
            )
        if not is_own:
            self._people.require_may_manage(context.actor, user)
        if key is not None:
            context.noted.fields(f"key {key.id} of {user.username}", _audited(key), {})
        await self._keys.revoke(request.id)
        return Done(detail=f"the key {request.id} was revoked")

    def _for_whom(self, context: Context, request: k.NewKey) -> User:
        """Return who will answer for a key: oneself; at the machine itself, whoever is named."""
        if context.actor.kind not in (ActorKind.PERSON, ActorKind.LOCAL):
            raise Forbidden(
                code="NOT_A_PERSON",
                cause="only a signed-in person makes keys",
                fix="sign in, or use `./bot key new` at the machine itself",
            )
        user = whose(context, self._people, request.user)
        if user is None:
            raise Conflict(
                code="NO_OWNER",
                cause="this server has no owner yet who would answer for the key",
                fix="open the link of `./bot open` and make the owner first",
            )
        if context.actor.kind is ActorKind.PERSON and user.id != context.actor.user:
            raise Forbidden(
                code="KEY_SCOPES_ABOVE",
                cause=f"a key of {user.username} would act in another's name",
                fix="leave the user out to make a key of your own",
            )
        return user


def _terms(request: k.NewKey) -> KeyTerms:
    return KeyTerms(
        name=request.name,
        scopes=request.scopes,
        life_s=request.days * _DAY_S,
        networks=request.networks,
        symbols=request.symbols,
        max_notional=request.max_notional,
        is_unattended=request.is_unattended,
    )


def _audited(key: ApiKey) -> dict[str, object]:
    """Return what the audit says of a key: all that it may, and nothing that opens anything."""
    return {
        "scopes": key.scopes,
        "expires": f"{instant(key.expires_at):%Y-%m-%dT%H:%M:%SZ}",
        "networks": key.networks,
        "symbols": key.symbols,
        "max_notional": key.max_notional,
        "unattended": key.is_unattended,
    }


def _shown(key: ApiKey, user: User) -> k.KeyShown:
    return k.KeyShown(
        id=key.id,
        name=key.name,
        username=user.username,
        scopes=tuple(sorted(key.scopes)),
        networks=key.networks,
        symbols=tuple(sorted(key.symbols)),
        max_notional=key.max_notional,
        is_unattended=key.is_unattended,
        created_at=instant(key.created_at),
        expires_at=instant(key.expires_at),
        last_used_at=instant(key.last_used_at) if key.last_used_at else None,
    )
