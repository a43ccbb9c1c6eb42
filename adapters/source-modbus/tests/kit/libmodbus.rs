//! A second implementation: libmodbus 3.1.6, in a server of a few lines that is compiled here.

use std::process::Command;

use contract::{Quality, Value};
use peers::foreign::{Folder, Server, free_port, script};
use serde_json::json;

use crate::bench::make;

#[tokio::test]
async fn libmodbus_is_read_and_its_order_has_another_name() {
    let state = Folder::new("libmodbus");
    let program = state.path().join("server");
    let compiled = Command::new("cc")
        .args([script("modbus-lm.c").as_str(), "-I/usr/include/modbus", "-lmodbus", "-o"])
        .arg(&program)
        .output()
        .expect("a C compiler");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let port = free_port();
    let _server = Server::start(&program, &[&port.to_string()], "libmodbus up").await;
    let tags = [
        json!({"input": 70, "as": "float32", "order": "BADC"}),
        json!({"register": "30081", "as": "float32", "order": "CDAB"}),
        json!({"input": 90, "as": "uint16"}),
        json!({"coil": 3}),
    ];
    let settings = json!({"url": format!("tcp://127.0.0.1:{port}"), "every": "20ms", "gap": 30});
    let mut source = make(state.path(), settings, &tags);
    source.connect().await.expect("connected");
    let batch = source.next().await.expect("a batch");
    let fifty = Value::Number(f64::from(50.01_f32));
    let read: Vec<_> =
        batch.samples.iter().map(|sample| (sample.tag.0, &sample.value, &sample.quality)).collect();
    for (tag, value) in [(0, fifty.clone()), (1, fifty), (2, Value::Number(1_234.0)), (3, Value::Flag(true))]
    {
        assert!(read.contains(&(tag, &value, &Quality::Good)), "tag {tag}: {read:?}");
    }
}
