//! Peers of the tests: real servers started and stopped, and fakes that keep the real servers' rules.

pub mod browser;
pub mod faults;
pub mod foreign;
pub mod front;
pub mod looked;
pub mod mattermost;
pub mod modbus;
pub mod mosquitto;
pub mod opcua;
mod serve;
pub mod sftp;
pub mod sink;
pub mod sparkplug;
pub mod sql;
pub mod synapse;
pub mod tryton;
