//! The wall in front of a real browser, and its promises as a network.

#[cfg(test)]
#[path = "kit/browser.rs"]
mod browser;
#[cfg(test)]
#[path = "kit/conformance.rs"]
mod conformance;
#[cfg(test)]
#[path = "kit/hall.rs"]
mod hall;
#[cfg(test)]
#[path = "kit/plant.rs"]
mod plant;
#[cfg(test)]
#[path = "kit/served.rs"]
mod served;
#[cfg(test)]
#[path = "kit/store.rs"]
mod store;
