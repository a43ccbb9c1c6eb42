"""A webhook that measures: how many posts came, and how long after their `ts`. GET /stats gives and clears.

usage: sink.py PORT
"""
import asyncio
import json
import sys
import time

late, count = [], 0


def stats():
    global count
    ordered = sorted(late)
    at = lambda p: round(ordered[min(len(ordered) - 1, int(len(ordered) * p))], 2) if ordered else None
    told = {"posts": count, "p50_ms": at(0.5), "p95_ms": at(0.95), "p99_ms": at(0.99), "max_ms": at(1)}
    late.clear()
    count = 0
    return json.dumps(told).encode()


async def serve(reader, writer):
    global count
    try:
        while request := await reader.readline():
            size = 0
            while (header := await reader.readline()) not in (b"\r\n", b""):
                if header.lower().startswith(b"content-length:"):
                    size = int(header.split(b":")[1])
            body = await reader.readexactly(size) if size else b""
            answer = b"ok"
            if request.startswith(b"GET"):
                answer = stats()
            else:
                count += 1
                post = json.loads(body)
                if post.get("ts") and post.get("state") != "cleared":
                    late.append(time.time() * 1000 - float(post["ts"]))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


asyncio.run(main())
