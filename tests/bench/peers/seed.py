"""The plugin of the document that asked for this project, as it stands there.

Only the port is an argument here, and the address is this host's own.
"""
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Plugin(BaseHTTPRequestHandler):

    def args(self):
        return json.loads(
            self.rfile.read(int(self.headers.get('Content-Length'))))

    def reply(self, reply):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(reply).encode("UTF-8"))

    def unsupported(self):
        self.send_response(404)
        self.end_headers()

    def do_POST(self):
        if self.path == '/api/v1/template.execute':
            args = self.args()
            if 'howdy' in args['template']['plugin']:
                self.reply({'node': {'phase': 'Succeeded',
                                     'message': 'Hello template!'}})
            else:
                self.reply({})
        else:
            self.unsupported()


if __name__ == '__main__':
    httpd = HTTPServer(('127.0.0.1', int(sys.argv[1])), Plugin)
    httpd.serve_forever()
