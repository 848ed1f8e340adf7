use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt::TokenError;
use serde_json::{Value, json};
use testkit::{Behaviour, Page};

use super::World;
use super::bad_tokens::encode;

/// Serves a key set of one's own.
fn serve(world: &World, keys: &Value) {
    let body = json!({"keys": keys}).to_string();
    let answer = Behaviour::Answer(200, vec![], body);
    world.provider.behave(Page::Keys, answer);
}

#[tokio::test]
async fn keys_that_the_provider_does_not_mean_for_it() {
    let set = |world: &World| world.provider.key_set()["keys"].as_array().unwrap().clone();
    let with = |key: &Value, member: &str, value: Value| {
        let mut key = key.clone();
        key[member] = value;
        key
    };
    type Change<'a> = Box<dyn Fn(&[Value]) -> Value + 'a>;
    let rsa = |member: &'static str, value: Value| -> Change<'_> {
        Box::new(move |keys| json!([with(&keys[0], member, value.clone())]))
    };
    for (name, algorithm, change, expected) in [
        (
            "alg",
            "RS256",
            rsa("alg", json!("RS512")),
            Some(TokenError::Algorithm),
        ),
        (
            "alg PS",
            "RS256",
            rsa("alg", json!("PS256")),
            Some(TokenError::Algorithm),
        ),
        ("alg fits", "RS256", rsa("alg", json!("RS256")), None),
        (
            "alg unknown",
            "RS256",
            rsa("alg", json!("RS1")),
            Some(TokenError::UnknownKey),
        ),
        (
            "alg of encryption",
            "RS256",
            rsa("alg", json!("RSA-OAEP")),
            Some(TokenError::UnknownKey),
        ),
        (
            "use enc",
            "RS256",
            rsa("use", json!("enc")),
            Some(TokenError::UnknownKey),
        ),
        ("key_ops", "RS256", rsa("key_ops", json!(["verify"])), None),
        (
            "key_ops encrypt",
            "RS256",
            rsa("key_ops", json!(["encrypt"])),
            Some(TokenError::UnknownKey),
        ),
        (
            "kid a number",
            "RS256",
            rsa("kid", json!(7)),
            Some(TokenError::UnknownKey),
        ),
        (
            "short modulus",
            "RS256",
            rsa("n", json!(encode([0x81; 128]))),
            Some(TokenError::UnknownKey),
        ),
        (
            "long modulus",
            "RS256",
            rsa("n", json!(encode([0x81; 1_025]))),
            Some(TokenError::UnknownKey),
        ),
        (
            "odd x",
            "ES256",
            Box::new(|keys| json!([with(&keys[1], "x", json!(encode([7; 31])))])),
            Some(TokenError::UnknownKey),
        ),
        (
            "no point",
            "ES256",
            Box::new(|keys| json!([with(&keys[1], "x", json!(encode([7; 32])))])),
            Some(TokenError::Signature),
        ),
        (
            "other curve",
            "ES256",
            Box::new(|keys| json!([with(&keys[1], "crv", json!("secp256k1"))])),
            Some(TokenError::UnknownKey),
        ),
        (
            "Ed448",
            "EdDSA",
            Box::new(|keys| json!([with(&keys[3], "crv", json!("Ed448"))])),
            Some(TokenError::UnknownKey),
        ),
        (
            "secret",
            "RS256",
            Box::new(|keys| json!([{"kty": "oct", "kid": keys[0]["kid"], "k": "AAAA"}])),
            Some(TokenError::UnknownKey),
        ),
        (
            "strange neighbours",
            "RS256",
            Box::new(|keys| json!([{}, 1, null, {"kty": "X"}, keys[0]])),
            None,
        ),
        (
            "two of a name",
            "ES256",
            Box::new(|keys| json!([with(&keys[0], "kid", keys[1]["kid"].clone()), keys[1]])),
            None,
        ),
    ]
        as [(&str, &str, Change<'_>, Option<TokenError>); 18]
    {
        let world = World::new().await;
        serve(&world, &change(&set(&world)));
        let token = world.provider.sign(algorithm, &world.claims());
        assert_eq!(world.verify(&token).await.err(), expected, "{name}");
    }
}

#[tokio::test]
async fn a_token_without_a_key_id_has_one_key_to_choose_from() {
    let world = World::new().await;
    let header = json!({"alg": "ES256"}).to_string();
    let token = || {
        world
            .provider
            .sign_raw("ES256", &header, &world.claims().to_string())
    };
    world.verify(&token()).await.unwrap();
    world.provider.rotate();
    world.advance(3_600);
    assert_eq!(world.verify(&token()).await, Err(TokenError::UnknownKey));
    world.provider.withdraw();
    world.advance(3_600);
    world.verify(&token()).await.unwrap();
}

#[tokio::test]
async fn a_modulus_may_have_the_zero_of_its_sign() {
    let world = World::new().await;
    let mut keys = world.provider.key_set()["keys"].clone();
    let modulus = URL_SAFE_NO_PAD
        .decode(keys[0]["n"].as_str().unwrap())
        .unwrap();
    keys[0]["n"] = json!(encode([vec![0], modulus].concat()));
    serve(&world, &keys);
    world
        .verify(&world.provider.sign("PS256", &world.claims()))
        .await
        .unwrap();
}
