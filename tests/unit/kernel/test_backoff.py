from botcore.kernel import Backoff


class _Fixed:
    def __init__(self, number: float) -> None:
        self.number = number

    def random(self) -> float:
        return self.number


def test_the_ceiling_doubles_from_the_base_up_to_the_cap() -> None:
    backoff = Backoff(base_s=0.1, cap_s=30.0)

    assert [backoff.ceiling_s(n) for n in (0, 1, 2, 8, 9)] == [0.1, 0.2, 0.4, 25.6, 30.0]


def test_a_thousandth_attempt_still_waits_no_longer_than_the_cap() -> None:
    assert Backoff().ceiling_s(1000) == 30.0


def test_the_jitter_is_full() -> None:
    backoff = Backoff(base_s=1.0)

    assert backoff.delay_s(2, rng=_Fixed(0.0)) == 0.0
    assert backoff.delay_s(2, rng=_Fixed(0.5)) == 2.0
