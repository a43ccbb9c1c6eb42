//! What only shows with several kinds, so with kinds of our own.

use contract::{Check, Fault, Network, NetworkKind, NoLists, Reads, Setup, Source, SourceKind, TagAddress};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Diagnostic, Kinds, Plan, read_with};
use crate::{network, source};

struct Topics;
struct Registers;
struct Paper;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Topic {
    topic: String,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Register {
    holding: u16,
}

impl Check for Nothing {}
impl Check for Topic {}
impl Check for Register {}

type Built = Result<Box<dyn Source>, Vec<Fault>>;

impl SourceKind for Topics {
    const NAME: &'static str = "topics";
    type Settings = Nothing;
    type Address = Topic;
    type List = NoLists;

    fn build(_: &Setup<'_>, _: Nothing, reads: Reads<Topic, NoLists>) -> Built {
        let tag = &reads.tags[0];
        Err(vec![Fault::at("", format!("{} {}", tag.machine, tag.address.topic))])
    }
}

impl SourceKind for Registers {
    const NAME: &'static str = "registers";
    type Settings = Nothing;
    type Address = Register;
    type List = NoLists;

    fn build(_: &Setup<'_>, _: Nothing, reads: Reads<Register, NoLists>) -> Built {
        Err(vec![Fault::at("", reads.tags.len().to_string())])
    }
}

impl NetworkKind for Paper {
    const NAME: &'static str = "paper";
    type Settings = Nothing;

    fn build(_: &Setup<'_>, _: Nothing) -> Result<Box<dyn Network>, Vec<Fault>> {
        Err(Vec::new())
    }
}

const KINDS: Kinds = Kinds {
    sources: &[&source::kinds::Of::<Topics>::KIND, &source::kinds::Of::<Registers>::KIND],
    networks: &[&network::kinds::Of::<Paper>::KIND],
};

const BEGIN: &str = "
[site]
name = 'Usine'
[network.paper.a]
[source.topics.broker]
[source.registers.plc]
[class.press.tag.oil]
source = 'broker'
topic = 'b/{machine}/oil'
unit = '°C'
[machine.press-1]
class = 'press'
[machine.press-2]
class = 'press'
";

fn read(more: &str) -> Result<Plan, Vec<Diagnostic>> {
    read_with(vec![("plant.toml".to_owned(), format!("{BEGIN}{more}"))], KINDS)
}

#[test]
fn a_tag_of_another_kind_of_source_leaves_the_address_of_its_class() {
    let plan = read("tag.oil = { source = 'plc', holding = 7 }").unwrap();
    let tag = &plan.machines[1].tags[0];
    assert_eq!(tag.section.unit.as_deref(), Some("°C"));
    assert_eq!(tag.address.downcast_ref(), Some(&Register { holding: 7 }));
    let told = read("tag.oil = { source = 'plc', holding = 70000 }").unwrap_err();
    assert_eq!(
        told[0].to_string(),
        "plant.toml:15:39  machine.press-2.tag.oil.holding\n  \
         tag.oil = { source = 'plc', holding = 70000 }\n                                        \
         ^^^^^ invalid value: integer `70000`, expected u16 (0 to 65535)"
    );
    assert_eq!(told.len(), 1);
}

#[test]
fn two_sources_of_one_name_are_told() {
    let told = read("[source.registers.broker]").unwrap_err();
    assert_eq!(told[0].message, "another source is called `broker`, at plant.toml:5:16");
}

/// The first steps of a start: the kind gets back the types that it gave away.
#[test]
fn a_kind_builds_from_what_it_read() {
    let mut plan = read("").unwrap();
    let tag = plan.machines.remove(0).tags.remove(0);
    let settings = plan.sources.remove(0).settings;
    let setup = Setup { name: "broker", site: &plan.site, state: std::path::Path::new("/nowhere") };
    let tags = vec![TagAddress { id: tag.id, machine: "press-1".to_owned(), address: tag.address }];
    let [topics, registers] = KINDS.sources else { panic!("two kinds") };
    let reads = |tags| Reads { tags, lists: Vec::new() };
    let faults = topics.build(&setup, settings, reads(tags)).err().unwrap();
    assert_eq!(faults, [Fault::at("", "press-1 b/{machine}/oil")]);
    let settings = plan.sources.remove(0).settings;
    let wrong =
        vec![TagAddress { id: tag.id, machine: String::new(), address: Box::new(3) as source::kinds::Boxed }];
    let faults = registers.build(&setup, settings, reads(wrong)).err().unwrap();
    assert_eq!(faults[0].message, "this table was read by another kind than `registers`");
}

/// The keys of a tag and of an address stand in one table, as do those of a network and of its kind.
#[test]
fn no_kind_takes_a_key_that_is_shared() {
    let shapes = super::kinds::Shapes::of(&Kinds::ALL);
    for (shapes, shared) in [
        (&shapes.addresses, crate::reading::TagSection::KEYS),
        (&shapes.networks, super::section::NetworkCommon::KEYS),
    ] {
        for (key, _) in shapes.iter().flat_map(|shape| &shape.keys) {
            assert!(!shared.contains(&key.as_str()), "{key}");
        }
    }
    let keys = |shape: &super::leaf::Shape| shape.keys.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    let mut tag = crate::reading::TagSection::KEYS.to_vec();
    tag.sort_unstable();
    assert_eq!(keys(&shapes.tag), tag);
    let mut machine = super::section::MachineSection::KEYS.to_vec();
    machine.sort_unstable();
    assert_eq!(keys(&shapes.machine), machine);
}
