//! Takes what the outbox keeps, hands it over to the networks, and keeps their receipts.

pub mod deliver;
pub mod kinds;
