//! An account with roles, and requests as the SDKs send them.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use bytes::Bytes;
use serde_json::{Value, json};
use testkit::{ADMIN, App, LIMITED, User, limited_to};

pub(crate) const APP_ROLE: &str = "arn:aws:iam::111122223333:role/team/app";

/// The root user of the administrator's account.
pub(crate) const ROOT: User = User {
    account: "111122223333",
    access_key_id: "AKIATESTROOT00000004",
    secret: "secret/4",
};

/// An account file whose role `app` may read clusters, and trusts as `trust` says; the user
/// `limited` has the policy with `statements`.
pub(crate) fn accounts(trust: &Value, statements: &Value) -> Value {
    let mut file = limited_to(statements);
    file[0]["RoleDetailList"] = json!([{
        "RoleName": "app",
        "Path": "/team/",
        "RoleId": "AROAAPP",
        "Arn": APP_ROLE,
        "MaxSessionDuration": 7200,
        "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": trust },
        "RolePolicyList": [{
            "PolicyName": "read",
            "PolicyDocument": { "Version": "2012-10-17", "Statement": {
                "Effect": "Allow", "Action": ["dsql:List*", "dsql:Get*"], "Resource": "*",
            } },
        }],
        "Tags": [{ "Key": "team", "Value": "blue" }],
    }]);
    let keys = file[0]["AccessKeys"].as_array_mut().unwrap();
    keys.push(json!({
        "AccessKeyId": ROOT.access_key_id, "SecretAccessKey": ROOT.secret, "Root": true,
    }));
    file
}

/// A trust statement that lets `principal` do `actions`.
pub(crate) fn trusts(principal: &str, actions: &Value) -> Value {
    json!({ "Effect": "Allow", "Principal": { "AWS": principal }, "Action": actions })
}

/// Sends a form; the status and the XML.
pub(crate) async fn send(app: &App, user: User, form: &str) -> (u16, String) {
    let mut signer = app.signer(user);
    signer.service = "sts";
    answer(app, signer.sign(unsigned(form))).await
}

fn unsigned(form: &str) -> http::Request<Bytes> {
    http::Request::post("/")
        .header("host", "treeline.test:4100")
        .header(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )
        .body(Bytes::from(format!("{form}&Version=2011-06-15")))
        .unwrap()
}

async fn answer(app: &App, request: http::Request<Bytes>) -> (u16, String) {
    let response = app.send(request).await;
    let body = String::from_utf8(response.body().to_vec()).unwrap();
    assert_eq!(response.headers()["content-type"], "text/xml");
    (response.status().as_u16(), body)
}

/// AssumeRole of the role `app`, with more parameters.
pub(crate) async fn assume(app: &App, user: User, more: &str) -> (u16, String) {
    send(app, user, &assume_form(more)).await
}

/// [`assume`] with the credentials of a session.
pub(crate) async fn assume_as(app: &App, session: &Credentials, more: &str) -> (u16, String) {
    let mut signer = app.signer(ADMIN);
    signer.service = "sts";
    let request = signer.sign_as(session, unsigned(&assume_form(more)));
    answer(app, request).await
}

fn assume_form(more: &str) -> String {
    let role = APP_ROLE.replace(':', "%3A").replace('/', "%2F");
    format!("Action=AssumeRole&RoleArn={role}&RoleSessionName=nightly{more}")
}

/// The text of the first element with this name.
pub(crate) fn element<'x>(xml: &'x str, name: &str) -> &'x str {
    let (_, rest) = xml
        .split_once(&format!("<{name}>"))
        .unwrap_or_else(|| panic!("{name}: {xml}"));
    rest.split_once(&format!("</{name}>")).unwrap().0
}

/// What an answer that refuses says: status, code, message.
pub(crate) fn refusal((status, xml): &(u16, String)) -> (u16, &str, &str) {
    (*status, element(xml, "Code"), element(xml, "Message"))
}

/// The credentials of an answer.
pub(crate) fn credentials((status, xml): &(u16, String)) -> Credentials {
    assert_eq!(*status, 200, "{xml}");
    Credentials::new(
        element(xml, "AccessKeyId"),
        element(xml, "SecretAccessKey"),
        Some(element(xml, "SessionToken").to_owned()),
        None::<SystemTime>,
        "AssumeRole",
    )
}

/// An app in which `limited` may assume the role by the trust policy alone.
pub(crate) fn trusting() -> App {
    let trust = trusts(
        testkit::LIMITED_ARN,
        &json!(["sts:AssumeRole", "sts:TagSession"]),
    );
    App::with_accounts(&accounts(&trust, &json!([])))
}

/// Who may be named: the administrators and `limited`.
pub(crate) const USERS: [User; 2] = [ADMIN, LIMITED];
