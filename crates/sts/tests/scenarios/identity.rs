//! GetCallerIdentity, and what is no request of the service.

use serde_json::json;
use testkit::{ADMIN, LIMITED, User};

use crate::common::{ROOT, USERS, accounts, element, refusal, send, trusting, trusts};

const WHO: &str = "Action=GetCallerIdentity";

#[tokio::test]
async fn everyone_may_ask_who_they_are() {
    let app = trusting();
    let name = |user: &User| {
        if user.access_key_id == ADMIN.access_key_id {
            "admin"
        } else {
            "limited"
        }
    };
    for user in USERS {
        let (status, xml) = send(&app, user, WHO).await;
        assert_eq!(status, 200, "{xml}");
        let arn = format!("arn:aws:iam::111122223333:user/{}", name(&user));
        assert_eq!(element(&xml, "Arn"), arn);
        assert_eq!(element(&xml, "Account"), "111122223333");
    }
    let (_, xml) = send(&app, ROOT, WHO).await;
    assert_eq!(element(&xml, "Arn"), "arn:aws:iam::111122223333:root");
    assert_eq!(element(&xml, "UserId"), "111122223333");
}

#[tokio::test]
async fn not_even_a_deny_keeps_it_from_them() {
    let trust = trusts("*", &json!("sts:AssumeRole"));
    let deny = json!({ "Effect": "Deny", "Action": "*", "Resource": "*" });
    let app = testkit::App::with_accounts(&accounts(&trust, &deny));
    assert_eq!(send(&app, LIMITED, WHO).await.0, 200);
    assert_eq!(app.refusals(), [] as [serde_json::Value; 0]);
}

#[tokio::test]
async fn refusals_have_the_codes_of_the_query_protocol() {
    let app = trusting();
    let stranger = User {
        access_key_id: "AKIAUNKNOWN000000000",
        ..ADMIN
    };
    let forger = User {
        secret: "wrong",
        ..ADMIN
    };
    for (user, form, status, code) in [
        (stranger, WHO, 403, "InvalidClientTokenId"),
        (forger, WHO, 403, "SignatureDoesNotMatch"),
        (ADMIN, "Action=GetSessionToken", 400, "InvalidAction"),
        (ADMIN, "Action=AssumeRole", 400, "ValidationError"),
        (
            ADMIN,
            "Action=AssumeRole&RoleArn=short&RoleSessionName=n",
            400,
            "ValidationError",
        ),
    ] {
        let answer = send(&app, user, form).await;
        let (found, said, _) = refusal(&answer);
        assert_eq!((found, said), (status, code), "{form}");
    }
}
