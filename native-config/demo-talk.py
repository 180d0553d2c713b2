#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The server and the clients of demo.sh. A request is one line: GET for a file, PUT N for N bytes that follow, PRICE for a line."""

import argparse
import hashlib
import os
import signal
import socket
import socketserver
import struct
import time

ADDRESS = ("10.77.0.2", 80)
PATIENCE_S = 30


class Service(socketserver.ThreadingTCPServer):
    """Serves a file, takes uploads, and names a price, which is another one where the server was started to differ."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 512

    def __init__(self, content, price):
        super().__init__(ADDRESS, Conversation)
        self.content = content
        self.price = price

    def handle_error(self, request, client_address):
        pass  # The client has aborted the connection.


class Conversation(socketserver.StreamRequestHandler):
    """One connection: one request and its answer. The client closes first."""

    def handle(self):
        words = self.rfile.readline().split()
        if words[0] == b"GET":
            self.wfile.write(self.server.content)
        elif words[0] == b"PUT":
            uploaded = self.rfile.read(int(words[1]))
            self.wfile.write(hashlib.sha256(uploaded).hexdigest().encode() + b"\n")
        else:
            self.wfile.write(f"the price is {self.server.price} EUR\n".encode())
        self.rfile.read()


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


def serve(options):
    with Service(read_file(options.file), options.price) as service:
        # The checkpoint of the demo: from now on this server is what the primary's is.
        signal.signal(signal.SIGUSR1, lambda *_: setattr(service, "price", options.price_after_checkpoint))
        print(f"ready {os.getpid()}", flush=True)
        service.serve_forever()


def connect(request, receive_buffer=None):
    connection = socket.socket()
    connection.settimeout(PATIENCE_S)
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.connect(ADDRESS)
    connection.sendall(request)
    return connection


def download(_):
    with connect(b"GET\n") as connection:
        connection.shutdown(socket.SHUT_WR)
        print(hashlib.sha256(connection.makefile("rb").read()).hexdigest())


def download_in_halves(options):
    """Reads half of the file, then waits until another file exists. The receive buffer is small, so the guests still have the rest."""
    with connect(b"GET\n", receive_buffer=32768) as connection:
        connection.shutdown(socket.SHUT_WR)
        stream = connection.makefile("rb")
        content = stream.read(options.half)
        print("half", flush=True)
        while not os.path.exists(options.go_on):
            time.sleep(0.05)
        print(hashlib.sha256(content + stream.read()).hexdigest())


def upload(options):
    content = read_file(options.file)
    with connect(b"PUT %d\n" % len(content)) as connection:
        connection.sendall(content)
        print(connection.makefile("rb").readline().decode().strip())


def price(_):
    """The client aborts: the demo's checkpoint copies the server, but not its open connections, as a hypervisor does."""
    with connect(b"PRICE\n") as connection:
        print(connection.makefile("rb").readline().decode().strip())
        reset_on_close(connection)


def abort(options):
    """Some connections are aborted before the answer begins, most amid it."""
    for number in range(options.count):
        with connect(b"GET\n") as connection:
            if number % 3 != 0:
                connection.recv(number % 3 * 1000)
            reset_on_close(connection)
    print(options.count)


def reset_on_close(connection):
    """The close sends a RST instead of a FIN (socket(7), SO_LINGER with a time of 0)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    server = commands.add_parser("serve")
    server.add_argument("file")
    server.add_argument("--price", type=int, default=42)
    server.set_defaults(run=serve, price_after_checkpoint=42)
    commands.add_parser("download").set_defaults(run=download)
    halver = commands.add_parser("download-in-halves")
    halver.add_argument("half", type=int)
    halver.add_argument("go_on")
    halver.set_defaults(run=download_in_halves)
    uploader = commands.add_parser("upload")
    uploader.add_argument("file")
    uploader.set_defaults(run=upload)
    commands.add_parser("price").set_defaults(run=price)
    aborter = commands.add_parser("abort")
    aborter.add_argument("count", type=int)
    aborter.set_defaults(run=abort)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
