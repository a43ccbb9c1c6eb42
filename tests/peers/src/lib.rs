//! Peers of the tests: real servers started and stopped, and fakes that keep the real servers' rules.

pub mod browser;
pub mod looked;
pub mod mattermost;
pub mod mosquitto;
pub mod sink;
