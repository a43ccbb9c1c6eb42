//! Posts for tests: what a small plant says in a day, in French and in English.

use crate::{Author, EpisodeId, Line, LineRole, Mark, Moment, Post, Priority, Provenance, Text};

/// 2026-03-17 14:32 UTC.
const AFTERNOON: Moment = Moment::from_ms(1_773_757_920_000);

/// One post of each mark, in `fr` or `en`: a warning, a stop that calls a role, a silence, a return, a digest.
pub fn posts(language: &str) -> Vec<Post> {
    let fr = language == "fr";
    let say = |french: &'static str, english: &'static str| if fr { french } else { english };
    vec![
        warning(language),
        Post {
            word: say("ARRÊT", "STOPPED").to_owned(),
            priority: Priority::Urgent,
            fact: Text::default()
                .ours(say("lot ", "lot "))
                .data("L-2231/B")
                .ours(say(" bloqué", " is blocked")),
            lines: vec![
                Line {
                    role: LineRole::ToDo,
                    text: Text::default()
                        .ours(say("À faire : prévenir ", "To do: call "))
                        .mention("maintenance")
                        .ours(say(" avant 15:00.", " before 15:00.")),
                },
                fine("Vitré/Atelier B/Ligne 2"),
            ],
            ..blank("stop-1", Mark::Stopped, language)
        },
        Post {
            word: say("SILENCE", "SILENT").to_owned(),
            fact: Text::default().ours(say("aucune mesure depuis 30 s", "no reading for 30 s")),
            ..blank("silent-1", Mark::Silent, language)
        },
        Post {
            word: say("RÉTABLI", "CLEARED").to_owned(),
            fact: Text::default().ours(say("huile à 68,4 °C après 12 min", "oil at 68.4 °C after 12 min")),
            ended: Some(AFTERNOON.plus(std::time::Duration::from_secs(720))),
            version: 2,
            ..blank("warning-1", Mark::Cleared, language)
        },
        Post {
            word: say("RÉSUMÉ", "DIGEST").to_owned(),
            fact: Text::default().ours(say("11 faits en 10 min", "11 facts in 10 min")),
            lines: (1..=11)
                .map(|n| Line {
                    role: LineRole::Context,
                    text: Text::default().ours(format!("Presse {n} · 82 °C")),
                })
                .collect(),
            ..blank("digest-1", Mark::Digest, language)
        },
    ]
}

/// The post that most tests begin with: a press whose oil is too hot.
pub fn warning(language: &str) -> Post {
    let fr = language == "fr";
    let say = |french: &'static str, english: &'static str| if fr { french } else { english };
    Post {
        word: say("ATTENTION", "WARNING").to_owned(),
        fact: Text::default().ours(say("huile à 78,2 °C, limite 75 °C", "oil at 78.2 °C, limit 75 °C")),
        lines: vec![
            Line {
                role: LineRole::Context,
                text: Text::default().ours(say("D'habitude 61 à 66 °C.", "Usually 61 to 66 °C.")),
            },
            Line {
                role: LineRole::ToDo,
                text: Text::default()
                    .ours(say("À faire : vérifier l'échangeur.", "To do: check the heat exchanger.")),
            },
            fine("Vitré/Atelier B/Ligne 2"),
        ],
        ..blank("warning-1", Mark::Warning, language)
    }
}

/// A post whose every field that may come from outside holds `words`: the machine's name and place, the state
/// word, the fact and the lines, as words of a machine and as ours.
pub fn filled_with(words: &str) -> Post {
    let both = Text::default().ours("a ").data(words).ours(" b");
    let alone = Text::default().data(words);
    let ours = Text::default().ours(words);
    let line = |role, text| Line { role, text };
    Post {
        author: Author { key: "press-3".to_owned(), name: words.to_owned(), place: words.to_owned() },
        word: words.to_owned(),
        fact: both.clone(),
        lines: vec![
            line(LineRole::Context, alone.clone()),
            line(LineRole::ToDo, ours),
            line(LineRole::Context, both.append(&alone)),
            line(LineRole::Fine, alone),
        ],
        ..blank("hostile-1", Mark::Warning, "fr")
    }
}

fn blank(episode: &str, mark: Mark, language: &str) -> Post {
    Post {
        episode: EpisodeId(episode.to_owned()),
        version: 1,
        author: Author {
            key: "press-3".to_owned(),
            name: "Presse 3".to_owned(),
            place: "Vitré/Atelier B/Ligne 2".to_owned(),
        },
        language: language.to_owned(),
        priority: Priority::High,
        mark,
        word: "ATTENTION".to_owned(),
        fact: Text::default(),
        lines: Vec::new(),
        begun: AFTERNOON,
        ended: None,
        written: AFTERNOON,
        chart: None,
        provenance: Provenance {
            rule: "limit.oil-hot".to_owned(),
            tag: Some("oil".to_owned()),
            value: Some(78.2),
            ..Provenance::default()
        },
    }
}

fn fine(place: &str) -> Line {
    Line { role: LineRole::Fine, text: Text::default().ours(place).ours(" · 14:32") }
}
