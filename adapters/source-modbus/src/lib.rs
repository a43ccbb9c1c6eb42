//! Reads machines over Modbus TCP, RTU and RTU over TCP.
