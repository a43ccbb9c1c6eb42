//! portevoix: machines and business systems speak in the company's social network.
//!
//! A **source** gives samples; **reading** gives them a meaning; a **rule** judges; an **episode** is what
//! begins, lives and ends; a **post** says it; the **outbox** keeps it; a **network** shows it.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod episode;
pub mod network;
pub mod outbox;
pub mod post;
pub mod production;
pub mod reading;
pub mod replay;
pub mod rule;
pub mod shift;
pub mod source;
pub mod store;
pub mod trial;
pub mod turn;
pub mod watchdog;
