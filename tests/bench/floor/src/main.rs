//! The least that workload W1 costs: one loop, no outbox, no journal, no words.

use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, Instant};

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[derive(Deserialize)]
struct Payload {
    v: f64,
    #[serde(default)]
    ts: f64,
}

#[derive(Default)]
struct Alarm {
    is_active: bool,
    since: Option<Instant>,
}

impl Alarm {
    /// True when the alarm begins with this value.
    fn judge(&mut self, value: f64, delay: Duration) -> bool {
        if self.is_active {
            self.is_active = value >= 75.0;
            return false;
        }
        if value <= 80.0 {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        self.is_active = since.elapsed() >= delay;
        self.is_active
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let broker: u16 = args.next().ok_or("usage: floor BROKER_PORT SINK_PORT")?.parse()?;
    let sink: u16 = args.next().ok_or("usage: floor BROKER_PORT SINK_PORT")?.parse()?;
    let (posts, mut queue) = tokio::sync::mpsc::channel::<String>(10_000);
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", sink)).await?;
    stream.set_nodelay(true)?;
    tokio::spawn(async move {
        let mut answer = [0u8; 512];
        while let Some(body) = queue.recv().await {
            let length = body.len();
            let request = format!("POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}");
            if stream.write_all(request.as_bytes()).await.is_err() || stream.read(&mut answer).await.is_err() {
                return;
            }
        }
    });
    let mut options = MqttOptions::new("floor", "127.0.0.1", broker);
    options.set_keep_alive(Duration::from_secs(60)).set_max_packet_size(1 << 20, 1 << 20);
    let (client, mut events) = AsyncClient::new(options, 100);
    client.subscribe("plant/#", QoS::AtMostOnce).await?;
    let mut alarms: HashMap<String, Alarm> = HashMap::new();
    loop {
        let Event::Incoming(Packet::Publish(publish)) = events.poll().await? else { continue };
        let Ok(Payload { v, ts }) = serde_json::from_slice(&publish.payload) else { continue };
        if !alarms.contains_key(&publish.topic) {
            alarms.insert(publish.topic.clone(), Alarm::default());
        }
        let delay = if publish.topic.starts_with("plant/alarm") { 0 } else { 2 };
        let alarm = alarms.get_mut(&publish.topic);
        if alarm.is_some_and(|alarm| alarm.judge(v, Duration::from_secs(delay))) {
            let _ = posts.try_send(format!("{{\"text\":\"{} is {v}, above 80\",\"ts\":{ts}}}", publish.topic));
        }
    }
}
