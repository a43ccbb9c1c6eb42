//! Which requests read all fields: neighbours are read together. Pure.

use crate::form::Form;
use crate::pdu::{BITS_MAX, REGISTERS_MAX, Request, Table};

/// One value to read.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The place of its tag in the source's list.
    pub tag: usize,
    /// In which table.
    pub table: Table,
    /// The first address.
    pub start: u16,
    /// How to read it; of a bit only its place counts.
    pub form: Form,
    /// The address of the register that holds its power of ten (SunSpec), read in the same request.
    pub factor: Option<u16>,
}

impl Field {
    /// The first address and the one after the last that must come in one answer, so that no value is torn.
    pub fn span(&self) -> (u32, u32) {
        let start = u32::from(self.start);
        let end = start + u32::from(self.form.registers);
        match self.factor.map(u32::from) {
            Some(factor) => (start.min(factor), end.max(factor + 1)),
            None => (start, end),
        }
    }
}

/// How requests may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most registers of one request; sixteen times as many bits.
    pub request_max: u16,
    /// How many registers that nobody asked for may be read along.
    pub gap: u16,
    /// Every field by itself.
    pub is_one_per_request: bool,
}

impl Limits {
    fn count_max(&self, table: Table) -> u32 {
        let registers = self.request_max.min(REGISTERS_MAX);
        if table.is_bits() {
            u32::from(registers).saturating_mul(16).min(u32::from(BITS_MAX))
        } else {
            u32::from(registers)
        }
    }
}

/// One request and the fields that it brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What to ask.
    pub request: Request,
    /// The places of its fields.
    pub fields: Vec<usize>,
}

/// The requests of one unit, in the order of tables and addresses.
///
/// # Errors
/// A field that no request can bring, with its place and why.
pub fn plan(unit: u8, fields: &[Field], limits: Limits) -> Result<Vec<Group>, (usize, String)> {
    let mut order: Vec<usize> = (0..fields.len()).collect();
    order.sort_by_key(|place| (fields[*place].table, fields[*place].span()));
    let mut groups: Vec<(Table, u32, u32, Vec<usize>)> = Vec::new();
    for place in order {
        let Field { table, .. } = fields[place];
        let (start, end) = fields[place].span();
        match groups.last_mut() {
            Some((other, first, last, members))
                if !limits.is_one_per_request
                    && *other == table
                    && start <= last.saturating_add(u32::from(limits.gap))
                    && end.max(*last) - *first <= limits.count_max(table) =>
            {
                *last = end.max(*last);
                members.push(place);
            }
            _ => groups.push((table, start, end, vec![place])),
        }
    }
    let request = |(table, first, last, fields): (Table, u32, u32, Vec<usize>)| {
        let refused = |words| (fields.first().copied().unwrap_or_default(), words);
        let start = u16::try_from(first).map_err(|_| refused("above address 65535".to_owned()))?;
        let count = u16::try_from(last - first).unwrap_or(u16::MAX);
        let request = Request::new(unit, table, start, count).map_err(refused)?;
        Ok(Group { request, fields })
    };
    groups.into_iter().map(request).collect()
}

/// A group as one request for each of its fields, after the device refused it as a whole.
pub fn split(unit: u8, group: &Group, fields: &[Field]) -> Vec<Group> {
    let alone = Limits { request_max: REGISTERS_MAX, gap: 0, is_one_per_request: true };
    let one = |place: &usize| {
        let groups = plan(unit, std::slice::from_ref(&fields[*place]), alone).unwrap_or_default();
        let fields = vec![*place];
        groups.into_iter().map(move |group| Group { fields: fields.clone(), ..group })
    };
    group.fields.iter().flat_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::{As, Order};
    use proptest::prelude::*;

    fn field(table: Table, start: u16, registers: u16) -> Field {
        let form =
            Form { kind: As::Uint16, order: Order::ABCD, registers, bits: None, invalid: vec![], step: 1.0 };
        Field { tag: 0, table, start, form, factor: None }
    }

    const USUAL: Limits = Limits { request_max: 125, gap: 8, is_one_per_request: false };

    /// The requests, as `start+count`.
    fn told(fields: &[Field], limits: Limits) -> String {
        let groups = plan(1, fields, limits).unwrap();
        let one = |group: &Group| format!("{}+{}", group.request.start(), group.request.count());
        groups.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn neighbours_are_read_together() {
        let fields = [0, 2, 4, 52, 20].map(|start| field(Table::Input, start, 2));
        assert_eq!(told(&fields, USUAL), "0+6 20+2 52+2");
        assert_eq!(told(&fields, Limits { gap: 40, ..USUAL }), "0+54");
        assert_eq!(told(&fields, Limits { gap: 40, request_max: 30, ..USUAL }), "0+22 52+2");
        assert_eq!(told(&fields, Limits { is_one_per_request: true, ..USUAL }), "0+2 2+2 4+2 20+2 52+2");
    }

    #[test]
    fn tables_are_not_mixed_and_bits_have_their_own_limit() {
        let fields = [field(Table::Holding, 0, 1), field(Table::Input, 1, 1), field(Table::Coil, 0, 1)];
        assert_eq!(told(&fields, USUAL), "0+1 0+1 1+1");
        let coils = [field(Table::Coil, 0, 1), field(Table::Coil, 1_999, 1), field(Table::Coil, 2_000, 1)];
        assert_eq!(told(&coils, Limits { gap: 2_000, ..USUAL }), "0+2000 2000+1");
    }

    #[test]
    fn a_factor_comes_with_its_value() {
        let mut power = field(Table::Holding, 40_083, 1);
        power.factor = Some(40_084);
        assert_eq!(told(&[power.clone()], Limits { is_one_per_request: true, ..USUAL }), "40083+2");
        power.factor = Some(41_000);
        assert!(plan(1, &[power], USUAL).is_err());
    }

    proptest! {
        /// Every field is whole in exactly one request, and no request is above a limit.
        #[test]
        fn every_field_comes_whole_and_once(
            starts in proptest::collection::vec((0_u16..600, 1_u16..5), 1..40), gap in 0_u16..20, max in 4_u16..=125,
        ) {
            let fields: Vec<Field> = starts.iter().map(|(s, n)| field(Table::Holding, *s, *n)).collect();
            let groups = plan(1, &fields, Limits { request_max: max, gap, is_one_per_request: false }).unwrap();
            let mut seen = vec![0; fields.len()];
            for group in groups {
                let first = u32::from(group.request.start());
                let last = first + u32::from(group.request.count());
                prop_assert!(group.request.count() <= max);
                for place in group.fields {
                    let (start, end) = fields[place].span();
                    prop_assert!(first <= start && end <= last);
                    seen[place] += 1;
                }
            }
            prop_assert!(seen.iter().all(|times| *times == 1));
        }
    }
}
