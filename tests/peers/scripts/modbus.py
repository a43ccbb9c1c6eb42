"""A Modbus server of pymodbus, over TCP and, if a serial port is named, over RTU with the same registers.

Usage: modbus.py TCP_PORT [SERIAL_PORT]

Unit 1  holding 0..99: what the test writes, first 0.
Unit 2  Eastron SDM630: input registers, floats ABCD.
Unit 3  a drive: int16, bits, a CDAB counter, text, BCD.
Unit 4  SunSpec at 40000: models 1, 103 and 160.
Unit 5  coils and discrete inputs.
Other units are not there: pymodbus answers nothing for them.
"""

import asyncio
import struct
import sys

from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import SimData, SimDevice
from pymodbus.simulator.simutils import DataType


def words(bytes_):
    return list(struct.unpack(f">{len(bytes_) // 2}H", bytes_))


def f32(value):
    return words(struct.pack(">f", value))


def text(value, registers):
    return words(value.encode().ljust(2 * registers, b"\0"))


def block(start, registers):
    kind = DataType.REGISTERS if hasattr(DataType, "REGISTERS") else DataType.UINT16
    return SimData(start, values=registers, datatype=kind)


def no_bits():
    return [SimData(0, values=[False] * 16, datatype=DataType.BITS)]


def sdm630():
    held = [0] * 400
    for at, value in {0: 230.2, 2: 229.8, 4: 230.4, 6: 12.1, 12: 2700.0, 52: 8150.0, 70: 50.01, 72: 1234.5,
                      74: 7.25, 342: 1241.75}.items():
        held[at:at + 2] = f32(value)
    return SimDevice(2, simdata=(no_bits(), no_bits(), [block(0, [0] * 10)], [block(0, held)]))


def drive():
    held = [0] * 40
    held[0:4] = [0x0637, (-125) & 0xFFFF, 498, 0x8000]
    held[10:12] = [0x0001, 0xFFFF]              # 4294901761 as CDAB
    held[12:14] = words(bytes.fromhex("12345678"))
    held[14:18] = words(struct.pack(">d", 1234.5))
    held[20:24] = text("iEM3155", 4)
    held[24:26] = f32(50.01)[::-1]              # CDAB
    held[26:28] = words(struct.pack("<f", 50.01))   # DCBA
    held[28:30] = [0x7FC0, 0]                   # NaN
    return SimDevice(3, [block(100, held)])


def sunspec():
    held = words(b"SunS") + [1, 66] + text("TestMaker", 16) + text("INV-10K", 16) + text("", 8)
    held += text("1.0.3", 8) + text("SN0001", 16) + [1, 0x8000]
    inverter = [103, 50, 215, 72, 71, 72, (-1) & 0xFFFF, 3990, 3985, 4001, 2301, 2298, 2310, (-1) & 0xFFFF]
    inverter += [4920, 0, 5001, (-2) & 0xFFFF]
    inverter += [0x8000] * 6                    # VA, VAr, PF and their factors: not implemented
    inverter += [0x0012, 0xD687, 0]             # WH 1234567
    inverter += [0xFFFF] * (52 - len(inverter))
    mppt = [160, 48, (-2) & 0xFFFF, (-1) & 0xFFFF, 1, 0, 0, 0, 2, 0]
    for name, amps, volts, power in (("A", 512, 4100, 210), ("B", 498, 4090, 204)):
        mppt += [1] + text(name, 8) + [amps, volts, power, 0, 100, 0, 0, 35, 4, 0, 0]
    return SimDevice(4, [block(40000, held + inverter + mppt + [0xFFFF, 0])])


def bits():
    pattern = [n % 3 == 0 for n in range(64)]
    coils = [SimData(0, values=pattern, datatype=DataType.BITS)]
    discrete = [SimData(0, values=[not bit for bit in pattern], datatype=DataType.BITS)]
    return SimDevice(5, simdata=(coils, discrete, [block(0, [7])], [block(0, [8])]), use_bit_addressing=True)


async def main():
    devices = [SimDevice(1, [block(0, [0] * 100)]), sdm630(), drive(), sunspec(), bits()]
    tcp = ModbusTcpServer(devices, address=("127.0.0.1", int(sys.argv[1])), ignore_missing_devices=True)
    servers = [tcp.serve_forever()]
    if len(sys.argv) > 2:
        serial = ModbusSerialServer(devices, port=sys.argv[2], baudrate=19200, parity="N", ignore_missing_devices=True)
        serial.context = tcp.context            # the same registers behind both lines
        servers.append(serial.serve_forever())
    tasks = [asyncio.create_task(server) for server in servers]
    await asyncio.sleep(0.3)
    print("modbus up", flush=True)
    await asyncio.gather(*tasks)


asyncio.run(main())
