"""R4: absence is proven when every sign agrees, and by no sign alone."""

import msgspec
import pytest

from botcore.domain.ids import SECOND_NS
from botcore.execution import Evidence, HorizonConfig, is_absent

CONFIG = HorizonConfig()
SIGNED = 1_000 * SECOND_NS
OPENS = SIGNED + 13 * SECOND_NS  # recvWindow 2 s, the venue's back end 10 s, margin 1 s

PROOF = Evidence(
    signed_at=SIGNED,
    server_now=OPENS + 5 * SECOND_NS,
    stream_continuous=True,
    not_found_at=(OPENS + 1 * SECOND_NS, OPENS + 2 * SECOND_NS),
    in_open_orders=False,
    in_trades=False,
    balance_moved=False,
)


def test_r4_all_signs_together_prove_absence() -> None:
    assert CONFIG.opens_at(SIGNED) == OPENS
    assert is_absent(PROOF, CONFIG)


@pytest.mark.parametrize(
    "missing",
    [
        {"server_now": OPENS},
        {"server_now": OPENS - SECOND_NS},
        {"stream_continuous": False},
        {"not_found_at": ()},
        {"not_found_at": (OPENS + SECOND_NS,)},
        {"not_found_at": (OPENS - SECOND_NS, OPENS + SECOND_NS)},
        {"not_found_at": (OPENS, OPENS + SECOND_NS)},
        {"not_found_at": (OPENS + SECOND_NS, OPENS + 2 * SECOND_NS - 1)},
        {"in_open_orders": True},
        {"in_trades": True},
        {"balance_moved": True},
    ],
    ids=str,
)
def test_r4_one_sign_that_is_missing_is_enough_to_stay_in_doubt(
    missing: dict[str, object],
) -> None:
    assert not is_absent(msgspec.structs.replace(PROOF, **missing), CONFIG)


def test_r4_no_sign_alone_proves_absence() -> None:
    nothing = Evidence(
        signed_at=SIGNED,
        server_now=SIGNED,
        stream_continuous=False,
        not_found_at=(),
        in_open_orders=False,
        in_trades=False,
        balance_moved=False,
    )
    for name in ("server_now", "stream_continuous", "not_found_at"):
        alone = msgspec.structs.replace(nothing, **{name: getattr(PROOF, name)})
        assert not is_absent(alone, CONFIG)


def test_r4_a_longer_receive_window_keeps_the_doubt_longer() -> None:
    patient = HorizonConfig(receive_window_ns=5 * SECOND_NS)

    assert patient.opens_at(SIGNED) == OPENS + 3 * SECOND_NS
    assert not is_absent(PROOF, patient)
