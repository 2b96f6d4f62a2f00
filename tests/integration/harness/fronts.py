"""fronts: Debian's web servers, started with the snippets of conf/.

Each front is a context manager with ask(method, path, headers, body), which
gives a Response.  The snippets are used as they are, but for the address,
the socket and paths of files.
"""
import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading

from harness import http1, programs
from harness.daemon import free_port
from harness.waiting import wait_for

SOCKET = "/run/execplug/fcgi.sock"
_PACKAGES = {
    "apache2": "apache2-bin",
    "cgi-fcgi": "libfcgi-bin",
    "fcgiwrap": "fcgiwrap",
    "lighttpd": "lighttpd",
    "nginx": "nginx-light",
}


def server(name):
    """The path of a web server; fails naming the Debian package."""
    path = shutil.which(name, path=os.environ.get("PATH", "")
                        + ":/usr/sbin:/sbin")
    assert path, f"{name} is missing: apt-get install {_PACKAGES[name]}"
    return path


def snippet(name, **replacements):
    """A file of conf/ with texts replaced, each of which must be there."""
    text = (programs.ROOT / "conf" / name).read_text(encoding="utf-8")
    for old, new in replacements.values():
        assert old in text, f"conf/{name} has no {old!r}"
        text = text.replace(old, str(new))
    return text


def user():
    """Who a server runs as that was started as root."""
    return "www-data" if os.geteuid() == 0 else None


class Front:
    """A server process that listens on a port of its own.

    path is the FastCGI socket that it passes calls to; timeout replaces
    the seconds that it waits for an answer there.
    """

    def __init__(self, folder, path, timeout=None, token_file=None):
        self.folder = folder
        self.path = path
        self.timeout = timeout
        self.token_file = token_file
        self.port = free_port()
        self.process = None
        folder.mkdir()
        if user() is not None:
            record = pwd.getpwnam(user())
            os.chown(folder, record.pw_uid, record.pw_gid)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def copy(self, path):
        """A copy that the server's user can reach."""
        return shutil.copy(path, self.folder)

    def command(self):
        """Write the configuration; the command that starts the server."""
        raise NotImplementedError

    def __enter__(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True)
        wait_for(self.is_listening, 10, f"{self.folder.name} listens "
                 f"(log: {self.folder}/log)")
        return self

    def is_listening(self):
        assert self.process.poll() is None, self.log()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        finally:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def ask(self, method, path, headers=(), body=None):
        return http1.ask(self.port, method, path, headers, body)


class Nginx(Front):
    """conf/nginx-site.conf in an nginx.conf as a distribution has it."""

    def site(self):
        changes = {
            "socket": (f"unix:{SOCKET}", f"unix:{self.path}"),
            "port": ("listen 4355", f"listen 127.0.0.1:{self.port}"),
        }
        if self.timeout is not None:
            changes["timeout"] = ("fastcgi_read_timeout 25s",
                                  f"fastcgi_read_timeout {self.timeout}s")
        return snippet("nginx-site.conf", **changes)

    def command(self):
        temporary = "".join(
            f"{what}_temp_path {self.folder}/{what};\n" for what in
            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        who = f"user {user()};" if user() else ""
        conf = self.write("nginx.conf", f"""
            {who}
            pid {self.folder}/pid;
            daemon off;
            error_log stderr;
            events {{ worker_connections 64; }}
            http {{
              access_log off;
              {temporary}
              include {self.write("site.conf", self.site())};
            }}""")
        return [server("nginx"), "-e", "stderr", "-c", conf]


class NginxAndFcgiwrap(Nginx):
    """execplugd as a CGI program that fcgiwrap starts for each call."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.path = self.folder / "fcgiwrap.sock"
        self.wrap = None

    def site(self):
        return f"""
            server {{
              listen 127.0.0.1:{self.port};
              client_max_body_size 8m;
              location /api/ {{
                fastcgi_pass unix:{self.path};
                include {self.write("params", PARAMS)};
                fastcgi_param SCRIPT_FILENAME {programs.execplugd()};
                fastcgi_param EXECPLUG_TOKEN_FILE {self.token_file};
              }}
            }}"""

    def __enter__(self):
        with open(self.folder / "fcgiwrap.log", "ab") as log:
            self.wrap = subprocess.Popen(
                [server("fcgiwrap"), "-s", f"unix:{self.path}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self.path.exists, 5, "fcgiwrap's socket")
        self.path.chmod(0o666)
        return super().__enter__()

    def __exit__(self, *what):
        try:
            super().__exit__(*what)
        finally:
            self.wrap.terminate()
            self.wrap.wait(10)


# What Debian's fastcgi_params passes, as far as it matters here.
PARAMS = """
fastcgi_param QUERY_STRING $query_string;
fastcgi_param REQUEST_METHOD $request_method;
fastcgi_param CONTENT_TYPE $content_type;
fastcgi_param CONTENT_LENGTH $content_length;
fastcgi_param SCRIPT_NAME $fastcgi_script_name;
fastcgi_param REQUEST_URI $request_uri;
fastcgi_param DOCUMENT_URI $document_uri;
fastcgi_param DOCUMENT_ROOT $document_root;
fastcgi_param SERVER_PROTOCOL $server_protocol;
fastcgi_param GATEWAY_INTERFACE CGI/1.1;
fastcgi_param SERVER_SOFTWARE nginx/$nginx_version;
fastcgi_param REMOTE_ADDR $remote_addr;
"""


class Lighttpd(Front):
    """conf/lighttpd.conf and conf/lighttpd.lua."""

    def site(self):
        module = "/usr/lib/lighttpd/mod_magnet.so"
        assert os.path.exists(module), \
            f"{module} is missing: apt-get install lighttpd-modules-lua"
        changes = {
            "socket": (SOCKET, self.path),
            "port": ("0.0.0.0:4355", f"127.0.0.1:{self.port}"),
            "lua": ("/etc/lighttpd/execplug.lua",
                    self.copy(programs.ROOT / "conf/lighttpd.lua")),
        }
        if self.timeout is not None:
            changes["timeout"] = ('"read-timeout" => 25',
                                  f'"read-timeout" => {self.timeout}')
        return snippet("lighttpd.conf", **changes)

    def command(self):
        who = f'server.username = "{user()}"' if user() else ""
        other = free_port()
        conf = self.write("lighttpd.conf", f"""
            server.document-root = "{self.folder}"
            server.bind = "127.0.0.1"
            server.port = {other}
            {who}
            include "{self.write("site.conf", self.site())}"
            """)
        return [server("lighttpd"), "-D", "-f", conf]


class LighttpdCgi(Lighttpd):
    """execplugd as a CGI program of lighttpd's mod_cgi."""

    def site(self):
        return f"""
            server.modules += ( "mod_alias", "mod_cgi", "mod_setenv" )
            $SERVER["socket"] == "127.0.0.1:{self.port}" {{
              alias.url = ( "/api" => "{self.copy(programs.execplugd())}" )
              cgi.assign = ( "" => "" )
              setenv.add-environment = (
                "EXECPLUG_TOKEN_FILE" => "{self.token_file}"
              )
            }}"""


class Apache(Front):
    """conf/apache.conf with the modules that it asks for."""

    MODULES = ("mpm_event", "authz_core", "proxy", "proxy_fcgi", "headers")

    def site(self):
        return snippet(
            "apache.conf",
            socket=(SOCKET, self.path),
            listen=("Listen 4355", f"Listen 127.0.0.1:{self.port}"),
            host=("*:4355", f"127.0.0.1:{self.port}"))

    def command(self):
        who = f"User {user()}\nGroup {user()}" if user() else ""
        modules = "\n".join(
            f"LoadModule {name}_module "
            f"/usr/lib/apache2/modules/mod_{name}.so"
            for name in self.MODULES)
        conf = self.write("apache.conf", f"""
ServerRoot {self.folder}
ServerName localhost
DefaultRuntimeDir {self.folder}
PidFile {self.folder}/pid
Mutex file:{self.folder}
ErrorLog /dev/stderr
{modules}
{who}
ServerLimit 2
StartServers 1
ThreadsPerChild 8
MaxRequestWorkers 16
MinSpareThreads 8
MaxSpareThreads 16
Include {self.write("site.conf", self.site())}
""")
        return [server("apache2"), "-DFOREGROUND", "-f", conf]


class CgiFcgi:
    """cgi-fcgi: a CGI program that passes each request to the socket."""

    def __init__(self, folder, path, token_file=None):
        del folder, token_file
        self.path = path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def ask(self, method, path, headers=(), body=None):
        body = body or b""
        env = {"REQUEST_METHOD": method, "SCRIPT_NAME": path,
               "QUERY_STRING": "", "CONTENT_LENGTH": str(len(body)),
               "GATEWAY_INTERFACE": "CGI/1.1",
               "SERVER_PROTOCOL": "HTTP/1.1"}
        for name, value in headers:
            env["HTTP_" + name.upper().replace("-", "_")] = value
        done = subprocess.run(
            [server("cgi-fcgi"), "-bind", "-connect", str(self.path)],
            input=body, env=env, stdout=subprocess.PIPE, timeout=20,
            check=True)
        return from_cgi(done.stdout)


def from_cgi(output):
    """A CGI program's output as a Response."""
    head, _, body = output.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    status = [line for line in lines if line.lower().startswith(b"status:")]
    code = status[0].split(b":", 1)[1].strip() if status else b"200 OK"
    response = http1.Response(b"\r\n".join([b"HTTP/1.1 " + code, *lines]))
    response.body = body
    return response


class BadBackend:
    """A FastCGI socket whose owner reads calls and never answers them.

    dies: it closes the connection as a worker does that dies; else it
    keeps it open until the end.
    """

    def __init__(self, path, dies):
        self.dies = dies
        self.kept = []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        os.chmod(path, 0o666)
        self.socket.listen(64)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def _run(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            peer.recv(65536)
            if self.dies:
                peer.close()
            else:
                self.kept.append(peer)

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        for one in [self.socket, *self.kept]:
            one.close()
