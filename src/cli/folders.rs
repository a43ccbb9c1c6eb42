//! Where things lie when nobody says: the folders of systemd, else those of the person who starts us.

use std::path::PathBuf;

fn folder(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The configuration.
pub fn config() -> PathBuf {
    folder("CONFIGURATION_DIRECTORY").unwrap_or_else(|| PathBuf::from("/etc/portevoix"))
}

/// Where the unit of the package keeps its state.
const OF_SERVICE: &str = "/var/lib/portevoix";

/// What must outlive a restart: the option, else systemd's folder, else the file's, else that of the installed
/// service, else the user's own.
pub fn state(option: Option<&PathBuf>, configured: Option<&PathBuf>) -> PathBuf {
    let of_user =
        || folder("XDG_STATE_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/state")));
    option
        .cloned()
        .or_else(|| folder("STATE_DIRECTORY"))
        .or_else(|| configured.cloned())
        .or_else(|| Some(PathBuf::from(OF_SERVICE)).filter(|folder| folder.is_dir()))
        .or_else(|| of_user().map(|folder| folder.join("portevoix")))
        .unwrap_or_else(|| PathBuf::from("portevoix-state"))
}

/// What may be forgotten at a restart: systemd's folder in memory, else the state folder.
pub fn runtime(state: &std::path::Path) -> PathBuf {
    folder("RUNTIME_DIRECTORY").or_else(|| service_runtime(state)).unwrap_or_else(|| state.to_owned())
}

/// `doctor` is not started by systemd: the service with systemd's state folder has systemd's runtime folder.
fn service_runtime(state: &std::path::Path) -> Option<PathBuf> {
    let is_service = state.starts_with(OF_SERVICE) || state.starts_with("/var/lib/private/portevoix");
    is_service.then(|| PathBuf::from("/run/portevoix")).filter(|folder| folder.is_dir())
}
