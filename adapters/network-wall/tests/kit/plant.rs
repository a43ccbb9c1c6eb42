//! A small plant and what its machines say, in French, as on the floor.

use std::time::Duration;

use contract::{Author, EpisodeId, Line, LineRole, Mark, Moment, Post, Priority, Provenance, Site, Text};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The site of the tests.
pub fn site() -> Site {
    let machines = [
        ("presse-3", "Presse 3", "Vitré/Atelier B/Injection 400 t"),
        ("ligne-4", "Ligne 4", "Vitré/Atelier B/Conditionnement"),
        ("four-1", "Four 1", "Vitré/Atelier A/Traitement"),
        ("compresseur-2", "Compresseur 2", "Vitré/Utilités/Air comprimé"),
        ("robot-5", "Robot 5", "Vitré/Atelier B/Palettisation"),
    ];
    Site {
        name: "Usine de Vitré".to_owned(),
        language: "fr".to_owned(),
        timezone: "Europe/Paris".to_owned(),
        machines: machines.iter().map(|&(key, name, place)| author(key, name, place)).collect(),
    }
}

fn author(key: &str, name: &str, place: &str) -> Author {
    Author { key: key.to_owned(), name: name.to_owned(), place: place.to_owned() }
}

/// So many minutes before now.
pub fn ago(minutes: u64) -> Moment {
    Moment::from_system(std::time::SystemTime::now()).minus(Duration::from_secs(60 * minutes))
}

/// The time of day in the plant.
pub fn at(moment: Moment) -> String {
    let stamp = Timestamp::from_millisecond(moment.as_ms()).unwrap();
    let here = stamp.to_zoned_datetime(TimeZone::get("Europe/Paris").unwrap());
    format!("{:02}:{:02}", here.hour(), here.minute())
}

/// A post of a machine, with a fact and lines whose role is their first sign: `!` to do, `-` fine, else context.
pub fn says(machine: &str, mark: Mark, word: &str, fact: &str, begun: Moment, lines: &[&str]) -> Post {
    let site = site();
    let author = site.machines.iter().find(|author| author.key == machine).unwrap().clone();
    let line = |line: &&str| {
        let (role, words) = match line.chars().next() {
            Some('!') => (LineRole::ToDo, &line[1..]),
            Some('-') => (LineRole::Fine, &line[1..]),
            _ => (LineRole::Context, *line),
        };
        Line { role, text: Text::default().ours(words) }
    };
    Post {
        episode: EpisodeId(format!("{machine}-{}", begun.as_ms())),
        version: 1,
        author,
        language: "fr".to_owned(),
        priority: Priority::High,
        mark,
        word: word.to_owned(),
        fact: Text::default().ours(fact),
        lines: lines.iter().map(line).collect(),
        begun,
        ended: None,
        written: begun.plus(Duration::from_secs(20)),
        chart: None,
        provenance: Provenance { rule: "limit.test".to_owned(), ..Provenance::default() },
    }
}

/// The next version, with another state and fact.
pub fn later(post: &Post, mark: Mark, word: &str, fact: &str, written: Moment) -> Post {
    let mut next = post.clone();
    next.version += 1;
    next.mark = mark;
    next.word = word.to_owned();
    next.fact = Text::default().ours(fact);
    next.written = written;
    next
}

/// A post that has ended.
pub fn ended(mut post: Post, ended: Moment) -> Post {
    post.ended = Some(ended);
    post.written = ended;
    post
}

/// Line 4 has stopped.
pub fn line_stops() -> Post {
    let begun = ago(18);
    let mut post = says(
        "ligne-4",
        Mark::Stopped,
        "ARRÊT",
        &format!("depuis {}, en cours", at(begun)),
        begun,
        &[
            "Bourrage étiqueteuse (E-217). Les 3 dernières fois : capteur de bande encrassé.",
            &format!(
                "!À faire : nettoyer le capteur. OF 10482 : 3 260 sur 8 000, reprise avant {} pour tenir l’enlèvement.",
                at(ago(0).plus(Duration::from_secs(4800)))
            ),
            &format!("-Pris en charge à {}.", at(ago(11))),
        ],
    );
    post.priority = Priority::Urgent;
    post
}

/// The rear bearing of press 3 runs hot.
pub fn press_runs_hot() -> Post {
    let begun = ago(26);
    says(
        "presse-3",
        Mark::Warning,
        "ATTENTION",
        &format!("palier arrière à 84 °C (limite 80) depuis {}", at(begun)),
        begun,
        &[
            "Habituel à cette cadence : 62 à 75 °C. Hausse de 6 °C en 20 min.",
            "!À faire : vérifier le graissage du palier arrière. À 95 °C, la presse s’arrête d’elle-même.",
        ],
    )
}

/// Furnace 1 says nothing.
pub fn furnace_is_silent() -> Post {
    let begun = ago(12);
    says(
        "four-1",
        Mark::Silent,
        "MUET",
        &format!("aucune mesure depuis {} (d’habitude toutes les 10 s)", at(begun)),
        begun,
        &[
            "État réel du four inconnu : se fier à l’afficheur sur place.",
            "-Dernières valeurs : zone 1 à 812 °C, zone 2 à 805 °C. Le reste de l’automate A7 répond : sonde ou câble probable.",
        ],
    )
}

/// Compressor 2 is back to normal.
pub fn compressor_is_back() -> Post {
    let (begun, end) = (ago(310), ago(208));
    let fact = format!("33 kW, alerte de {} à {}, 1 h 42", at(begun), at(end));
    let lines = ["Cause notée : fuite d’air, raccord changé (3e fois en 90 jours)."];
    ended(says("compresseur-2", Mark::Cleared, "RÉTABLI", &fact, begun, &lines), end)
}

/// The summary of a shift.
pub fn shift_summary() -> Post {
    says(
        "ligne-4",
        Mark::Digest,
        "BILAN",
        "équipe du matin · TRS 77,7 %",
        ago(95),
        &[
            "Moyenne 4 semaines : 74,1 %. Bonnes : 699. Rebuts : 14. TRG 72,8 %.",
            "Perdu sur 450 min requises : arrêts 52 · cadence 23,5 · micro-arrêts 18 · rebuts 7 min",
            "-Calcul NF E60-182, micro-arrêts comptés en disponibilité.",
        ],
    )
}

/// The robot was stopped for a while yesterday.
pub fn robot_restarted() -> Post {
    let (begun, end) = (ago(1510), ago(1481));
    let fact = format!("arrêt de {} à {}, 29 min", at(begun), at(end));
    ended(says("robot-5", Mark::Cleared, "REPARTI", &fact, begun, &["Ventouse remplacée."]), end)
}
