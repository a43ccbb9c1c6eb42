//! The templates of the configuration: compiled once, tried once, then only filled.

use contract::{
    Author, Delivery, EpisodeId, Fault, Line, LineRole, Mark, Moment, Post, Priority, Provenance,
};
use contract::{DeliveryKey, Step, Text};
use http_client::markup::tame;
use http_client::{Url, check_url};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value, context};

use crate::settings::{Request, Settings};
use crate::write::{Message, Style, message, role_name};

/// All templates of one webhook.
pub(crate) struct Templates {
    environment: Environment<'static>,
    style: Style,
    is_json: bool,
}

impl Templates {
    /// Compiles all templates and tries each on words with quotes and line ends.
    pub(crate) fn new(settings: &Settings) -> Result<Templates, Vec<Fault>> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.add_filter("tojson", to_json);
        let mut faults = Vec::new();
        let mut add = |key: &'static str, source: &str| {
            if let Err(error) = environment.add_template_owned(key, source.to_owned()) {
                faults.push(Fault::at(key, said(&error)));
            }
        };
        add("body", &settings.body);
        for (keys, request) in
            [(["edit.url", "edit.body"], &settings.edit), (["reply.url", "reply.body"], &settings.reply)]
        {
            if let Some(Request { url, body, .. }) = request {
                add(keys[0], url);
                add(keys[1], body.as_ref().unwrap_or(&settings.body));
            }
        }
        if let Some(look) = &settings.look {
            add("look.url", &look.url);
        }
        let style = Style::new(settings).unwrap_or(Style::usual());
        let is_json = settings.content_type.contains("json");
        let templates = Templates { environment, style, is_json };
        if faults.is_empty() {
            faults = templates.try_out();
        }
        if faults.is_empty() { Ok(templates) } else { Err(faults) }
    }

    fn try_out(&self) -> Vec<Fault> {
        let (key, post) = (DeliveryKey("0".repeat(32)), example());
        let step = Step::Reply(contract::Receipt("42".to_owned()));
        let delivery = Delivery { key: &key, step: &step, post: &post, is_repeat: false };
        let mut names: Vec<&str> = self.environment.templates().map(|(name, _)| name).collect();
        names.sort_unstable();
        let tried = names.into_iter().filter_map(|name| {
            let found = if name.ends_with("url") {
                self.url(name, &delivery).map(drop)
            } else {
                self.body(name, &delivery).map(drop)
            };
            found.err().map(|message| Fault::at(name, message))
        });
        tried.collect()
    }

    /// A body, filled.
    pub(crate) fn body(&self, name: &str, delivery: &Delivery<'_>) -> Result<String, String> {
        let message = message(delivery.post, &self.style)?;
        let body = self.fill(name, self.words(delivery, &message))?;
        if self.is_json
            && let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&body)
        {
            return Err(format!(
                "is not JSON once filled ({error}): write words as `{{{{ text | tojson }}}}`"
            ));
        }
        Ok(body)
    }

    /// A URL, filled. Each value is one piece of a path or a query, whatever it holds.
    pub(crate) fn url(&self, name: &str, delivery: &Delivery<'_>) -> Result<Url, String> {
        let (step, receipt) = step_of(delivery.step);
        if !receipt.is_empty() && receipt.chars().all(|c| c == '.') {
            return Err(format!("`{receipt}` is no name of a post"));
        }
        let url = self.fill(
            name,
            context! {
                key => delivery.key.0.as_str(),
                step,
                receipt => encoded(receipt),
                machine => context! { key => encoded(&delivery.post.author.key) },
                episode => encoded(&delivery.post.episode.0),
            },
        )?;
        check_url(&url)
    }

    fn fill(&self, name: &str, values: Value) -> Result<String, String> {
        let template = self.environment.get_template(name).map_err(|error| said(&error))?;
        template.render(values).map_err(|error| said(&error))
    }

    /// What a template may use. Words for people are escaped for the markup, names of the configuration are for
    /// programs and stay as they are; `tojson` is the template's part.
    fn words(&self, delivery: &Delivery<'_>, message: &Message) -> Value {
        let post = delivery.post;
        let (step, receipt) = step_of(delivery.step);
        let escape = |words: &str| self.style.escape(words);
        let lines: Vec<Value> =
            message.lines.iter().map(|(role, text)| context! { role => role_name(*role), text }).collect();
        context! {
            text => message.text.as_str(),
            first_line => message.first_line.as_str(),
            first_line_plain => message.first_line_plain.as_str(),
            lines,
            mark => post.mark.name(),
            shape => post.mark.shape(),
            word => escape(&post.word),
            machine => context! {
                key => tame(&post.author.key),
                name => escape(&post.author.name),
                place => escape(&post.author.place),
            },
            priority => u8::from(post.priority),
            language => post.language.as_str(),
            begun => iso(post.begun),
            ended => post.ended.map(iso),
            written => iso(post.written),
            written_ms => post.written.as_ms(),
            episode => post.episode.0.as_str(),
            version => post.version,
            key => delivery.key.0.as_str(),
            step,
            receipt,
            is_repeat => delivery.is_repeat,
            provenance => context! {
                rule => tame(&post.provenance.rule),
                tag => post.provenance.tag.as_deref().map(tame),
                value => post.provenance.value,
            },
        }
    }
}

/// As the one of the engine, but a name that is not there is a mistake and not `null`.
fn to_json(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    serde_json::to_string(value).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
}

fn step_of(step: &Step) -> (&'static str, &str) {
    match step {
        Step::Open => ("open", ""),
        Step::Edit(receipt) => ("edit", &receipt.0),
        Step::Reply(receipt) => ("reply", &receipt.0),
    }
}

/// With a percent sign before everything that could end a piece of a URL.
fn encoded(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for byte in words.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn iso(moment: Moment) -> Option<String> {
    jiff::Timestamp::from_millisecond(moment.as_ms()).ok().map(|at| at.to_string())
}

/// An error of a template as an integrator should read it: without the words that were filled in.
fn said(error: &minijinja::Error) -> String {
    let place = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    match error.kind() {
        ErrorKind::UndefinedError => format!("uses a name that is not there{place}{detail}"),
        kind => format!("{kind}{place}{detail}"),
    }
}

/// A post with the words that break a careless template.
fn example() -> Post {
    let words = Text::default().ours("says \"stop\" \\ ").data("a\nb{{ x }}");
    let line = |role| Line { role, text: words.clone() };
    Post {
        episode: EpisodeId("example".to_owned()),
        version: 1,
        author: Author {
            key: "press-3".to_owned(),
            name: "Press \"3\"".to_owned(),
            place: "Site/Hall \"B\"".to_owned(),
        },
        language: "en".to_owned(),
        priority: Priority::High,
        mark: Mark::Warning,
        word: "\"WARNING\"".to_owned(),
        fact: words.clone(),
        lines: vec![line(LineRole::Context), line(LineRole::ToDo), line(LineRole::Fine)],
        begun: Moment::from_ms(0),
        ended: Some(Moment::from_ms(1)),
        written: Moment::from_ms(1),
        chart: None,
        provenance: Provenance {
            rule: "limit.\"x\"".to_owned(),
            tag: Some("\"oil\"".to_owned()),
            value: Some(78.2),
            ..Provenance::default()
        },
    }
}
