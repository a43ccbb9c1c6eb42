"""Workload W1: 1,000 tags in JSON at a fixed rate through a real mosquitto, one limit rule each, posts to a webhook.
portevoix and the bare floor read the same broker in the same run, so that the figures are ratios.

usage: w1.py [--rate 10000] [--seconds 20] [--rounds 3] [--alone]

Prints CPU-seconds per million readings, resident memory and its peak, and publish to sink, for both. `--alone`
measures the latency of each without the other beside it. Build first: cargo build --release, and the floor.
"""
import argparse
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing listens on {port}")


def configuration(broker, sink):
    text = f'''
[site]
name = "W1"
language = "en"
timezone = "Europe/Paris"

[source.mqtt.w1]
url = "mqtt://127.0.0.1:{broker}"
qos = 0

[network.http.sink]
url = "http://127.0.0.1:{sink}/hook"
body = '{{"text": {{{{ text | tojson }}}}, "ts": {{{{ provenance.value | tojson }}}}, "state": {{{{ mark | tojson }}}}}}'
pace = {{ burst = 1000, refill = "1ms" }}
'''
    for n in range(10):
        text += f'''
[class.gauge.tag.tag{n}]
source = "w1"
topic = "plant/{{machine}}/gauge-tag{n:02}"
value = "/v"
[class.gauge.rule.limit.high{n}]
tag = "tag{n}"
above = 80
clear = 75
on_delay = "2s"
'''
    text += '''
[class.alarm.tag.temp]
source = "w1"
topic = "plant/{machine}/gauge-temp"
value = "/v"
[class.alarm.rule.limit.high]
tag = "temp"
above = 80
clear = 75
priority = 1
'''
    for m in range(100):
        text += f'[machine.line{m // 10:02}-machine{m % 10:02}]\nclass = "gauge"\n'
    for m in range(50):
        text += f'[machine.alarm-m{m:02}]\nclass = "alarm"\n'
    return text


def cpu(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(pid):
    """Resident, its peak, what is its own alone, and what it shares with the page cache of the kernel."""
    lines = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status") if line.startswith(("Vm", "Rss")))
    return [round(int(lines[key].split()[0]) / 1024, 1) for key in ("VmRSS", "VmHWM", "RssAnon", "RssFile")]


def stats(port):
    return json.loads(urllib.request.urlopen(f"http://127.0.0.1:{port}/stats").read())


class Peers:
    def __init__(self):
        self.started = []

    def start(self, *args, **kwargs):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **kwargs}
        process = subprocess.Popen([str(arg) for arg in args], **quiet)
        self.started.append(process)
        return process

    def stop(self):
        for process in reversed(self.started):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def measure(options, folder, who):
    peers = Peers()
    try:
        broker, sinks = free_port(), {name: free_port() for name in who}
        (folder / "mosquitto.conf").write_text(
            f"listener {broker} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type error\n"
            "max_queued_messages 0\nset_tcp_nodelay true\n")
        peers.start("mosquitto", "-c", folder / "mosquitto.conf")
        wait_for(broker)
        pids = {}
        for name, sink in sinks.items():
            peers.start("python3", HERE / "sink.py", sink)
            wait_for(sink)
            if name == "floor":
                pids[name] = peers.start(HERE / "floor/target/release/floor", broker, sink).pid
            else:
                (folder / "plant.toml").write_text(configuration(broker, sink))
                state = tempfile.mkdtemp(dir=folder)
                pids[name] = peers.start(
                    options.binary, "run", "--config", folder / "plant.toml", "--state", state,
                    env={**os.environ, "RUST_LOG": "warn"}).pid
        time.sleep(2)
        for sink in sinks.values():
            stats(sink)
        before = {name: cpu(pid) for name, pid in pids.items()}
        told = subprocess.check_output(
            ["python3", HERE / "publisher.py", str(broker), str(options.rate), str(options.seconds)])
        told = json.loads(told)
        time.sleep(2)
        return {
            name: {
                "cpu_s_per_million": (cpu(pid) - before[name]) / told["sent"] * 1e6,
                "memory_mb": memory(pid), **stats(sinks[name]), "sent": told["sent"],
            } for name, pid in pids.items()
        }
    finally:
        peers.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--binary", default=ROOT / "target/release/portevoix")
    options = parser.parse_args()
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        for at in range(options.rounds):
            folder_of = pathlib.Path(folder) / str(at)
            folder_of.mkdir()
            if options.alone:
                found = {}
                for name in ("portevoix", "floor"):
                    found.update(measure(options, folder_of, [name]))
            else:
                found = measure(options, folder_of, ["portevoix", "floor"])
            rounds.append(found)
            for name, figures in found.items():
                print(f"{at + 1} {name:9}", json.dumps(figures), "load", round(os.getloadavg()[0], 1), flush=True)
    ratio = [found["portevoix"]["cpu_s_per_million"] / found["floor"]["cpu_s_per_million"] for found in rounds]
    middle = lambda name, key: statistics.median(found[name][key] for found in rounds)
    print(f"CPU per million readings: portevoix {middle('portevoix', 'cpu_s_per_million'):.2f} s, "
          f"floor {middle('floor', 'cpu_s_per_million'):.2f} s, ratio {statistics.median(ratio):.2f} (at most 1.4)")
    resident = max(found["portevoix"]["memory_mb"][1] for found in rounds)
    own = max(found["portevoix"]["memory_mb"][2] for found in rounds)
    print(f"memory at its peak: {resident} MB (at most 15), its own: {own} MB")
    print(f"publish to sink p99: portevoix {middle('portevoix', 'p99_ms')} ms, floor {middle('floor', 'p99_ms')} ms "
          "(at most 5 on a quiet machine)")


main()
