"""An OPC UA server of asyncua for the tests of source-opcua, steered over a second port.

usage: opcua_server.py PORT STEERING_PORT [key=value ...]
  user=FILE                    with security=secure: the user with this certificate (DER), and no password
  security=plain|secure|open   which endpoints: None alone, SignAndEncrypt with user and password, or both
  nodes=N                      press.0 ... press.N-1 beside the usual ones
  namespaces=a,b,c             URIs in the order in which they are registered; the press is in urn:plant
  without=name,name            nodes that are left out
  certificate=name             the file of its certificate; made when it is not there
  days=N                       how long a new certificate is valid; negative: it has expired
  rate=MS                      all press.N change so often
  host=name                    the host that its certificate and its endpoints name

The steering port takes one line at a time and answers with one:
  set NAME VALUE | status NAME CODE | event TEXT | alarm NAME ACTIVE TEXT | delete NAME | services | sessions | overflow
"""
import asyncio
import datetime
import ipaddress
import json
import sys
from collections import Counter
from pathlib import Path

from asyncua import Server, ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server import uaprocessor
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PORT, STEERING = int(sys.argv[1]), int(sys.argv[2])
OPTIONS = dict(argument.split("=", 1) for argument in sys.argv[3:])
if Path("options").exists():
    # What is otherwise after a restart.
    OPTIONS.update(line.split("=", 1) for line in Path("options").read_text().splitlines() if line)
PLANT, URI = "urn:plant", "urn:portevoix:peer"
SERVICES, METHODS = Counter(), Counter()
HOST = OPTIONS.get("host", "127.0.0.1")


def count_services():
    """Counts what every client asks for, before the server looks at it."""
    before = uaprocessor.UaProcessor._process_message

    async def counted(self, typeid, requesthdr, seqhdr, body):
        name = ua.ObjectIdNames.get(typeid.Identifier, str(typeid.Identifier)).split("_")[0]
        SERVICES[name] += 1
        if name == "CallRequest":
            for call in ua.ua_binary.struct_from_binary(ua.CallParameters, body.copy()).MethodsToCall:
                METHODS[call.MethodId.to_string()] += 1
        return await before(self, typeid, requesthdr, seqhdr, body)

    uaprocessor.UaProcessor._process_message = counted


def make_certificate(path, key_path):
    days = int(OPTIONS.get("days", "365"))
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = datetime.datetime.now(datetime.timezone.utc)
    start, end = (now - datetime.timedelta(days=1), now + datetime.timedelta(days=days)) if days > 0 else (
        now - datetime.timedelta(days=30), now + datetime.timedelta(days=days))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "portevoix peer")])
    try:
        host = x509.IPAddress(ipaddress.ip_address(HOST))
    except ValueError:
        host = x509.DNSName(HOST)
    usage = x509.KeyUsage(True, True, True, True, False, True, False, False, False)
    built = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
             .serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
             .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(URI), host]), False)
             .add_extension(x509.BasicConstraints(False, None), True).add_extension(usage, True)
             .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH,
                                                   ExtendedKeyUsageOID.CLIENT_AUTH]), False)
             .sign(key, hashes.SHA256()))
    path.write_bytes(built.public_bytes(serialization.Encoding.DER))
    key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))


class Users:
    def get_user(self, iserver, username=None, password=None, certificate=None):
        if "user" in OPTIONS:
            if not isinstance(certificate, bytes):
                certificate = certificate and certificate.public_bytes(serialization.Encoding.DER)
            return User(role=UserRole.User) if certificate == Path(OPTIONS["user"]).read_bytes() else None
        if username is None:
            return User(role=UserRole.User) if OPTIONS.get("security") != "secure" else None
        return User(role=UserRole.User, name=username) if (username, password) == ("bridge", "s3cret") else None


async def secure(server):
    security = OPTIONS.get("security", "plain")
    kinds = ua.SecurityPolicyType
    if security == "plain":
        server.set_security_policy([kinds.NoSecurity])
        return
    path = Path(OPTIONS.get("certificate", "server") + ".der")
    key = path.with_suffix(".pem")
    if not path.exists():
        make_certificate(path, key)
    await server.load_certificate(str(path))
    await server.load_private_key(str(key))
    some = [kinds.Basic256Sha256_SignAndEncrypt, kinds.Basic256Sha256_Sign]
    server.set_security_policy(some if security == "secure" else [kinds.NoSecurity, *some])
    if security == "secure":
        server.set_identity_tokens([ua.X509IdentityToken if "user" in OPTIONS else ua.UserNameIdentityToken])


class Plant:
    def __init__(self, server):
        self.server, self.nodes, self.conditions = server, {}, {}

    async def build(self):
        for uri in OPTIONS.get("namespaces", PLANT).split(","):
            await self.server.register_namespace(uri)
        self.index = await self.server.get_namespace_index(PLANT)
        objects = self.server.nodes.objects
        self.press = await objects.add_object(ua.NodeId("Press", self.index), f"{self.index}:Press 3")
        await self.press.set_event_notifier([ua.EventNotifier.SubscribeToEvents])
        without = OPTIONS.get("without", "").split(",")
        some = {"oil": 0.0, "speed": 0.0, "profile": [1.0, 2.5, 4.0], "order": "OF-2026-00123", "running": True}
        some.update({f"press.{number}": 0.0 for number in range(int(OPTIONS.get("nodes", "0")))})
        for name, value in some.items():
            if name not in without:
                await self.add(name, value)
        self.events = await self.server.get_event_generator(ua.ObjectIds.BaseEventType, self.press)
        self.alarm = await self.server.get_event_generator(ua.ObjectIds.AlarmConditionType, self.press)
        self.overflow = await self.server.get_event_generator(ua.ObjectIds.EventQueueOverflowEventType, self.press)

    async def add(self, name, value):
        kind = {float: ua.VariantType.Double, list: ua.VariantType.Double, str: ua.VariantType.String,
                bool: ua.VariantType.Boolean}[type(value)]
        node = ua.NodeId(name, self.index)
        self.nodes[name] = await self.press.add_variable(node, f"{self.index}:{name}", ua.Variant(value, kind))

    async def steer(self, line):
        word, _, rest = line.partition(" ")
        if word == "set":
            name, _, value = rest.partition(" ")
            if name not in self.nodes:
                await self.add(name, 0.0)
            await self.nodes[name].write_value(ua.Variant(json.loads(value), ua.VariantType.Double))
        elif word == "status":
            name, code = rest.split()
            value = ua.DataValue(ua.Variant(7.5, ua.VariantType.Double), ua.StatusCode(int(code, 0)))
            await self.nodes[name].write_value(value)
        elif word == "event":
            self.events.event.Message = ua.LocalizedText(rest)
            await self.events.trigger()
        elif word == "alarm":
            name, active, text = rest.split(" ", 2)
            event = self.alarm.event
            event.ConditionName, event.Message, event.Severity = name, ua.LocalizedText(text), 700
            event.Retain = active == "true"
            event.BranchId = ua.NodeId()
            setattr(event, "ActiveState/Id", active == "true")
            setattr(event, "AckedState/Id", True)
            setattr(event, "EnabledState/Id", True)
            await self.alarm.trigger()
        elif word == "overflow":
            await self.overflow.trigger()
        elif word == "delete":
            await self.server.delete_nodes([self.nodes.pop(rest)])
        elif word == "sessions":
            return str(sum(1 for one in self.server.bserver.clients if one.processor.session is not None))
        elif word == "services":
            return json.dumps({"services": SERVICES, "methods": METHODS})
        else:
            return f"unknown: {word}"
        return "ok"

    async def serve(self, reader, writer):
        try:
            while line := await reader.readline():
                try:
                    answer = await self.steer(line.decode().strip())
                except Exception as error:
                    answer = f"error: {error!r}"
                writer.write(answer.encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            pass


async def change_all(plant, every):
    count = 0.0
    some = [node for name, node in plant.nodes.items() if name.startswith("press.")]
    due = asyncio.get_running_loop().time()
    while True:
        count += 1.0
        for node in some:
            await node.write_value(ua.Variant(count, ua.VariantType.Double))
        due += every
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))


async def main():
    count_services()
    server = Server(user_manager=Users())
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{PORT}/plant/")
    await server.set_application_uri(URI)
    server.name = "portevoix peer"
    await secure(server)
    plant = Plant(server)
    await plant.build()
    async with server:
        await asyncio.start_server(plant.serve, "127.0.0.1", STEERING)
        print("listening", flush=True)
        rate = float(OPTIONS.get("rate", "0")) / 1000
        await (change_all(plant, rate) if rate else asyncio.Event().wait())


asyncio.run(main())
