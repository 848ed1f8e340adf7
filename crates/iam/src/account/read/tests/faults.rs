use super::{EXPORT, error_in};

/// Replaces `from` in the export, `nth` (from 0) of its occurrences, and gives the error.
fn error_after(nth: usize, from: &str, to: &str) -> String {
    let (at, _) = EXPORT.match_indices(from).nth(nth).unwrap();
    let (head, tail) = EXPORT.split_at(at);
    error_in(&format!("{head}{}", tail.replacen(from, to, 1)))
}

#[test]
fn a_reference_to_nothing_is_refused() {
    for (from, to, error) in [
        (
            r#"["developers", "Readers"]"#,
            r#"["developers", "readers"]"#,
            "UserDetailList[0].GroupList[1]: no group `readers` in GroupDetailList",
        ),
        (
            r#""PolicyArn": "arn:aws:iam::111122223333:policy/team/blue""#,
            r#""PolicyArn": "arn:aws:iam::111122223333:policy/blue""#,
            "GroupDetailList[0].AttachedManagedPolicies[0].PolicyArn: no policy \
             `arn:aws:iam::111122223333:policy/blue` in the Policies of account 111122223333",
        ),
        (
            r#""PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/boundary""#,
            r#""PermissionsBoundaryArn": "arn:aws:iam::444455556666:policy/boundary""#,
            "UserDetailList[0].PermissionsBoundary.PermissionsBoundaryArn: no policy \
             `arn:aws:iam::444455556666:policy/boundary` in the Policies of account 111122223333",
        ),
        (
            r#""arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess""#,
            r#""arn:aws:iam::aws:group/AmazonS3ReadOnlyAccess""#,
            "UserDetailList[0].AttachedManagedPolicies[1].PolicyArn: no policy \
             `arn:aws:iam::aws:group/AmazonS3ReadOnlyAccess` in the Policies of account \
             111122223333",
        ),
    ] {
        let nth = usize::from(from.contains("team/blue"));
        assert_eq!(error_after(nth, from, to), error);
    }
}

#[test]
fn names_ids_and_arns_are_unique_and_fit_together() {
    for (from, to, error) in [
        (
            r#""GroupName": "Readers""#,
            r#""GroupName": "Developers""#,
            "GroupDetailList[1].GroupName: group `Developers` occurs twice",
        ),
        (
            r#""AGPAEXAMPLEREADERS000""#,
            r#""AGPAEXAMPLEDEVELOPERS""#,
            "GroupDetailList[1].GroupId: group id `AGPAEXAMPLEDEVELOPERS` occurs twice",
        ),
        (
            r#""arn:aws:iam::111122223333:group/Readers""#,
            r#""arn:aws:iam::444455556666:group/Readers""#,
            "GroupDetailList[1].Arn: belongs to account 444455556666, not to 111122223333",
        ),
        (
            r#""RoleName": "plain""#,
            r#""RoleName": "APP""#,
            "RoleDetailList[1].RoleName: role `APP` occurs twice",
        ),
        (
            r#""AROAEXAMPLEPLAIN00001""#,
            r#""AROAEXAMPLEAPP0000001""#,
            "RoleDetailList[1].RoleId: role id `AROAEXAMPLEAPP0000001` occurs twice",
        ),
        (
            r#""arn:aws:iam::111122223333:role/team/app""#,
            r#""arn:aws:iam::111122223333:role/app""#,
            "RoleDetailList[0].Arn: must be `arn:aws:iam::111122223333:role/team/app`, after \
             `Path` and `RoleName`",
        ),
        (
            r#""arn:aws:iam::111122223333:role/team/app""#,
            r#""arn:aws:sts::111122223333:assumed-role/app/s""#,
            "RoleDetailList[0].Arn: must be the ARN of an IAM role",
        ),
        (
            r#""Arn": "arn:aws:iam::111122223333:policy/boundary""#,
            r#""Arn": "arn:aws:iam::111122223333:policy/limit""#,
            "Policies[1].Arn: must be `arn:aws:iam::111122223333:policy/boundary`, after `Path` \
             and `PolicyName`",
        ),
        (
            r#""Arn": "arn:aws:iam::111122223333:policy/boundary""#,
            r#""Arn": "arn:aws:iam::444455556666:policy/boundary""#,
            "Policies[1].Arn: belongs to account 444455556666, not to 111122223333",
        ),
        (
            r#""Arn": "arn:aws:iam::111122223333:policy/boundary""#,
            r#""Arn": "boundary""#,
            "Policies[1].Arn: must be the ARN of a managed policy",
        ),
        (
            "\"PolicyName\": \"boundary\",\n      \"Arn\": \"arn:aws:iam::111122223333:policy/boundary\"",
            "\"PolicyName\": \"blue\", \"Path\": \"/team/\",\n      \"Arn\": \"arn:aws:iam::111122223333:policy/team/blue\"",
            "Policies[1].Arn: policy `arn:aws:iam::111122223333:policy/team/blue` occurs twice",
        ),
    ] {
        assert_eq!(error_after(0, from, to), error);
    }
}

#[test]
fn a_wrong_member_of_groups_roles_and_policies_is_named() {
    for (nth, from, to, error) in [
        (
            0,
            r#""GroupId": "AGPAEXAMPLEDEVELOPERS","#,
            "",
            "GroupDetailList[0].GroupId: is missing",
        ),
        (
            1,
            r#""AssumeRolePolicyDocument""#,
            r#""Trust""#,
            "RoleDetailList[1].AssumeRolePolicyDocument: is missing",
        ),
        (
            0,
            r#""MaxSessionDuration": 43200"#,
            r#""MaxSessionDuration": 43201"#,
            "RoleDetailList[0].MaxSessionDuration: must be a number of seconds from 3600 to 43200",
        ),
        (
            0,
            r#""MaxSessionDuration": 43200"#,
            r#""MaxSessionDuration": "3600""#,
            "RoleDetailList[0].MaxSessionDuration: must be a number of seconds from 3600 to 43200",
        ),
        (
            0,
            r#"{ "Key": "Stage", "Value": "" }"#,
            r#"{ "Key": "Team", "Value": "" }"#,
            "UserDetailList[0].Tags[1].Key: tag `Team` occurs twice",
        ),
        (
            0,
            r#"{ "Key": "Stage", "Value": "" }"#,
            r#"{ "Key": "Stage" }"#,
            "UserDetailList[0].Tags[1].Value: is missing",
        ),
        (
            0,
            r#""OrganizationId": "o-a1b2c3d4e5","#,
            "",
            "OrganizationPath: needs `OrganizationId`",
        ),
        (
            0,
            r#""OrganizationId": "o-a1b2c3d4e5""#,
            r#""OrganizationId": """#,
            "OrganizationId: must not be empty",
        ),
        (
            0,
            r#""o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/""#,
            r#""o-a1b2c3d4e5/r-ab12""#,
            "OrganizationPath: must start with `o-a1b2c3d4e5/` and end with `/`",
        ),
        (
            0,
            r#""GroupList": ["developers", "Readers"]"#,
            r#""GroupList": "developers""#,
            "UserDetailList[0].GroupList: must be an array, not a string",
        ),
        (
            0,
            r#""PolicyName": "inline","#,
            "",
            "UserDetailList[0].UserPolicyList[0].PolicyName: is missing",
        ),
        (
            0,
            r#""UserPolicyList": ["#,
            r#""UserPolicyList": [ { "PolicyName": "inline", "PolicyDocument": {
                "Version": "2012-10-17", "Statement": [] } },"#,
            "UserDetailList[0].UserPolicyList[1].PolicyName: policy `inline` occurs twice",
        ),
    ] {
        assert_eq!(error_after(nth, from, to), error);
    }
}

#[test]
fn a_misspelt_member_of_groups_roles_and_policies_is_named() {
    for (nth, from, to, place) in [
        (
            0,
            "GroupPolicyList",
            "groupPolicyList",
            "GroupDetailList[0].groupPolicyList",
        ),
        (
            0,
            "AssumeRolePolicyDocument",
            "Assume_Role_Policy_Document",
            "RoleDetailList[0].Assume_Role_Policy_Document",
        ),
        (
            0,
            "MaxSessionDuration",
            "maxSessionDuration",
            "RoleDetailList[0].maxSessionDuration",
        ),
        (
            0,
            "PermissionsBoundaryArn",
            "PermissionsBoundaryARN",
            "UserDetailList[0].PermissionsBoundary.PermissionsBoundaryARN",
        ),
        (
            1,
            "PolicyArn",
            "PolicyARN",
            "UserDetailList[0].AttachedManagedPolicies[1].PolicyARN",
        ),
        (
            0,
            "DefaultVersionId",
            "defaultVersionId",
            "Policies[0].defaultVersionId",
        ),
        (
            0,
            "IsDefaultVersion",
            "is-default-version",
            "Policies[0].PolicyVersionList[0].is-default-version",
        ),
        (0, "Key", "key", "UserDetailList[0].Tags[0].key"),
        (
            0,
            "PolicyDocument",
            "policyDocument",
            "UserDetailList[0].UserPolicyList[0].policyDocument",
        ),
    ] {
        let error = error_after(nth, &format!("\"{from}\":"), &format!("\"{to}\":"));
        assert_eq!(error, format!("{place}: unknown member, write `{from}`"));
    }
}
