//! Takes a claim that a person wrote about a machine, gives whether it is so: true, false, or unknown.
//!
//! The language is a subset of CEL (<https://cel.dev>), in syntax and meaning: what is known here is what CEL says.
//! A claim is read once, when the configuration is; names become slots, types and units are checked, and every
//! mistake is told with its place. `tests/oracle.rs` holds the promise against the `cel` crate.
//!
//! Two things are ours. What is an error in CEL, or a number that is not finite, is unknown. And of the functions
//! `duration` alone is CEL's: the others would be registered there, `any`, `all` and `n_of` of a place as macros.
//!
//! Deliberately absent: loops, maps, methods, CEL's macros, `null`, text made of text. A rule that needs these is a
//! program and belongs into `source-exec`.
//!
//! ```text
//! text ─ lexer ─> tokens ─ parser ─> tree ─ compile ─> code ─ evaluate ─> true, false, unknown
//!                                            names ┘               memory: slots, windows, since
//! ```

pub mod code;
pub mod compile;
pub mod evaluate;
pub mod functions;
pub mod lexer;
pub mod memory;
pub mod mistake;
pub mod names;
mod operators;
pub mod parser;
pub mod section;
pub mod windows;

pub use code::{Expression, Function, Slot, WindowUse};
pub use compile::compile;
pub use evaluate::{Given, Heard, Values};
pub use mistake::{Mistake, Span};
pub use names::{Holds, Machine, Name, NameKind, Names};
pub use section::{Rule, Section};

#[cfg(test)]
mod tests;
