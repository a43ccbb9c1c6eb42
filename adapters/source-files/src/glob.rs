//! The names of files: `*` and `?`. Pure.

/// Endings of files that somebody still writes, whatever the pattern says.
const UNREADY: [&str; 7] = ["~", ".tmp", ".part", ".filepart", ".partial", ".swp", ".lock"];

/// Whether a file of this name may be read at all.
pub fn is_ready(name: &str) -> bool {
    let low = name.to_ascii_lowercase();
    !name.starts_with('.') && !UNREADY.iter().any(|end| low.ends_with(end))
}

/// Whether a name fits a pattern. Time is bounded by the product of the two lengths.
pub fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut upto) = (0, 0);
    // Where the last `*` stands, and how much of the name it has swallowed.
    let mut star: Option<(usize, usize)> = None;
    while upto < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, upto));
                at += 1;
            }
            Some(c) if *c == '?' || *c == name[upto] => {
                at += 1;
                upto += 1;
            }
            _ => match &mut star {
                Some((back, swallowed)) => {
                    *swallowed += 1;
                    (at, upto) = (*back + 1, *swallowed);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_names() {
        for (pattern, name, does) in [
            ("suivi-of*.csv", "suivi-of_20261123.csv", true),
            ("suivi-of*.csv", "suivi-of.csv", true),
            ("suivi-of*.csv", "suivi-of.csv.gz", false),
            ("*", "été.txt", true),
            ("?té.txt", "été.txt", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            ("", "a", false),
            ("[a].csv", "a.csv", false),
        ] {
            assert_eq!(fits(pattern, name), does, "{pattern} {name}");
        }
        assert!(!fits(&"*a".repeat(50), &"a".repeat(200).replace("aa", "b")), "ends, and soon");
    }

    #[test]
    fn what_is_being_written_is_not_read() {
        for name in [".of.csv", "of.csv.tmp", "of.csv.PART", "of.csv.filepart", "of.csv~"] {
            assert!(!is_ready(name), "{name}");
        }
        assert!(is_ready("of.csv"));
    }
}
