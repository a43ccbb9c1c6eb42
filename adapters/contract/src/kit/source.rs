//! What every source must show.
