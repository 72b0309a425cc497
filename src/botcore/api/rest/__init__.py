"""REST as a door over control: HTTP calls in, requests to control, and their answers as JSON out.

There is no route that is not an `Operation`, and nothing here knows what one of them does.
"""

from botcore.api.rest.door import Door
from botcore.api.rest.routing import Public, Route, RouteTable, Rule, Shown

__all__ = ["Door", "Public", "Route", "RouteTable", "Rule", "Shown"]
