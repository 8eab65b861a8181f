import threading
import unittest
from http.client import HTTPConnection

from service import serve


class ServiceTest(unittest.TestCase):
    def setUp(self):
        self.server = serve(0)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def get(self, path):
        connection = HTTPConnection("127.0.0.1", self.server.server_port, timeout=5)
        self.addCleanup(connection.close)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def test_it_says_that_it_is_well(self):
        self.assertEqual(self.get("/healthz"), (200, "ok\n"))

    def test_what_is_not_there_is_not_found(self):
        self.assertEqual(self.get("/nothing")[0], 404)
