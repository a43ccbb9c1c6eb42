//! The hostile corpus: words of machines that want to be more than words.
