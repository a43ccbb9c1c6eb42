"""Publishes workload W1: 1,000 tags in JSON at a fixed rate over one raw MQTT 3.1.1 socket, QoS 0, and ten alarm
edges a second, each cleared 2.5 s later, whose value is the time of their publishing, in milliseconds since 1970: far over any limit.

usage: publisher.py BROKER_PORT RATE SECONDS
"""
import json
import random
import socket
import struct
import sys
import time

port, rate, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
random.seed(7)


def length(n):
    out = b""
    while True:
        byte, n = n % 128, n // 128
        out += bytes([byte | (128 if n else 0)])
        if not n:
            return out


def packet(topic, value, ts=0):
    payload = json.dumps({"v": value, "ts": ts}).encode()
    body = struct.pack(">H", len(topic)) + topic.encode() + payload
    return b"\x30" + length(len(body)) + body


line = socket.create_connection(("127.0.0.1", port))
line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
client = b"publisher-%d" % random.randrange(10**6)
hello = struct.pack(">H", 4) + b"MQTT" + bytes([4, 2]) + struct.pack(">HH", 600, len(client)) + client
line.sendall(bytes([0x10, len(hello)]) + hello)
line.recv(4)
tags = ["plant/line%02d-machine%02d/gauge-tag%02d" % (i // 100, i // 10 % 10, i % 10) for i in range(1000)]
pool = [[packet(tag, round(40 + 30 * random.random(), 2)) for _ in range(4)] for tag in tags]

begun = time.time()
sent = at = edges = 0
edge_due = begun + 0.5
while (now := time.time()) - begun < seconds:
    want = int((now - begun) * rate) - sent
    out = []
    for _ in range(want):
        out.append(pool[at % 1000][at // 1000 % 4])
        at += 1
    sent += max(want, 0)
    if now >= edge_due:
        edge_due += 0.1
        edges += 1
        topic = "plant/alarm-m%02d/gauge-temp"
        ms = int(time.time() * 1000)
        out += [packet(topic % ((edges + 25) % 50), 50, ms), packet(topic % (edges % 50), ms, ms)]
        sent += 2
    if out:
        line.sendall(b"".join(out))
    rest = 0.01 - (time.time() - now)
    if rest > 0:
        time.sleep(rest)
took = time.time() - begun
time.sleep(0.3)
line.sendall(b"\xe0\x00")
line.close()
print(json.dumps({"sent": sent, "edges": edges, "rate": round(sent / took)}))
