//! The mutant: the library's own session, with the recovery that it has. It says that it is connected again.

use std::sync::Arc;
use std::time::Duration;

use contract::{Batch, Origin, Quality, Sample, Source, SourceError, TagId, Ticket, Value, async_trait};
use opcua::client::{ClientBuilder, DataChangeCallback, IdentityToken, Session};
use opcua::types::{EndpointDescription, MonitoredItemCreateRequest, NodeId, TimestampsToReturn, Variant};
use tokio::sync::mpsc;

/// A session that recovers by itself.
pub struct Library {
    _session: Arc<Session>,
    inbox: mpsc::UnboundedReceiver<f64>,
}

impl Library {
    /// Connects and subscribes to `oil`, once.
    pub async fn connect(url: &str) -> Library {
        let folder = std::env::temp_dir().join(format!("portevoix-opcua-library-{}", std::process::id()));
        let builder =
            ClientBuilder::new().application_name("mutant").application_uri("urn:mutant").pki_dir(folder);
        let builder = builder.session_retry_limit(-1).keep_alive_interval(Duration::from_secs(1));
        let builder =
            builder.session_retry_initial(Duration::from_millis(200)).max_failed_keep_alive_count(2);
        let mut client = builder.client().expect("a client");
        let endpoint: EndpointDescription = (url, "None", opcua::types::MessageSecurityMode::None).into();
        let connected = client.connect_to_matching_endpoint(endpoint, IdentityToken::Anonymous).await;
        let (session, events) = connected.expect("an endpoint");
        drop(events.spawn());
        session.wait_for_connection().await;
        let (sender, inbox) = mpsc::unbounded_channel();
        let callback = DataChangeCallback::new(move |data, _| {
            if let Some(Variant::Double(number)) = data.value {
                let _ = sender.send(number);
            }
        });
        let made =
            session.create_subscription(Duration::from_millis(50), 300, 20, 0, 0, true, callback).await;
        let item: MonitoredItemCreateRequest = NodeId::new(2, "oil").into();
        let items = session.create_monitored_items(
            made.expect("a subscription"),
            TimestampsToReturn::Both,
            vec![item],
        );
        items.await.expect("an item");
        Library { _session: session, inbox }
    }
}

#[async_trait]
impl Source for Library {
    async fn connect(&mut self) -> Result<(), SourceError> {
        Ok(())
    }

    async fn next(&mut self) -> Result<Batch, SourceError> {
        let number = self.inbox.recv().await.ok_or(SourceError::Ended)?;
        let sample = Sample {
            tag: TagId(0),
            value: Value::Number(number),
            quality: Quality::Good,
            at: None,
            origin: Origin::Live,
        };
        Ok(Batch { samples: vec![sample], ..Batch::default() })
    }

    async fn settle(&mut self, _: Ticket) -> Result<(), SourceError> {
        Ok(())
    }
}
