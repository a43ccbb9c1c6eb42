//! Reading a page of somebody else's system: what came back with all that a reader of pages needs.

use std::time::{Duration, SystemTime};

use contract::Moment;
use reqwest::header::{HeaderMap, LINK};
use reqwest::{RequestBuilder, Response};

use crate::client::Client;
use crate::judge::{reason_of, retry_after};

/// A page, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The HTTP status.
    pub status: u16,
    /// How long the server asks us to wait.
    pub after: Option<Duration>,
    /// The target of the link whose relation is `next` (RFC 8288).
    pub next: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchError {
    /// No connection, or no whole answer in time.
    Unreachable(String),
    /// The answer is longer than asked for.
    TooLarge,
    /// The request itself cannot be.
    Never(String),
}

impl Client {
    /// Reads a page of at most `bytes_max`. A refusal is a page, too, with as much of its body as fits.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn fetch(&self, request: RequestBuilder, bytes_max: usize) -> Result<Fetched, FetchError> {
        let work = async {
            let response = request.send().await.map_err(|error| {
                if error.is_builder() {
                    FetchError::Never(reason_of(error))
                } else {
                    FetchError::Unreachable(reason_of(error))
                }
            })?;
            let status = response.status();
            let after = retry_after(response.headers(), Moment::from_system(SystemTime::now()));
            let next = next_link(response.headers());
            let body = match read(response, bytes_max).await {
                Ok(body) => body,
                // A refusal is a refusal, whatever its words.
                Err(_) if !status.is_success() => Vec::new(),
                Err(error) => return Err(error),
            };
            Ok(Fetched { status: status.as_u16(), after, next, body })
        };
        match tokio::time::timeout(self.total(), work).await {
            Ok(found) => found,
            Err(_) => Err(FetchError::Unreachable("no answer in time".to_owned())),
        }
    }
}

async fn read(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(piece) =
        response.chunk().await.map_err(|error| FetchError::Unreachable(reason_of(error)))?
    {
        if body.len() + piece.len() > bytes_max {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// `<https://erp.example/orders?page=2>; rel="next", <…>; rel="last"`.
fn next_link(headers: &HeaderMap) -> Option<String> {
    let links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    links.flat_map(|value| value.split(',')).find_map(|link| {
        let (target, relations) = link.trim().strip_prefix('<')?.split_once('>')?;
        let mut relations = relations.split(';').map(|part| part.replace([' ', '"'], ""));
        relations.any(|part| part.eq_ignore_ascii_case("rel=next")).then(|| target.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_is_found_among_others() {
        let found = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.append(LINK, value.parse().unwrap());
            next_link(&headers)
        };
        assert_eq!(found("</a?p=1>; rel=\"prev\", </a?p=3>; rel=\"next\"").as_deref(), Some("/a?p=3"));
        assert_eq!(found("<https://x/a>; title=\"t\"; rel=next").as_deref(), Some("https://x/a"));
        assert_eq!(found("</a>; rel=\"last\""), None);
        assert_eq!(found("rel=next"), None);
    }
}
