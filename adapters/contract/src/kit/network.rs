//! What every network must show.
