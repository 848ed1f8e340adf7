use std::fmt;

/// An Amazon Resource Name: `arn:partition:service:region:account:resource`.
///
/// Region and account may be empty (a policy store's ARN has no Region); the resource may contain
/// colons and slashes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: &'a str,
    /// The service prefix, for instance `verifiedpermissions`.
    pub service: &'a str,
    /// The Region, or empty.
    pub region: &'a str,
    /// The account, or empty.
    pub account: &'a str,
    /// Everything after the fifth colon.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits `text` at its first five colons; `None` when it is not an ARN.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        if parts.next()? != "arn" {
            return None;
        }
        Some(Self {
            partition: parts.next()?,
            service: parts.next()?,
            region: parts.next()?,
            account: parts.next()?,
            resource: parts.next().filter(|r| !r.is_empty())?,
        })
    }
}

impl fmt::Display for Arn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partition,
            service,
            region,
            account,
            resource,
        } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_and_display_are_inverse() {
        for text in [
            "arn:aws:verifiedpermissions::123456789012:policy-store/PS",
            "arn:aws:verifiedpermissions:us-east-1:123456789012:policy-store-alias/a/b",
            "arn:aws:iam::aws:policy/AdministratorAccess",
            "arn:aws:sns:us-east-1:123456789012:topic:subscription",
        ] {
            assert_eq!(Arn::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_arn_is_refused() {
        for text in [
            "",
            "arn",
            "arn:aws:s3",
            "arn:aws:s3:::",
            "urn:aws:s3:::bucket",
        ] {
            assert_eq!(Arn::parse(text), None, "{text:?}");
        }
    }
}
