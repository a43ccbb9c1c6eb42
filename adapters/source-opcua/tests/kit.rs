//! The conformance kit and the adapter's own tests, against real servers of asyncua and node-opcua.

#[path = "kit/bench.rs"]
mod bench;

use contract::kit::source as kit;

use crate::bench::RealBench;

macro_rules! kit {
    ($($name:ident),*) => {
        $(
            #[tokio::test]
            async fn $name() {
                kit::$name(RealBench::start().await).await;
            }
        )*
    };
}

kit!(
    connects,
    is_lost_before_it_connects,
    values_arrive_in_order,
    dropping_next_loses_nothing,
    unsettled_is_given_again,
    settled_is_not_given_again,
    an_old_ticket_is_no_error,
    survives_a_cut
);
