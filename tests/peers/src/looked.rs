//! A network without keys whose posts can be searched: what `Repeat::Look` is for.
