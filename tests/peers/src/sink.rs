//! A webhook that counts what it gets.
