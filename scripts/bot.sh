#!/usr/bin/env sh
# The same commands from another place: `scripts/bot.sh up` is `./bot up` in the checkout.
exec "$(dirname "$0")/../bot" "$@"
