# SPDX-License-Identifier: Apache-2.0
"""A proxy in front of Iceberg's REST catalog fixture that adds what it lacks of a real site's: it demands the bearer
token that its token endpoint gave out, and tokens end, some sooner than was said; the storage keys that it hands out
with a table are dead now and then; it announces idempotency keys, and each commit reaches the server twice, as when
a balancer repeats it, and the second answer is given."""
import json
import sys
import threading
import time
import urllib.parse

import fault_proxy

CLIENT, SECRET = "k2 pipeline", "s3cr&t=+%"
ERROR = json.dumps({"error": {"message": "the token is not known, or no more", "type": "NotAuthorizedException",
                              "code": 401}}).encode()


class Gate(fault_proxy.Proxy):
    """`life`: seconds that a token is good for."""

    def __init__(self, life):
        super().__init__("127.0.0.1", 8181, every=1, seed=0, faults=())
        self.life = life
        self.guard = threading.Lock()
        self.ends = {}  # token: its end
        self.asked = 0
        self.refused = []  # paths of those who came with a token that had ended
        self.strangers = []  # of those who came with none
        self.commits, self.keys, self.loads = [], [], 0
        self.vends = False
        self.broken = []  # what this proxy itself did wrong
        self.server.handle_error = lambda *_: self.broken.append(repr(sys.exception()))

    def handle(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        if handler.path == "/v1/oauth/tokens":
            return self.give_token(handler, body)
        if not self.knows(handler):
            return self.answer(handler, 401, [("Content-Type", "application/json")], ERROR)
        del handler.headers["Accept-Encoding"]
        answer, content = self.forward(handler, body)
        if handler.command == "POST" and "/tables/" in handler.path:
            answer, content = self.repeat(handler, body, answer, content)
        elif handler.path.startswith("/v1/config"):
            content = json.dumps({**json.loads(content), "idempotency-key-lifetime": "PT30M"}).encode()
        if answer.status == 200 and "/tables" in handler.path and b'"metadata-location"' in content:
            content = self.vend(handler, json.loads(content))
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() in ("content-type", "etag")]
        return self.answer(handler, answer.status, headers, content)

    def give_token(self, handler, body):
        """RFC 6749, section 4.4; every other token ends at a third of what is said, one request in four gets none."""
        asked = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))
        if (asked["client_id"], asked["client_secret"]) != (CLIENT, SECRET):
            return self.answer(handler, 401, [], b'{"error":"invalid_client","error_description":"no such client"}')
        with self.guard:
            self.asked += 1
            if self.asked % 4 == 0:
                return self.answer(handler, 503, [], b"")
        answer, content = self.forward(handler, body)
        token = json.loads(content)
        assert answer.status == 200 and asked["scope"] == "k2:write"
        with self.guard:
            number = len(self.ends)
            token["access_token"] += f";n={number}"
            token["expires_in"] = self.life if number % 2 == 0 else self.life * 3
            self.ends[token["access_token"]] = time.monotonic() + self.life
        return self.answer(handler, 200, [("Content-Type", "application/json")], json.dumps(token).encode())

    def knows(self, handler):
        """A commit in five finds its token taken back."""
        token = handler.headers.get("Authorization", "").removeprefix("Bearer ")
        is_commit = handler.command == "POST" and "/tables/" in handler.path
        with self.guard:
            if token not in self.ends:
                self.strangers.append(handler.path)
                return False
            if is_commit:
                self.commits.append(handler.path)
                if len(self.commits) % 5 == 0:
                    self.ends[token] = 0
            if time.monotonic() >= self.ends[token]:
                self.refused.append((handler.command, handler.path))
                return False
            return True

    def repeat(self, handler, body, answer, content):
        again, second = self.forward(handler, body)
        with self.guard:
            self.keys.append((handler.headers["Idempotency-Key"], answer.status, again.status, content == second))
        return again, second

    def vend(self, handler, table):
        """One load in seven hands out a key that is no more."""
        if not self.vends:
            return json.dumps(table).encode()
        with self.guard:
            assert handler.headers["X-Iceberg-Access-Delegation"] == "vended-credentials"
            self.loads += 1
            if self.loads % 7 == 0:
                table["config"]["s3.secret-access-key"] = "no more"
        return json.dumps(table).encode()
