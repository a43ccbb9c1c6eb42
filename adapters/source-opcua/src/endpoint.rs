//! Which of a server's ways in we take: the one that is asked for, the strongest of several, with the typed host.

use contract::SourceError;
use opcua::client::IdentityToken;
use opcua::crypto::SecurityPolicy;
use opcua::types::{EndpointDescription, MessageSecurityMode, UserTokenType};

use crate::session::Plan;
use crate::settings::{Policy, Security};

/// The endpoint that fits, with the host that was typed.
///
/// # Errors
/// The server offers other ways in, or takes others than us.
pub fn choose(plan: &Plan, offered: Vec<EndpointDescription>) -> Result<EndpointDescription, SourceError> {
    let at = &plan.at;
    let fitting = offered.iter().filter(|one| one.security_mode == plan.security.mode());
    let rank = |one: &EndpointDescription| {
        let policy = SecurityPolicy::from_uri(one.security_policy_uri.as_ref());
        match (plan.security, plan.policy) {
            (Security::None, _) => (policy == SecurityPolicy::None).then_some(0),
            (_, Some(wanted)) => (policy == wanted.policy()).then_some(0),
            (_, None) => Policy::ALL.iter().position(|known| known.policy() == policy),
        }
    };
    let best = fitting.filter_map(|one| Some((rank(one)?, one))).min_by_key(|(rank, _)| *rank);
    let Some((_, best)) = best else {
        let found: Vec<String> = offered.iter().map(describe).collect();
        let wanted = match plan.policy {
            Some(policy) => format!("{:?} with {policy:?}", plan.security),
            None => format!("{:?}", plan.security),
        };
        return Err(SourceError::Refused(format!(
            "{at} does not offer {wanted}; it offers: {}",
            found.join(", ")
        )));
    };
    fits_identity(plan, best)?;
    let mut best = best.clone();
    best.endpoint_url = at.with_path_of(best.endpoint_url.as_ref()).to_string().into();
    Ok(best)
}

/// An endpoint for a person.
pub fn describe(endpoint: &EndpointDescription) -> String {
    let policy = SecurityPolicy::from_uri(endpoint.security_policy_uri.as_ref());
    match endpoint.security_mode {
        MessageSecurityMode::None => "None".to_owned(),
        mode => format!("{mode:?} with {}", policy.to_str()),
    }
}

fn fits_identity(plan: &Plan, endpoint: &EndpointDescription) -> Result<(), SourceError> {
    let wanted = match &plan.identity {
        IdentityToken::Anonymous => UserTokenType::Anonymous,
        IdentityToken::UserName(..) => UserTokenType::UserName,
        IdentityToken::X509(..) => UserTokenType::Certificate,
        IdentityToken::IssuedToken(_) => UserTokenType::IssuedToken,
    };
    let taken: Vec<UserTokenType> =
        endpoint.user_identity_tokens.iter().flatten().map(|policy| policy.token_type).collect();
    if taken.contains(&wanted) {
        return Ok(());
    }
    let name = |taken: &UserTokenType| match taken {
        UserTokenType::Anonymous => "nobody in particular",
        UserTokenType::UserName => "`user` and `password`",
        UserTokenType::Certificate => "`user_certificate` and `user_key`",
        UserTokenType::IssuedToken => "tokens of another server, which are not known here",
    };
    let names: Vec<&str> = taken.iter().map(name).collect();
    Err(SourceError::Refused(format!(
        "{} does not take {}; it takes: {}",
        plan.at,
        plan.who,
        names.join(", ")
    )))
}
