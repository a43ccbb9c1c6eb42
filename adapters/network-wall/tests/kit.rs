//! The wall in front of a real browser, and its promises as a network.

#[path = "kit/browser.rs"]
mod browser;
#[path = "kit/hall.rs"]
mod hall;
#[path = "kit/plant.rs"]
mod plant;
#[path = "kit/served.rs"]
mod served;
#[path = "kit/store.rs"]
mod store;
