//! Peers of the tests.
