//! The conformance kit and the adapter's own tests: a system that keeps the rules of several, and Tryton.

#[path = "kit/bench.rs"]
mod bench;
#[path = "kit/erp.rs"]
mod erp;
#[path = "kit/hooks.rs"]
mod hooks;
#[path = "kit/lists.rs"]
mod lists;
#[path = "kit/refusals.rs"]
mod refusals;
#[path = "kit/tables.rs"]
mod tables;
#[path = "kit/tryton.rs"]
mod tryton;

use contract::kit::source as kit;

use crate::bench::RealBench;

#[tokio::test]
async fn connects() {
    kit::connects(RealBench::start()).await;
}

#[tokio::test]
async fn is_lost_before_it_connects() {
    kit::is_lost_before_it_connects(RealBench::start()).await;
}

#[tokio::test]
async fn values_arrive_in_order() {
    kit::values_arrive_in_order(RealBench::start()).await;
}

#[tokio::test]
async fn dropping_next_loses_nothing() {
    kit::dropping_next_loses_nothing(RealBench::start()).await;
}

#[tokio::test]
async fn an_old_ticket_is_no_error() {
    kit::an_old_ticket_is_no_error(RealBench::start()).await;
}

#[tokio::test]
async fn survives_a_cut() {
    kit::survives_a_cut(RealBench::start()).await;
}
