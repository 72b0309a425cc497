"""The peer: one bare FastAPI route with the API's server options, on the port it is told.

``python api_bare.py PORT`` answers ``/ticker`` with a document of the fields of our ticker.
"""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/ticker")
async def ticker() -> dict[str, object]:
    """Return what our cached ticker answers with."""
    return {
        "symbol": "BTCUSDT.BINANCE",
        "price": "100.24",
        "time": "2026-01-01T00:00:00.123456Z",
        "age_s": 0.071,
        "status": "live",
        "high": "100.55",
        "low": "99.45",
        "volume": "900.0",
        "change_frac": None,
    }


def main() -> None:
    """Serve until SIGTERM."""
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
