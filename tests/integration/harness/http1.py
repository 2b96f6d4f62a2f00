"""http1: a raw HTTP/1.1 client: bytes in, bytes out."""
import json
import select
import socket


class Truncated(Exception):
    """The stream ended inside a response; .data is what came."""

    def __init__(self, data):
        super().__init__(f"ended after {len(data)} bytes")
        self.data = data


class Response:
    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.version, status, *reason = lines[0].split(" ", 2)
        self.status = int(status)
        self.reason = reason[0] if reason else ""
        self.header_lines = lines[1:]
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        self.body = b""

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"Response({self.status}, {self.body[:200]!r})"


def request(method, path, headers=(), body=None, host="localhost:4355"):
    """The bytes of a request; a body brings its Content-Length."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


class Client:
    """One connection to a port of this host."""

    def __init__(self, port, timeout=30, rcvbuf=None, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if rcvbuf is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                   rcvbuf)
        self.socket.settimeout(timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket.connect((host, port))
        except OSError:
            self.socket.close()
            raise
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
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def is_closed(self):
        """True when the other side has closed and all is read."""
        if self.pending:
            return False
        readable, _, _ = select.select([self.socket], [], [], 0)
        if not readable:
            return False
        try:
            return self.socket.recv(1, socket.MSG_PEEK) == b""
        except ConnectionResetError:
            return True

    def is_reset(self):
        """True when the other side has cut the connection; reads nothing."""
        poll = select.poll()
        poll.register(self.socket, 0)
        return any(events & (select.POLLHUP | select.POLLERR)
                   for _, events in poll.poll(0))

    def _more(self, so_far=b""):
        data = self.socket.recv(262144)
        if not data:
            raise Truncated(so_far + self.pending)
        self.pending += data

    def _until(self, mark):
        while mark not in self.pending:
            self._more()
        found, _, self.pending = self.pending.partition(mark)
        return found

    def _exactly(self, count):
        while len(self.pending) < count:
            self._more()
        found, self.pending = self.pending[:count], self.pending[count:]
        return found

    def _chunks(self):
        body = b""
        while True:
            size = int(self._until(b"\r\n").split(b";")[0], 16)
            body += self._exactly(size)
            self._exactly(2)
            if size == 0:
                return body

    def read_all(self):
        """Every byte until the other side closes."""
        while True:
            try:
                self._more()
            except (Truncated, ConnectionResetError):
                found, self.pending = self.pending, b""
                return found

    def response(self, method="POST", interim=False):
        """The next response; 1xx ones are skipped unless interim."""
        while True:
            found = Response(self._until(b"\r\n\r\n"))
            if found.status >= 200:
                break
            if interim:
                return found
        if method == "HEAD" or found.status in (204, 304):
            return found
        if found.headers.get("transfer-encoding") == "chunked":
            found.body = self._chunks()
        elif "content-length" in found.headers:
            found.body = self._exactly(int(found.headers["content-length"]))
        else:
            found.body = self.read_all()
        return found

    def ask(self, method, path, headers=(), body=None):
        self.send(request(method, path, headers, body))
        return self.response(method)


def ask(port, method, path, headers=(), body=None, timeout=30):
    """One request on a connection of its own; the Response."""
    with Client(port, timeout) as client:
        return client.ask(method, path, headers, body)


def raw(port, data, timeout=30):
    """Send bytes, return every byte until the other side closes."""
    with Client(port, timeout) as client:
        client.send_until_closed(data)
        return client.read_all()
