//! The actions that a cluster policy may speak of.

use iam::policy::action_matches;

/// The actions of Aurora DSQL (Service Authorization Reference), in lower case.
const ACTIONS: &[&str] = &[
    "addpeercluster",
    "createcluster",
    "createstream",
    "dbconnect",
    "dbconnectadmin",
    "deletecluster",
    "deleteclusterpolicy",
    "deletestream",
    "getbackupjob",
    "getcluster",
    "getclusterpolicy",
    "getrestorejob",
    "getstream",
    "getvpcendpointservicename",
    "injecterror",
    "listclusters",
    "liststreams",
    "listtagsforresource",
    "putclusterpolicy",
    "putmultiregionproperties",
    "putwitnessregion",
    "removepeercluster",
    "startbackupjob",
    "startrestorejob",
    "stopbackupjob",
    "stoprestorejob",
    "tagresource",
    "untagresource",
    "updatecluster",
    "updatestream",
];

/// Whether this is the name of an action of the service, without its prefix and in any case.
pub fn is_action(name: &str) -> bool {
    ACTIONS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Checks one pattern of `Action` or `NotAction`: `*`, or `dsql:` and a name that can match a known
/// action, without regard to case.
///
/// # Errors
/// What is wrong.
pub(crate) fn check(pattern: &str) -> Result<(), String> {
    if pattern == "*" {
        return Ok(());
    }
    let service = pattern.split_once(':').map(|(service, _)| service);
    if !service.is_some_and(|service| service.eq_ignore_ascii_case("dsql")) {
        return Err(format!("`{pattern}` is not an action of Aurora DSQL"));
    }
    let known = |name: &&str| action_matches(pattern, &format!("dsql:{name}"));
    if ACTIONS.iter().any(known) {
        Ok(())
    } else {
        Err(format!("unknown action `{pattern}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_must_be_able_to_match_an_action_of_the_service() {
        for (pattern, fault) in [
            ("*", None),
            ("dsql:*", None),
            ("DSQL:DBCONNECT", None),
            ("dsql:DbConnect", None),
            ("dsql:DbConnectAdmin", None),
            ("dsql:Db*", None),
            ("dsql:*Cluster*", None),
            ("dsql:?bConnect", None),
            ("dsql:*Connect*Admin", None),
            ("dsql:UpdateStream", None),
            ("dsql:StartRestoreJob", None),
            ("dsql:**", None),
            ("dsql:Connect", Some("unknown action `dsql:Connect`")),
            ("dsql:DbConnect?", Some("unknown action `dsql:DbConnect?`")),
            ("dsql:Db", Some("unknown action `dsql:Db`")),
            ("dsql:*Admin?", Some("unknown action `dsql:*Admin?`")),
            ("dsql:", Some("unknown action `dsql:`")),
            ("s3:*", Some("`s3:*` is not an action of Aurora DSQL")),
            (
                "ds*:GetCluster",
                Some("`ds*:GetCluster` is not an action of Aurora DSQL"),
            ),
            ("*:*", Some("`*:*` is not an action of Aurora DSQL")),
            ("dsql", Some("`dsql` is not an action of Aurora DSQL")),
        ] {
            assert_eq!(check(pattern).err().as_deref(), fault, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_of_many_wildcards_is_matched_in_little_time() {
        let pattern = format!("dsql:{}x", "*a".repeat(5_000));
        assert!(check(&pattern).is_err());
    }
}
