//! Keeps the rooms honest: who may import whom. Reports sizes as a mirror.
