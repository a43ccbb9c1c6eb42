//! What a probe writes is a whole plant: a person can check and run it as it stands, or take the part that is new.

use contract::suggest::quoted;

/// The tables of a probe, with the site and the network that a plant needs.
pub fn whole(timezone: &str, language: &str, tables: &str) -> String {
    format!(
        "# A whole plant, to begin with: `portevoix check --config FILE`, then `portevoix run --config FILE` and\n\
         # http://127.0.0.1:8080. Where there is a configuration already, add what stands below the network to it.\n\
         \n\
         [site]\n\
         name = \"My site\"\n\
         language = {}\n\
         timezone = {}\n\
         \n\
         [network.wall.local]\n\
         \n\
         {}",
        quoted(language),
        quoted(timezone),
        tables.trim_end()
    )
}

/// The zone of this computer.
pub fn timezone() -> String {
    jiff::tz::TimeZone::system().iana_name().unwrap_or("UTC").to_owned()
}

/// What posts would be written in, by the words that this computer speaks.
pub fn language() -> &'static str {
    let spoken = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(std::env::var_os);
    let spoken = spoken.into_iter().find(|words| !words.is_empty());
    let is_french = spoken.is_some_and(|words| words.to_string_lossy().starts_with("fr"));
    if is_french { "fr" } else { "en" }
}
