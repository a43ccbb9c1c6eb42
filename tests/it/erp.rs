//! From an ERP of other people's code to records: Tryton exports its production orders as its users do, and a list of
//! the configuration reads them.

use std::time::Duration;

use contract::{Event, FieldKind, ListAddress, Reads, Setup, Source, Value};
use peers::foreign::Folder;
use peers::tryton::Tryton;
use portevoix::config::{self, Plan};

/// The longest that reading a file may take.
const PATIENCE: Duration = Duration::from_secs(60);

const PLANT: &str = r#"
[site]
name = "Usine de Vitré"
language = "fr"
timezone = "Europe/Paris"

[network.wall.local]

[source.files.erp]
folder = "FOLDER"
every = "100ms"
still = "200ms"

[machine.press-3]
name = "Presse 3"

[list.orders]
source = "erp"
name.fr = "OF"
files = "of*.csv"
whole = true
format.csv = { delimiter = ";", encoding = "windows-1252", decimal = "," }
key = ["number"]
shown = ["product", "quantity"]

[list.orders.field]
number = { from = "Numéro" }
product = { from = "Produit", name.fr = "article" }
quantity = { from = "Quantité", type = "number", unit = "pièces", name.fr = "quantité" }
planned = { from = "Date prévue", type = "time", format = "%d/%m/%Y" }
state = { from = "État" }

[list.orders.rule.record.running]
while = { field = "state", is = ["running"] }
say.fr = "en cours"
"#;

/// The source of a plan, as the program makes it.
fn source(plan: &mut Plan, folder: &Folder) -> Box<dyn Source> {
    let list = plan.lists.remove(0);
    let key = list.section.key.iter().filter_map(|field| list.section.index(field)).collect();
    let fields = list.section.fields();
    let address = ListAddress { id: list.id, name: list.name, fields, key, address: list.address };
    let setup = Setup { name: "erp", site: &plan.site, state: folder.path() };
    let source = plan.sources.remove(0);
    let reads = Reads { tags: Vec::new(), lists: vec![address] };
    source.kind.build(&setup, source.settings, reads).expect("a source")
}

#[tokio::test]
async fn orders_that_an_erp_exports_become_records() {
    let erp = Tryton::start().await;
    let (folder, state) = (Folder::new("export"), Folder::new("state"));
    let text = PLANT.replace("FOLDER", &folder.path().display().to_string());
    let mut plan = config::read(vec![("plant.toml".into(), text)]).expect("a plan");
    let kinds: Vec<FieldKind> = plan.lists[0].section.fields().into_iter().map(|field| field.kind).collect();
    assert_eq!(kinds.len(), 5);
    let mut source = source(&mut plan, &state);
    source.connect().await.expect("connected");
    erp.export(&folder.path().join("of.csv"), "cp1252");
    let read = async {
        let mut events = Vec::new();
        loop {
            let batch = source.next().await.expect("a batch");
            assert_eq!(batch.notices, []);
            events.extend(batch.events);
            if let Some(ticket) = batch.ticket {
                source.settle(ticket).await.expect("settled");
            }
            if matches!(events.last(), Some(Event::Whole(_))) {
                return events;
            }
        }
    };
    let events = tokio::time::timeout(PATIENCE, read).await.expect("the export is read in time");
    let records = events.iter().filter_map(|event| match event {
        Event::Record(record) => Some(record),
        _ => None,
    });
    // The fields stand in the order of their names: number, planned, product, quantity, state.
    let quantities: Vec<_> = records.clone().map(|record| record.fields[3].clone()).collect();
    assert_eq!(quantities, [10.0, 25.0, 40.0].map(|quantity| Some(Value::Number(quantity))));
    for record in records {
        assert!(matches!(record.fields[1], Some(Value::Time(_))), "{record:?}");
        assert!(matches!(&record.fields[2], Some(Value::Text(words)) if !words.is_empty()), "{record:?}");
    }
    // What was read is put away, and nothing else is left.
    assert!(!folder.path().join("of.csv").exists() && folder.path().join("done/of.csv").exists());
}
