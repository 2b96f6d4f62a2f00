"""fcgi: a raw FastCGI client that can also say what it must not say.

Knows the wire format only; nothing is checked that a test may want to get
wrong.
"""
import json
import select
import socket
import struct

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA = range(1, 9)
GET_VALUES, GET_VALUES_RESULT, UNKNOWN_TYPE = 9, 10, 11
RESPONDER, AUTHORIZER, FILTER = 1, 2, 3
REQUEST_COMPLETE, CANT_MPX_CONN, OVERLOADED, UNKNOWN_ROLE = range(4)
KEEP_CONN = 1


def record(kind, content=b"", request_id=1, padding=0, version=1):
    return struct.pack(">BBHHBx", version, kind, request_id, len(content),
                       padding) + content + b"\0" * padding


def begin(request_id=1, role=RESPONDER, flags=0):
    return record(BEGIN, struct.pack(">HB5x", role, flags), request_id)


def length(number):
    """A name or value length: one byte, or four with the top bit."""
    if number < 0x80:
        return bytes([number])
    return struct.pack(">I", number | 0x80000000)


def pair(name, value):
    name, value = as_bytes(name), as_bytes(value)
    return length(len(name)) + length(len(value)) + name + value


def as_bytes(text):
    return text if isinstance(text, bytes) else str(text).encode()


def stream(kind, content, request_id=1, chunk=0xFFF8, padding=0):
    """Records of a stream, with the empty one that ends it."""
    out = b""
    for at in range(0, len(content), chunk):
        out += record(kind, content[at:at + chunk], request_id, padding)
    return out + record(kind, b"", request_id, padding)


def call_params(body=b"", method="POST", path="/api/v1/template.execute",
                token=None, **more):
    """What a front end passes for one call; more adds or replaces.

    A value of None leaves the param out.
    """
    params = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": path,
        "REQUEST_URI": path,
        "QUERY_STRING": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": len(body),
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_AUTHORIZATION": None if token is None else f"Bearer {token}",
    }
    params.update(more)
    return {n: v for n, v in params.items() if v is not None}


def params_bytes(params):
    items = params.items() if isinstance(params, dict) else params
    return b"".join(pair(name, value) for name, value in items)


def request(params, body=b"", request_id=1, flags=0, chunk=0xFFF8,
            padding=0):
    """The bytes of one whole request."""
    return (begin(request_id, RESPONDER, flags)
            + stream(PARAMS, params_bytes(params), request_id, chunk, padding)
            + stream(STDIN, body, request_id, chunk, padding))


class Record:
    def __init__(self, kind, request_id, content):
        self.kind = kind
        self.request_id = request_id
        self.content = content

    def __repr__(self):
        return f"Record({self.kind}, {self.request_id}, {self.content!r})"


class Reply:
    """What came back for one request id until its end or the close."""

    def __init__(self):
        self.stdout = b""
        self.stderr = b""
        self.protocol_status = None
        self.app_status = None

    @property
    def is_whole(self):
        return self.protocol_status is not None

    @property
    def head(self):
        return self.stdout.partition(b"\r\n\r\n")[0].decode("latin-1")

    @property
    def body(self):
        return self.stdout.partition(b"\r\n\r\n")[2]

    @property
    def headers(self):
        pairs = [line.split(":", 1) for line in self.head.split("\r\n")]
        return {name.lower(): value.strip() for name, value in pairs}

    @property
    def status(self):
        """The HTTP status, or None when nothing was answered."""
        if not self.stdout:
            return None
        return int(self.headers.get("status", "200").split()[0])

    @property
    def json(self):
        return json.loads(self.body)


class Peer:
    """One connection to a FastCGI socket: a path, or (host, port)."""

    def __init__(self, address, timeout=10, rcvbuf=None):
        if isinstance(address, tuple):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        else:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            address = str(address)
        if rcvbuf is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                   rcvbuf)
        # Blocking: with a full queue a connect then waits for its turn.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO,
                               struct.pack("ll", timeout, 0))
        self.socket.connect(address)
        self.socket.settimeout(timeout)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_until_closed(self, data):
        """Send; a peer that closes meanwhile is no error."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def is_closed(self):
        """True when the other side has closed; reads nothing."""
        poll = select.poll()
        poll.register(self.socket, 0)
        return any(events & (select.POLLHUP | select.POLLERR)
                   for _, events in poll.poll(0))

    def _read(self, count):
        """Exactly count bytes, or None when the stream ends before."""
        while len(self.pending) < count:
            try:
                data = self.socket.recv(262144)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.pending += data
        data, self.pending = self.pending[:count], self.pending[count:]
        return data

    def read_record(self):
        """The next record, or None at the end of the stream."""
        head = self._read(8)
        if head is None:
            return None
        _, kind, request_id, size, padding = struct.unpack(">BBHHBx", head)
        content = self._read(size + padding)
        if content is None:
            return None
        return Record(kind, request_id, content[:size])

    def read_records(self):
        """Every record until the other side closes."""
        found = []
        while True:
            one = self.read_record()
            if one is None:
                return found
            found.append(one)

    def read_reply(self, request_id=1):
        """Until END_REQUEST of request_id, or the close."""
        reply = Reply()
        while True:
            one = self.read_record()
            if one is None:
                return reply
            if one.request_id != request_id:
                continue
            if one.kind == STDOUT:
                reply.stdout += one.content
            elif one.kind == STDERR:
                reply.stderr += one.content
            elif one.kind == END:
                reply.app_status, reply.protocol_status = struct.unpack(
                    ">IB3x", one.content)
                return reply

    def reads_end(self):
        """True when the next thing read is the end of the stream."""
        return self.read_record() is None


def get_values(*names):
    return record(GET_VALUES, b"".join(pair(n, "") for n in names), 0)


def parse_pairs(content):
    """[(name, value)] of a GET_VALUES_RESULT or PARAMS content."""
    found, at = [], 0
    while at < len(content):
        sizes = []
        for _ in range(2):
            size = content[at]
            at += 1
            if size >= 0x80:
                size = struct.unpack(
                    ">I", bytes([size & 0x7F]) + content[at:at + 3])[0]
                at += 3
            sizes.append(size)
        name = content[at:at + sizes[0]]
        value = content[at + sizes[0]:at + sum(sizes)]
        found.append((name.decode(), value.decode()))
        at += sum(sizes)
    return found


def exchange(address, body=b"", timeout=30, **params):
    """One whole request on a connection of its own; the Reply."""
    body = as_bytes(body)
    with Peer(address, timeout) as peer:
        peer.send(request(call_params(body, **params), body))
        return peer.read_reply()
