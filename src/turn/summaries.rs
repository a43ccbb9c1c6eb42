//! A shift is over: its figures go into those of the day and the week, and what is to be told is told.

use std::time::Duration;

use contract::{Mark, Moment};

use super::Middle;
use super::book::{ShiftKept, Sum};
use crate::episode::Episode;
use crate::outbox::Lane;
use crate::post::{self, Average, Ended, Still, Summary};
use crate::production::{Figures, Span};

/// What ended while the gateway was away is told if it is not older: then it is still of use to the next team.
const LATE_MAX: Duration = Duration::from_secs(4 * 3_600);

/// So many open points are named; the others are counted.
const OPEN_MAX: usize = 3;

/// One span that is over.
#[derive(Clone, Copy)]
struct Over<'a> {
    span: Span,
    begun: Moment,
    /// The key of its shift.
    shift: &'a str,
    figures: &'a Figures,
}

impl Middle {
    /// The shift of a book is over, and its figures are these. `end` is when, `now` when we learnt it.
    pub(super) fn shift_over(
        &mut self,
        at: usize,
        shift: &ShiftKept,
        figures: Figures,
        (end, now): (Moment, Moment),
    ) {
        let book = &mut self.works.books[at];
        let method = book.ledger.method();
        let next = if book.period.shift.is_some() { end } else { book.period.until };
        let (day, week) = book.day_and_week(shift.begun);
        let (next_day, next_week) = book.day_and_week(next);
        let add = |sum: Option<Sum>| match sum {
            Some(sum) => Sum { figures: sum.figures.plus(figures.clone(), method), ..sum },
            None => Sum { begun: shift.begun, figures: figures.clone() },
        };
        let (of_day, of_week) = (add(book.day.take()), add(book.week.take()));
        book.day = (next_day == day).then(|| of_day.clone());
        book.week = (next_week == week).then(|| of_week.clone());
        let spans = [
            Some(Over { span: Span::Shift, begun: shift.begun, shift: &shift.name, figures: &figures }),
            (next_day != day).then_some(Over {
                span: Span::Day,
                begun: of_day.begun,
                shift: "",
                figures: &of_day.figures,
            }),
            (next_week != week).then_some(Over {
                span: Span::Week,
                begun: of_week.begun,
                shift: "",
                figures: &of_week.figures,
            }),
        ];
        if now.since(end) <= LATE_MAX {
            for over in spans.into_iter().flatten() {
                self.sum_up(at, over, (end, now));
            }
        }
        self.works.books[at].remember(shift.begun, &figures, now);
    }

    /// Tells a span that is over, for each summary that asks for it.
    fn sum_up(&mut self, at: usize, over: Over<'_>, (end, now): (Moment, Moment)) {
        let machine = self.works.books[at].machine;
        let is_asked = |telling: &&super::works::Telling| {
            telling.end_of == over.span && telling.machines.contains(&machine)
        };
        let names: Vec<String> =
            self.works.tellings.iter().filter(is_asked).map(|telling| telling.name.clone()).collect();
        let times = over.figures.times(self.works.books[at].ledger.method());
        let nothing = times.opening.is_zero() && times.unknown.is_zero();
        for name in names.into_iter().filter(|_| !nothing) {
            self.tell_summary(at, &format!("summary.{name}"), over, (end, now));
        }
    }

    fn tell_summary(&mut self, at: usize, rule: &str, over: Over<'_>, (end, now): (Moment, Moment)) {
        let book = &self.works.books[at];
        let Some(author) = self.machines.get(book.machine) else { return };
        let held = self.works.budgets.take_held(&book.key, now);
        self.works.budgets.tell(&book.key, now);
        let method = book.ledger.method();
        let longest = over.figures.stops.longest(method.micro_stop).first().copied();
        let shift = book.calendar.at(over.begun).filter(|shift| shift.name == over.shift);
        let summary = Summary {
            episode: Episode::name(&book.key, rule, over.begun),
            rule,
            author,
            ended: match over.span {
                Span::Shift => Ended::Shift { key: over.shift, words: shift.map(|shift| shift.words) },
                Span::Day => Ended::Day,
                Span::Week => Ended::Week,
            },
            begun: over.begun,
            end,
            figures: over.figures,
            method,
            average: book.average(now).map(|(trs, days)| Average { trs, days }),
            longest: longest
                .map(|stop| (stop.time(), stop.cause.and_then(|cause| book.section.cause(cause)))),
            held,
        };
        for (lane, language) in self.outbox.lanes_mut().iter_mut().zip(&self.language_of) {
            let (open, more, paused) = open_points(lane, &author.key);
            let post = post::summary(&summary, (&open, more, paused), &self.languages[*language], now);
            lane.want(post, false, now);
        }
        self.is_urgent = true;
    }
}

/// What is open on a machine, the most urgent first: the first few, how many more, and how many are set aside.
fn open_points(lane: &Lane, machine: &str) -> (Vec<Still>, usize, usize) {
    let of = lane.open_posts().filter(|post| post.author.key == machine);
    let (paused, mut open): (Vec<_>, Vec<_>) = of.partition(|post| post.mark == Mark::Paused);
    open.sort_by_key(|post| (post.priority, post.begun));
    let still = |post: &&contract::Post| Still {
        mark: post.mark,
        machine: post.author.name.clone(),
        what: post.provenance.subject.clone(),
        begun: post.begun,
    };
    let named = open.iter().take(OPEN_MAX).map(still).collect();
    (named, open.len().saturating_sub(OPEN_MAX), paused.len())
}
