//! What a server's refusal means for the next step, in words for an integrator.

use contract::SourceError;
use opcua::types::StatusCode;

use crate::own::Own;
use crate::trust::Doubt;
use crate::url::Url;
use crate::value;

/// What we know when something is refused.
pub struct Place<'a> {
    /// The name of the source.
    pub source: &'a str,
    /// The server.
    pub at: &'a Url,
    /// Our certificate, if the line is secured.
    pub own: Option<&'a Own>,
    /// Who we say we are.
    pub who: &'a str,
}

impl Place<'_> {
    /// A status that came while connecting.
    pub fn refused(&self, doing: &str, status: StatusCode, words: &str) -> SourceError {
        let at = self.at;
        let name = value::name(status);
        match name.as_str() {
            "BadUserAccessDenied"
            | "BadIdentityTokenRejected"
            | "BadIdentityTokenInvalid"
            | "BadUserSignatureInvalid" => SourceError::LockedOut(format!(
                "{at} does not let {} in ({name}): is the user known there, and the password right?",
                self.who
            )),
            "BadCertificateUriInvalid" => SourceError::Refused(format!(
                "{at} says that our certificate does not bear our application URI ({name}); expected \
                 `application_uri` to be the one in {}",
                self.certificate()
            )),
            "BadSecurityChecksFailed"
            | "BadCertificateUntrusted"
            | "BadCertificateInvalid"
            | "BadCertificateTimeInvalid"
            | "BadCertificateUseNotAllowed"
            | "BadCertificateRevoked"
            | "BadCertificateChainIncomplete"
            | "BadApplicationSignatureInvalid" => SourceError::LockedOut(format!(
                "{at} does not trust our certificate ({name}): let it trust {}",
                self.certificate()
            )),
            "BadSecurityPolicyRejected" | "BadSecurityModeRejected" | "BadSecurityModeInsufficient" => {
                SourceError::Refused(format!("{at} takes neither this `security` nor this `policy` ({name})"))
            }
            "BadTooManySessions" | "BadMaxConnectionsReached" => SourceError::Lost(format!(
                "{at} has no session left ({name}): each one that was not closed stays for its whole timeout"
            )),
            "BadServerUriInvalid" | "BadTcpEndpointUrlInvalid" => {
                SourceError::Refused(format!("{at} does not know itself by this `url` ({name})"))
            }
            _ => SourceError::Lost(format!("{at}: {doing}: {}", say(&name, words))),
        }
    }

    /// A server's certificate that we do not take.
    pub fn doubted(&self, doubt: &Doubt) -> SourceError {
        let at = self.at;
        match doubt {
            Doubt::Unusable(found) => SourceError::Refused(format!("{at} shows as its certificate: {found}")),
            Doubt::Unknown { thumbprint, subject } => SourceError::LockedOut(format!(
                "{at} shows a certificate that nobody here has accepted, of `{subject}`, thumbprint {thumbprint}; \
                 compare it with the one on the server, then: portevoix trust accept {} {thumbprint}",
                self.source
            )),
            Doubt::Untimely(what) => SourceError::LockedOut(format!(
                "the certificate of {at} {what}: it must be renewed on the server, or the clock here set"
            )),
            Doubt::WrongHost => SourceError::Refused(format!(
                "the certificate of {at} does not name the host `{}`: expected a `url` with a host that it names, \
                 or `check_host = false`",
                at.host
            )),
        }
    }

    fn certificate(&self) -> String {
        match self.own {
            Some(own) => format!("thumbprint {}, file {}", own.thumbprint(), own.path.display()),
            None => "our certificate".to_owned(),
        }
    }
}

/// The name of a status with what the library knows beyond it.
fn say(name: &str, words: &str) -> String {
    match words.is_empty() || words == name {
        true => name.to_owned(),
        false => format!("{name} ({})", contract::clean(words, 300)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: StatusCode) -> SourceError {
        let at = Url::parse("opc.tcp://press:4840").unwrap();
        let place = Place { source: "hall-b", at: &at, own: None, who: "user `bridge`" };
        place.refused("opening a session", status, "")
    }

    #[test]
    fn each_refusal_has_its_own_next_step() {
        let locked = |status| assert!(matches!(refused(status), SourceError::LockedOut(_)), "{status}");
        locked(StatusCode::BadUserAccessDenied);
        locked(StatusCode::BadIdentityTokenRejected);
        locked(StatusCode::BadCertificateUntrusted);
        locked(StatusCode::BadSecurityChecksFailed);
        let refuse = |status| assert!(matches!(refused(status), SourceError::Refused(_)), "{status}");
        refuse(StatusCode::BadSecurityPolicyRejected);
        refuse(StatusCode::BadCertificateUriInvalid);
        let lost = |status| assert!(matches!(refused(status), SourceError::Lost(_)), "{status}");
        lost(StatusCode::BadTooManySessions);
        lost(StatusCode::BadTimeout);
        lost(StatusCode::BadConnectionClosed);
    }
}
