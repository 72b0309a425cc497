"""API keys through the door of control: never more than who makes them, and ended at once."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.sign_in_desk import HERE, LOCAL, Desk, open_desk, refusal, run

from botcore.control.access import GRANTS, Actor, Role, Scope
from botcore.control.identity import NoticeKind
from botcore.control.problems import Problem
from botcore.control.schema import keys as k

READ = frozenset({Scope.READ_MARKET})


async def three(desk: Desk) -> tuple[Actor, Actor, Actor]:
    """Make an owner, an admin and a trader."""
    alice = desk.bearer((await desk.owner("alice")).access_token)
    return alice, await desk.actor("adam", Role.ADMIN), await desk.actor("tina", Role.TRADER)


def test_a_key_is_shown_once_and_works() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, _, tina = await three(desk)

        made = await desk.send(tina, k.NewKey(name="reader", scopes=READ))

        actor = desk.bearer(made.api_key)
        assert (actor.user, actor.scopes) == (tina.user, READ)
        page = await desk.send(tina, k.ListKeys())
        assert [each.id for each in page.items] == [made.key.id]
        secret = made.api_key.split("_", 3)[3].rsplit("_", 1)[0]  # `_` is one of its letters
        assert secret not in msgspec.json.encode(page).decode()
        assert made.api_key not in msgspec.json.encode(desk.audit.entries).decode()
        assert (made.key.expires_at - made.key.created_at).days == 90
        assert NoticeKind.KEY_MADE in desk.kinds()

    run(story())


@settings(max_examples=40, deadline=None)
@given(
    role=st.sampled_from(Role),
    scopes=st.frozensets(
        st.sampled_from([each for each in Scope if each != Scope.MANAGE_SELF]), min_size=1
    ),
)
def test_a_key_holds_nothing_that_its_maker_does_not(role: Role, scopes: frozenset[Scope]) -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner("alice")
        maker = await desk.actor("mary", role)

        new = k.NewKey(name="k", scopes=scopes)
        if not scopes <= GRANTS[role]:
            assert await refusal(desk.send(maker, new)) == "KEY_SCOPES_ABOVE"
            return
        made = await desk.send(maker, new)
        assert desk.bearer(made.api_key).scopes == scopes

    run(story())


def test_a_key_makes_no_keys_and_changes_nothing_of_its_user() -> None:
    async def story() -> None:
        desk = await open_desk()
        alice, _, _ = await three(desk)
        everything = frozenset(Scope) - {Scope.MANAGE_SELF}
        made = await desk.send(alice, k.NewKey(name="all", scopes=everything))
        program = desk.bearer(made.api_key)

        own = k.NewKey(name="k", scopes=frozenset({Scope.MANAGE_SELF}))
        assert await refusal(desk.send(alice, own)) == "KEY_SCOPES"
        assert await refusal(desk.send(program, k.NewKey(name="k", scopes=READ))) == "NOT_ALLOWED"
        assert await refusal(desk.send(program, k.ListKeys())) == "NOT_ALLOWED"

    run(story())


def test_acting_without_confirmation_is_asked_for_by_name_and_with_a_fresh_factor() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, _, tina = await three(desk)
        trade = frozenset({Scope.TRADE_PAPER})

        plain = await desk.send(tina, k.NewKey(name="bot", scopes=trade))
        assert not desk.bearer(plain.api_key).is_unattended
        unattended = k.NewKey(name="bot", scopes=trade, is_unattended=True)
        made = await desk.send(tina, unattended)
        assert desk.bearer(made.api_key).is_unattended

        desk.pass_s(301)
        assert await refusal(desk.send(tina, unattended)) == "STEP_UP_REQUIRED"

    run(story())


def test_revoking_ends_a_key_at_once() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, _, tina = await three(desk)
        made = await desk.send(tina, k.NewKey(name="k", scopes=READ))

        await desk.send(tina, k.RevokeKey(id=made.key.id))

        with pytest.raises(Problem, match="KEY_ENDED"):
            desk.bearer(made.api_key)
        assert desk.ended == [made.key.id]
        assert (await desk.send(tina, k.ListKeys())).items == ()
        again = desk.send(tina, k.RevokeKey(id=made.key.id))
        assert await refusal(again) == "KEY_NOT_FOUND"

    run(story())


def test_others_keys_look_as_if_there_were_none() -> None:
    async def story() -> None:
        desk = await open_desk()
        alice, adam, tina = await three(desk)
        owners = await desk.send(alice, k.NewKey(name="k", scopes=READ))
        traders = await desk.send(tina, k.NewKey(name="k", scopes=READ))

        foreign = desk.send(tina, k.RevokeKey(id=owners.key.id))
        unknown = desk.send(tina, k.RevokeKey(id="zzzzzzzz"))
        assert await refusal(foreign) == await refusal(unknown) == "KEY_NOT_FOUND"
        assert await refusal(desk.send(tina, k.ListKeys(user="alice"))) == "USER_UNKNOWN"

        of_owner = desk.send(adam, k.RevokeKey(id=owners.key.id))
        assert await refusal(of_owner) == "USER_ABOVE_YOU"
        page = await desk.send(adam, k.ListKeys(user="tina"))
        assert [each.username for each in page.items] == ["tina"]
        await desk.send(adam, k.RevokeKey(id=traders.key.id))
        assert desk.ended == [traders.key.id]

    run(story())


def test_nobody_makes_a_key_in_anothers_name() -> None:
    async def story() -> None:
        desk = await open_desk()
        alice, adam, tina = await three(desk)

        for actor, user in ((alice, "tina"), (adam, "tina"), (adam, "alice")):
            new = k.NewKey(name="k", scopes=READ, user=user)
            assert await refusal(desk.send(actor, new)) == "KEY_SCOPES_ABOVE"
        hidden = k.NewKey(name="k", scopes=READ, user="alice")
        assert await refusal(desk.send(tina, hidden)) == "USER_UNKNOWN"

    run(story())


def test_the_machine_itself_makes_keys_for_the_owner_or_whom_it_names() -> None:
    async def story() -> None:
        desk = await open_desk()
        new = k.NewKey(name="k", scopes=READ)
        assert await refusal(desk.send(LOCAL, new)) == "NO_OWNER"
        await three(desk)

        assert (await desk.send(LOCAL, new)).key.username == "alice"
        named = k.NewKey(name="k", scopes=READ, user="tina")
        assert (await desk.send(LOCAL, named)).key.username == "tina"
        above = k.NewKey(name="k", scopes=frozenset({Scope.ADMIN_RISK}), user="tina")
        assert await refusal(desk.send(LOCAL, above)) == "KEY_SCOPES_ABOVE"

    run(story())


@pytest.mark.parametrize("notional", ["0", "-1", "NaN", "Infinity", "-Infinity", "sNaN"])
def test_a_bound_on_orders_is_a_number_above_zero(notional: str) -> None:
    async def story() -> None:
        desk = await open_desk()
        _, _, tina = await three(desk)
        new = k.NewKey(name="k", scopes=READ, max_notional=Decimal(notional))

        assert await refusal(desk.send(tina, new)) == "KEY_NOTIONAL"

    run(story())


def test_the_bounds_of_a_key_reach_who_asks() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, _, tina = await three(desk)
        made = await desk.send(
            tina,
            k.NewKey(
                name="bot",
                scopes=frozenset({Scope.TRADE_PAPER}),
                networks=(f"{HERE}/32",),
                symbols=frozenset({"BTCUSDT.BINANCE"}),
                max_notional=Decimal(500),
            ),
        )

        actor = desk.bearer(made.api_key, HERE)

        assert actor.symbols == {"BTCUSDT.BINANCE"}
        assert actor.max_notional == 500
        assert made.key.networks == (f"{HERE}/32",)
        with pytest.raises(Problem, match="KEY_ADDRESS"):
            desk.bearer(made.api_key, "203.0.113.1")

    run(story())
