"""An edge node of pysparkplug: sparkplug_edge.py PORT stock|rebirth. Ends cleanly on SIGTERM.

The library does not answer a request for a rebirth by itself: "rebirth" does it as an integrator would write it.
"""
import itertools
import signal
import sys
import time

import pysparkplug as psp

port, mode = int(sys.argv[1]), sys.argv[2]
now = psp.get_current_timestamp
asked = stopped = False


def metric(name, datatype, value, **more):
    return psp.Metric(timestamp=now(), name=name, datatype=datatype, value=value, **more)


def command(_, message):
    global asked
    for said in message.payload.metrics:
        asked |= said.name == "Node Control/Rebirth" and bool(said.value)


def stop(*_):
    global stopped
    stopped = True


signal.signal(signal.SIGTERM, stop)
types = psp.DataType
own = [
    metric("Node Control/Rebirth", types.BOOLEAN, False),
    metric("firmware", types.STRING, "2.4.1"),
    metric("cpu", types.FLOAT, 12.5),
]
pieces = 4294967290
press = [
    metric("temperature", types.DOUBLE, 61.25),
    metric("pieces", types.UINT32, pieces),
    metric("state", types.INT32, -3),
    metric("alarm", types.BOOLEAN, False),
    metric("order", types.STRING, "OF-2026-00123"),
    metric("torque", types.FLOAT, None, is_null=True),
]
client = psp.Client(client_id=f"edge-{port}")
node = psp.EdgeNode("Usine1", "ligne-3", metrics=own, client=client, cmd_callback=command)
node.register(psp.Device("presse-07", metrics=press))


def publish(kind, payload, device=None):
    topic = psp.Topic(message_type=kind, group_id="Usine1", edge_node_id="ligne-3", device_id=device)
    message = psp.Message(topic=topic, payload=payload, qos=psp.QoS.AT_MOST_ONCE, retain=False)
    client.publish(message, include_dtypes=True)


def rebirth():
    node._EdgeNode__seq_cycler = itertools.cycle(range(256))
    metrics = (*node._metrics.values(), metric("bdSeq", types.INT64, 0))
    publish(psp.MessageType.NBIRTH, psp.NBirth(timestamp=now(), seq=node._seq, metrics=metrics))
    for name, device in node._devices.items():
        born = psp.DBirth(timestamp=now(), seq=node._seq, metrics=tuple(device.metrics.values()))
        publish(psp.MessageType.DBIRTH, born, name)


while True:
    # The broker may be on its way back.
    try:
        node.connect("127.0.0.1", port=port, blocking=False)
        break
    except OSError:
        time.sleep(0.05)
print("runs", flush=True)
while not stopped:
    time.sleep(0.1)
    if asked and mode == "rebirth":
        asked = False
        print("reborn", flush=True)
        rebirth()
    pieces = (pieces + 1) % 2**32
    node.update_device("presse-07", [metric("temperature", types.DOUBLE, 60 + pieces % 7), metric("pieces", types.UINT32, pieces)])
node.deregister("presse-07")
node.disconnect()
