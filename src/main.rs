//! The one binary. See `portevoix --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    portevoix::cli::main()
}
