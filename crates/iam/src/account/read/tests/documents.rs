use super::{EXPORT, error_in, parse};

fn file(document: &str) -> String {
    format!(
        r#"{{ "AccountId": "111122223333", "UserDetailList": [ {{ "UserName": "alice", "UserId": "AIDA1",
             "Arn": "arn:aws:iam::111122223333:user/alice",
             "UserPolicyList": [ {{ "PolicyName": "p", "PolicyDocument": {document} }} ] }} ] }}"#
    )
}

const PLACE: &str = "UserDetailList[0].UserPolicyList[0].PolicyDocument";

#[test]
fn a_document_is_an_object_or_json_text_or_url_encoded_text() {
    for document in [
        r#"{"Version":"2012-10-17","Statement":[]}"#,
        r#""{\"Version\":\"2012-10-17\",\"Statement\":[]}""#,
        // Percent signs of plain JSON are not decoded.
        r#"" {\"Version\":\"2012-10-17\",\"Id\":\"100%7D\",\"Statement\":[]}""#,
        r#""%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D""#,
        r#""%7b%0A%20%22Version%22:%222012-10-17%22,%22Statement%22:[]%7d""#,
    ] {
        let accounts = parse(&file(document));
        let alice = &accounts.accounts()[0].users()[0];
        assert_eq!(alice.policies.identity.len(), 1, "{document}");
    }
}

#[test]
fn what_is_no_document_is_refused() {
    for (document, error) in [
        ("null", "is missing"),
        ("17", "must be an object, not a number"),
        ("[]", "must be an object, not an array"),
        (
            r#""""#,
            "not a JSON document: EOF while parsing a value at line 1 column 0",
        ),
        (
            r#""allow""#,
            "not a JSON document: expected value at line 1 column 1",
        ),
        (
            r#""{\"Version\":""#,
            "not a JSON document: EOF while parsing a value at line 1 column 11",
        ),
        (
            r#""%7B%22Version%22""#,
            "not a JSON document: EOF while parsing an object at line 1 column 10",
        ),
        (r#""%ff%fe""#, "must be JSON or URL-encoded JSON"),
    ] {
        assert_eq!(error_in(&file(document)), format!("{PLACE}: {error}"));
    }
}

#[test]
fn a_refused_document_is_named_by_its_place_and_the_fault_by_its_place_in_it() {
    let statement = |text: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{text}]}}"#);
    let allow = r#""Effect":"Allow","Action":"dsql:*","Resource":"*""#;
    let principal = statement(&format!(
        r#"{{{allow}}},{{"Sid":"S",{allow},"Principal":"*"}}"#
    ));
    for document in [principal.clone(), format!("{principal:?}")] {
        let error = error_in(&file(&document));
        let start = format!("{PLACE}: Statement[1] (\"S\"): ");
        assert!(error.starts_with(&start), "{error}");
        assert!(error.contains("Principal"), "{error}");
    }
    for document in [
        r#"{"Version":"2012-10-18","Statement":[]}"#.to_owned(),
        statement(r#"{"Effect":"Allow","Action":"dsql:*"}"#),
        statement(r#"{"Effect":"allow","Action":"dsql:*","Resource":"*"}"#),
        statement(&format!(
            r#"{{{allow},"Condition":{{"StringEqual":{{"a:b":"c"}}}}}}"#
        )),
    ] {
        let error = error_in(&file(&document));
        assert!(error.starts_with(&format!("{PLACE}: ")), "{error}");
    }
}

#[test]
fn every_kind_of_document_is_read_by_its_own_rules() {
    let allow = r#""Effect": "Allow", "Action": "dsql:*", "Resource": "*""#;
    let wrong =
        format!(r#"{{ "Version": "2012-10-17", "Statement": {{ {allow}, "Principal": "*" }} }}"#);
    let managed = r#"{ "Version": "2012-10-17", "Statement": [] }"#;
    let group = r#"{ "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Action": "dsql:ListClusters", "Resource": "*" }]
          }"#;
    let trust = r#"{ "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" }]
      }"#;
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (document, place) in [
        (managed, "Policies[1].PolicyVersionList[0].Document"),
        (
            group,
            "GroupDetailList[0].GroupPolicyList[0].PolicyDocument",
        ),
        (trust, "RoleDetailList[1].AssumeRolePolicyDocument"),
    ] {
        let (export, document) = (flat(EXPORT), flat(document));
        assert!(export.contains(&document), "{document}");
        let error = error_in(&export.replacen(&document, &wrong, 1));
        assert!(error.starts_with(&format!("{place}: Statement")), "{error}");
    }
}
