//! The decoders, for a fuzzer.
