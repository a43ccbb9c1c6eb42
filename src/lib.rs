//! portevoix
