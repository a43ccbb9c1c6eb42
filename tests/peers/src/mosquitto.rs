//! A real mosquitto from Debian, started on loopback, killed and restarted.
