//! What adapters that speak HTTP share: one careful client, what an answer means for a post, words made harmless for
//! the markups of others, and the bounded door of those that listen.
//!
//! The client follows no redirect, reads no proxy from the environment, takes at most 1 MiB of an answer, ends
//! within 30 s whatever the server does, and refuses addresses that only a cloud's metadata service has.
//!
//! Deliberately absent: retrying, back-off, pace. The `network` room does them, for all networks.

mod address;
mod client;
mod door;
mod fetch;
mod judge;
pub mod markup;
pub mod write;

pub use address::{check_url, in_the_clear, secrets_in_the_file};
pub use client::{Answer, Client, Connection, install_crypto, read_certificates};
pub use door::{Bounds, Door};
pub use fetch::{FetchError, Fetched};
pub use judge::{brief, judge, reason_of, retry_after};
pub use reqwest::{Method, RequestBuilder, Url};
