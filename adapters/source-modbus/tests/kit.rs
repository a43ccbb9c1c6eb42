//! The conformance kit and the adapter's own tests, against pymodbus over TCP and over a serial line (a pair of pseudo
//! terminals), and against libmodbus. Every peer panics if it is ever asked for a function that is not a reading one.

#[path = "kit/bench.rs"]
mod bench;
#[path = "kit/libmodbus.rs"]
mod libmodbus;
#[path = "kit/probes.rs"]
mod probes;
#[path = "kit/reads.rs"]
mod reads;
#[path = "kit/tables.rs"]
mod tables;

use contract::kit::source as kit;

use crate::bench::{SerialBench, TcpBench};

/// The kit, for one kind of line.
macro_rules! kit {
    ($module:ident, $bench:ident) => {
        mod $module {
            use super::*;

            #[tokio::test]
            async fn connects() {
                kit::connects($bench::start().await).await;
            }

            #[tokio::test]
            async fn is_lost_before_it_connects() {
                kit::is_lost_before_it_connects($bench::start().await).await;
            }

            #[tokio::test]
            async fn values_arrive_in_order() {
                kit::values_arrive_in_order($bench::start().await).await;
            }

            #[tokio::test]
            async fn dropping_next_loses_nothing() {
                kit::dropping_next_loses_nothing($bench::start().await).await;
            }

            #[tokio::test]
            async fn unsettled_is_given_again() {
                kit::unsettled_is_given_again($bench::start().await).await;
            }

            #[tokio::test]
            async fn settled_is_not_given_again() {
                kit::settled_is_not_given_again($bench::start().await).await;
            }

            #[tokio::test]
            async fn an_old_ticket_is_no_error() {
                kit::an_old_ticket_is_no_error($bench::start().await).await;
            }

            #[tokio::test]
            async fn survives_a_cut() {
                kit::survives_a_cut($bench::start().await).await;
            }
        }
    };
}

kit!(tcp, TcpBench);
kit!(serial, SerialBench);
