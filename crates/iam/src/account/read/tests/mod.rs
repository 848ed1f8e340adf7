use crate::account::Accounts;
use crate::policy::NamedDocument;

mod decisions;
mod documents;
mod faults;
mod keys;
mod managed;
mod members;
mod roles;
mod shape;
mod users;

/// The documented sample, with all the members that AWS prints.
const SAMPLE: &str = r#"{
  "AccountId": "111122223333",
  "OrganizationId": "o-a1b2c3d4e5",
  "OrganizationPath": "o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/",
  "AccessKeys": [
    { "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "…", "UserName": "alice" },
    { "AccessKeyId": "AKIAROOTEXAMPLE00001", "SecretAccessKey": "…", "Root": true }
  ],
  "UserDetailList": [
    {
      "UserName": "alice", "Path": "/", "UserId": "AIDAEXAMPLEALICE00001",
      "Arn": "arn:aws:iam::111122223333:user/alice",
      "GroupList": ["developers"],
      "UserPolicyList": [
        { "PolicyName": "inline", "PolicyDocument": { "Version": "2012-10-17", "Statement": [
          { "Effect": "Allow", "Action": "verifiedpermissions:*", "Resource": "*" } ] } }
      ],
      "AttachedManagedPolicies": [ { "PolicyName": "AmazonAuroraDSQLReadOnlyAccess", "PolicyArn": "arn:aws:iam::aws:policy/AmazonAuroraDSQLReadOnlyAccess" } ],
      "PermissionsBoundary": { "PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/boundary" },
      "Tags": [ { "Key": "team", "Value": "blue" } ]
    }
  ],
  "GroupDetailList": [ { "GroupName": "developers", "Path": "/", "GroupId": "AGPA…", "Arn": "arn:aws:iam::111122223333:group/developers", "GroupPolicyList": [], "AttachedManagedPolicies": [] } ],
  "RoleDetailList": [
    {
      "RoleName": "app", "Path": "/", "RoleId": "AROA…", "Arn": "arn:aws:iam::111122223333:role/app",
      "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:user/alice" }, "Action": "sts:AssumeRole" } ] },
      "RolePolicyList": [], "AttachedManagedPolicies": [], "Tags": []
    }
  ],
  "Policies": [
    { "PolicyName": "boundary", "Arn": "arn:aws:iam::111122223333:policy/boundary", "DefaultVersionId": "v1",
      "PolicyVersionList": [ { "VersionId": "v1", "IsDefaultVersion": true, "Document": { "Version": "2012-10-17", "Statement": [] } } ] }
  ],
  "IsTruncated": false,
  "Marker": null
}"#;

fn parse(text: &str) -> Accounts {
    Accounts::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Replaces `from` in the sample and gives the error.
fn error_after(from: &str, to: &str) -> String {
    assert!(SAMPLE.contains(from), "{from}");
    let text = SAMPLE.replacen(from, to, 1);
    Accounts::parse(&text)
        .map(|_| format!("{to} is accepted"))
        .unwrap_or_else(|e| e.to_string())
}

/// A real export with an organization, as the AWS CLI prints it.
const EXPORT: &str = include_str!("export.json");

/// The error of a text.
fn error_in(text: &str) -> String {
    let error = Accounts::parse(text).map(|_| format!("accepted: {text}"));
    error.unwrap_or_else(|error| error.to_string())
}

fn names(policies: &[NamedDocument]) -> Vec<&str> {
    policies.iter().map(|policy| &*policy.name).collect()
}
