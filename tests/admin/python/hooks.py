"""What the fuzzer sends is made such that one machine can do it: crSockets are spawned by the dozen, not by the ten thousand."""

import schemathesis

MOST = 12


@schemathesis.hook
def map_body(context, body):
    if isinstance(body, dict):
        for name in ("pairs", "count"):
            if isinstance(body.get(name), int) and body[name] > MOST:
                body[name] = 1 + body[name] % MOST if body[name] <= 10_000 else body[name]
    return body
