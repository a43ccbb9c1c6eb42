//! The conformance kit and the adapter's own tests, against PostgreSQL and MariaDB.

#[path = "kit/bench.rs"]
mod bench;
#[path = "kit/lists.rs"]
mod lists;
#[path = "kit/refusals.rs"]
mod refusals;
#[path = "kit/tables.rs"]
mod tables;

use contract::kit::source as kit;
use peers::sql::Kind as Which;

use crate::bench::RealBench;

/// The kit, for one database.
macro_rules! kit {
    ($module:ident, $which:expr) => {
        mod $module {
            use super::*;

            #[tokio::test]
            async fn connects() {
                kit::connects(RealBench::start($which).await).await;
            }

            #[tokio::test]
            async fn is_lost_before_it_connects() {
                kit::is_lost_before_it_connects(RealBench::start($which).await).await;
            }

            #[tokio::test]
            async fn values_arrive_in_order() {
                kit::values_arrive_in_order(RealBench::start($which).await).await;
            }

            #[tokio::test]
            async fn dropping_next_loses_nothing() {
                kit::dropping_next_loses_nothing(RealBench::start($which).await).await;
            }

            #[tokio::test]
            async fn an_old_ticket_is_no_error() {
                kit::an_old_ticket_is_no_error(RealBench::start($which).await).await;
            }

            #[tokio::test]
            async fn survives_a_cut() {
                kit::survives_a_cut(RealBench::start($which).await).await;
            }

            #[tokio::test]
            async fn lists_keep_what_they_promise() {
                crate::lists::all($which).await;
            }

            #[tokio::test]
            async fn refusals_have_each_their_next_step() {
                crate::refusals::all($which).await;
            }
        }
    };
}

kit!(postgres, Which::Postgres);
kit!(mariadb, Which::Mariadb);
