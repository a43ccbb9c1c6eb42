//! A fake Mattermost that keeps the rules of the real one.
