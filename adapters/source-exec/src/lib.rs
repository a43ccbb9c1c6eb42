//! Reads whatever a program prints as JSON lines, in any language.
