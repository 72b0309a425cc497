"""Control over HTTP, for other programs and the command line: typed requests in, answers out.

``async with Client("http://127.0.0.1:8080", key="bck_…") as client:``
``    orders = await client.send(ListOrders())``
"""

from botcore.client.backoff import Retrying
from botcore.client.connection import Client, Credentials

__all__ = ["Client", "Credentials", "Retrying"]
