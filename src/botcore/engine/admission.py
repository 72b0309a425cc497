"""What an event strategy says, let in: plain intents of its own, in numbers, and not too many.

Foreign code may say anything. Nothing of a call that says one wrong thing is used.
"""

from collections.abc import Iterable
from itertools import islice

import msgspec
import numpy as np

from botcore.domain.intents import CancelOrder, Intent, PlaceOrder, ReplaceOrder, Target
from botcore.engine.config import StrategyConfig
from botcore.strategies import StrategyFault


def admitted(said: Iterable[object] | None, config: StrategyConfig, *, most: int) -> list[Intent]:
    """Return what a strategy said as intents whose every field is of its declared kind.

    Words become the members they name (``"BUY"`` is `Side.BUY`) and numbers of numpy plain ones,
    so that nothing passes the risk gate that only looks like what it is.

    Args:
        said: what its callback returned; it may be endless.
        config: who it is and what it trades.
        most: intents it may still say.

    Raises:
        StrategyFault: it says more than `most`, or a target that is no share of its budget.
        TypeError: something is no intent.
        msgspec.ValidationError: a field is not of its kind.
        ValueError: it speaks for another account or strategy, or of an instrument that it is not
            configured to trade.
    """
    heard = list(islice(said or (), most + 1))
    if len(heard) > most:
        raise StrategyFault.flooded(config.id, len(heard), most)
    return [_plain(each, config) for each in heard]


def _plain(said: object, config: StrategyConfig) -> Intent:
    decoder = _DECODERS.get(type(said))
    if decoder is None:
        raise TypeError(f"{said!r} is no intent")
    intent = decoder.decode(_ENCODE(said))
    if intent.account != config.account or intent.strategy != config.id:
        raise ValueError(f"an intent names {intent.account}/{intent.strategy}")
    if isinstance(intent, Target | PlaceOrder) and intent.instrument not in config.instruments:
        raise ValueError(f"an intent names {intent.instrument}, which it does not trade")
    if isinstance(intent, Target):
        if not -1.0 <= intent.weight <= 1.0:
            raise StrategyFault.weight(config.id, intent.weight, intent.reason.code)
        if not 0.0 <= intent.confidence <= 1.0:
            raise ValueError(f"a confidence of {intent.confidence} is outside 0 to 1")
    return intent


def _unwrapped(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} stands in an intent")


_ENCODE = msgspec.msgpack.Encoder(enc_hook=_unwrapped).encode
_DECODERS: dict[type, msgspec.msgpack.Decoder[Intent]] = {
    kind: msgspec.msgpack.Decoder(kind) for kind in (Target, PlaceOrder, CancelOrder, ReplaceOrder)
}
