"""An operation as a command that people paste."""

import json

from botcore.api.openapi.examples import example_of
from botcore.api.rest.routing import paths_of
from botcore.control.operations import Operation


def curl(operation: Operation) -> str:
    """Return a command that sends the first example, for a shell with URL and key in variables."""
    first = example_of(operation, operation.examples[0], paths_of(operation)[0])
    parts = [f'curl "$BOTCORE_URL{first.path}"']
    if operation.method != "GET":
        parts.append(f"-X {operation.method}")
    if operation.scope is not None:
        parts.append('-H "Authorization: Bearer $BOTCORE_KEY"')
    if operation.is_act:
        parts.append('-H "Idempotency-Key: $(date +%s)-$RANDOM"')
    if first.body is not None:
        body = json.dumps(first.body, ensure_ascii=False).replace("'", "'\\''")
        parts += ['-H "Content-Type: application/json"', f"-d '{body}'"]
    elif operation.upload_max:
        parts += [
            '-H "Content-Type: application/octet-stream"',
            f"--data-binary @{first.fields['name']}",
        ]
    return " \\\n  ".join(parts)
