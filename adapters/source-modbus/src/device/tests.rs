use super::*;

/// The addresses on the wire of what everyone reads first.
#[test]
fn the_built_in_files_are_read() {
    let library = Library::built_in();
    for (device, point, table, at, kind, order) in [
        ("eastron-sdm630", "power-total", Table::Input, 52, As::Float32, Order::ABCD),
        ("schneider-iem3000", "power-total", Table::Holding, 3_059, As::Float32, Order::ABCD),
        ("schneider-pm5000", "energy-import", Table::Holding, 3_203, As::Int64, Order::ABCD),
        ("abb-b23", "power-total", Table::Holding, 0x5B14, As::Int32, Order::ABCD),
        ("siemens-pac3200", "energy-import", Table::Holding, 801, As::Float64, Order::ABCD),
        ("carlo-gavazzi-em24", "energy-import", Table::Input, 0x3E, As::Int32, Order::CDAB),
        ("carlo-gavazzi-em24-ethernet", "energy-import", Table::Input, 0x34, As::Int32, Order::CDAB),
    ] {
        let target = library.find(device, point).unwrap();
        let Target::Known { table: found, start, form, .. } = target else { panic!("{device}") };
        assert_eq!((found, start, form.kind, form.order), (table, at, kind, order), "{device} {point}");
    }
    assert_eq!(BUILT_IN.len() + 1, library.names().len(), "all of them, and SunSpec");
}

/// No two points of a file overlap, and every file says where it has its addresses from.
#[test]
fn the_built_in_files_are_consistent() {
    for (name, text) in BUILT_IN {
        let device = Device::parse(text).unwrap();
        assert_eq!(device.tier, "documented", "{name}: no device was at hand");
        let head: String = text.lines().take_while(|line| line.starts_with('#')).collect();
        assert!(head.contains("Source") && head.contains("Tier"), "{name}");
        let mut taken: BTreeMap<(Table, u16), &str> = BTreeMap::new();
        for point in device.point.keys() {
            let Ok(Target::Known { table, start, form, .. }) = device.target(point) else {
                panic!("{point}")
            };
            for at in start..start + form.registers {
                let other = taken.insert((table, at), point);
                assert_eq!(other, None, "{name}: {point} lies on {other:?}");
            }
        }
        assert!(device.point.len() >= 10, "{name}");
        assert!(
            device.point.contains_key("power-total") && device.point.contains_key("energy-import"),
            "{name}"
        );
    }
}

#[test]
fn what_is_not_there_is_told_with_what_there_is() {
    let library = Library::built_in();
    let fault = library.find("eastron-sdm63", "power-total").unwrap_err();
    assert!(fault.key == "device" && fault.message.contains("eastron-sdm630"), "{fault:?}");
    let fault = library.find("eastron-sdm630", "power").unwrap_err();
    assert!(fault.key == "point" && fault.message.contains("power-total"), "{fault:?}");
}

#[test]
fn a_wrong_device_file_is_refused() {
    let head = "maker = 'A'\nmodel = 'B'\ntier = 'documented'\ntable = 'input'\n";
    assert!(Device::parse(&format!("{head}[point]\np = {{ at = 1, as = 'int16' }}")).is_ok());
    for wrong in [
        "[point]\np = { at = 1 }",
        "[point]\np = { at = 65535, as = 'int32' }",
        "[point]\np = { at = 1, as = 'string' }",
        "[point]\np = { at = 1, as = 'int16', length = 2 }",
        "[point]\np = { at = 1, as = 'int16', step = 0 }",
        "[point]\np = { at = 1, as = 'int16', stepp = 1 }",
        "request_max = 0\n[point]\np = { at = 1, as = 'int16' }",
        "order = 'AB'\n[point]\np = { at = 1, as = 'int16' }",
        "",
    ] {
        assert!(Device::parse(&format!("{head}{wrong}")).is_err(), "{wrong}");
    }
}

#[test]
fn a_folder_adds_files_and_stands_over_what_is_built_in() {
    let folder = std::env::temp_dir().join(format!("portevoix-devices-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let text = "maker = 'A'\nmodel = 'B'\ntier = 'documented'\ntable = 'coil'\n[point]\nrun = { at = 7, as = 'uint16' }";
    std::fs::write(folder.join("our-drive.toml"), text).unwrap();
    std::fs::write(folder.join("eastron-sdm630.toml"), text).unwrap();
    std::fs::write(folder.join("notes.txt"), "not a device").unwrap();
    let library = Library::with_folder(&folder).unwrap();
    assert!(library.find("our-drive", "run").is_ok() && library.find("eastron-sdm630", "run").is_ok());
    std::fs::write(folder.join("bad.toml"), "maker = 3").unwrap();
    let wrong = Library::with_folder(&folder).unwrap_err();
    assert!(wrong.contains("bad.toml"), "{wrong}");
    std::fs::remove_dir_all(&folder).unwrap();
}
