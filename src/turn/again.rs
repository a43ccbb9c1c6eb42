//! What is known of machines under another configuration: their books, their stocks, the states they are in.

use contract::{Moment, TagId};

use super::Middle;
use super::book::Book;
use super::reload::{Moved, Stays};
use super::works::Works;
use crate::config::Plan;
use crate::production::State;

impl Middle {
    /// Books go on. Those that are kept otherwise now, or from other tags, go on from what is kept, as at a restart.
    pub(super) fn inherit_works(
        &mut self,
        plan: &Plan,
        old: Works,
        moved: &Moved,
        stays: &Stays<'_>,
        now: Moment,
    ) {
        let mut rows = old.stock_rows();
        let mut changed = Vec::new();
        for mut known in old.books {
            known.advance(now);
            match self.works.books.iter().position(|book| book.key == known.key) {
                Some(at) if is_kept_alike(plan, &known, &self.works.books[at], moved) => {
                    let fresh = &mut self.works.books[at];
                    let (machine, source, calendar) = (fresh.machine, fresh.source, fresh.calendar.clone());
                    *fresh = known.seated(machine, source, calendar);
                }
                found => {
                    rows.extend(known.rows());
                    changed.extend(found.map(|at| (at, known)));
                }
            }
        }
        let gone = self.works.resume(plan, rows);
        self.forget_production(gone);
        for (at, known) in changed {
            self.see_again(plan, at, &known, now);
        }
        self.works.held = old.held;
        self.works.budgets.inherit(old.budgets);
        for (heard, at) in old.heard.into_iter().zip(&moved.lists) {
            let list = at.and_then(|at| plan.lists.get(at as usize).map(|list| (at as usize, list.source)));
            if let Some((at, source)) = list
                && stays.sources.get(source) == Some(&true)
            {
                self.works.heard[at] = heard;
            }
        }
    }

    /// A machine whose books began anew still does what its tag told last, where that was known until now.
    fn see_again(&mut self, plan: &Plan, at: usize, known: &Book, now: Moment) {
        let production =
            plan.machines.get(self.works.books[at].machine).and_then(|of| of.production.as_ref());
        let tag = production.and_then(|production| self.tags.get(production.state.0 as usize));
        let latest = tag.and_then(crate::reading::Tag::latest);
        let book = &mut self.works.books[at];
        let is_known = known.ledger.now() != State::Unknown;
        let until = if is_known { Some(now) } else { known.before_loss.map(|(_, until)| until) };
        let told = latest.map(|latest| book.section.state(Some(latest.value)));
        book.before_loss = told.zip(until);
        let is_up = self.sources.get(book.source).is_some_and(|source| source.is_up);
        if let Some(state) = told
            && is_known
            && is_up
            && !book.ledger.is_silent()
        {
            let (_, until) = book.ledger.kept().known();
            book.ledger.find_again(until, state, &book.calendar);
            book.before_loss = None;
        }
    }

    /// What the tags told last, by the states of now. A tag that is read otherwise must tell it anew.
    pub(super) fn find_states(&mut self) {
        for (tag, machine) in self.state_of.iter().enumerate() {
            let (Some(machine), Some(latest)) = (machine, self.tags[tag].latest()) else { continue };
            self.standings[*machine].told(latest.value);
        }
    }
}

/// True where the table is the same and its tags are read as before.
fn is_kept_alike(plan: &Plan, known: &Book, fresh: &Book, moved: &Moved) -> bool {
    let production = plan.machines.get(fresh.machine).and_then(|machine| machine.production.as_ref());
    let is_kept = |TagId(tag): TagId| moved.kept.contains(&(tag as usize));
    let tags = production.map(|of| [Some(of.state), Some(of.parts), of.scrap]);
    let are_kept = tags.is_some_and(|tags| tags.into_iter().flatten().all(is_kept));
    known.section == fresh.section && are_kept
}
