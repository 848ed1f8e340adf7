use base::Entropy;

/// The letters of access key ids and unique ids.
pub(crate) const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The account file of a first start: account `000000000000` with a user `admin` that may do
/// everything, and one access key for it, with ids and secret in the forms of AWS.
///
/// The text contains the secret: it belongs into a file that only its owner may read.
pub fn initial_account_file(entropy: &dyn Entropy) -> String {
    let user_id = random::<17>(entropy, BASE32);
    let access_key_id = random::<16>(entropy, BASE32);
    let secret = random::<40>(entropy, BASE64);
    format!(
        r#"{{
  "AccountId": "000000000000",
  "AccessKeys": [
    {{
      "AccessKeyId": "AKIA{access_key_id}",
      "SecretAccessKey": "{secret}",
      "UserName": "admin"
    }}
  ],
  "UserDetailList": [
    {{
      "UserName": "admin",
      "Path": "/",
      "UserId": "AIDA{user_id}",
      "Arn": "arn:aws:iam::000000000000:user/admin",
      "UserPolicyList": [
        {{
          "PolicyName": "AllowEverything",
          "PolicyDocument": {{
            "Version": "2012-10-17",
            "Statement": [
              {{
                "Effect": "Allow",
                "Action": "*",
                "Resource": "*"
              }}
            ]
          }}
        }}
      ]
    }}
  ]
}}
"#
    )
}

/// `N` random characters. The length of the alphabet divides 256, so all are equally likely.
pub(crate) fn random<const N: usize>(entropy: &dyn Entropy, alphabet: &[u8]) -> String {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    let letters = bytes
        .iter()
        .filter_map(|byte| alphabet.get(usize::from(*byte) % alphabet.len()));
    letters.copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Accounts;

    /// Counts up, so that every byte is another one.
    struct Counting(std::sync::atomic::AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0.fetch_add(37, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn the_initial_file_parses_and_its_key_is_the_admins() {
        let text = initial_account_file(&Counting(1.into()));
        let accounts = Accounts::parse(&text).ok().unwrap();
        let key = accounts.first_key().unwrap();
        assert_eq!(key.principal.arn, "arn:aws:iam::000000000000:user/admin");
        assert_eq!(key.access_key_id.len(), 20);
        assert!(key.access_key_id.starts_with("AKIA"));
        assert!(key.access_key_id.bytes().all(|b| BASE32.contains(&b)));
        assert_eq!(key.secret.expose().len(), 40);
        assert!(key.secret.expose().bytes().all(|b| BASE64.contains(&b)));
        assert_eq!(key.principal.user_id.len(), 21);
        assert!(key.principal.user_id.starts_with("AIDA"));
    }

    #[test]
    fn other_random_bytes_give_other_keys() {
        let text = |start: u8| initial_account_file(&Counting(start.into()));
        let key = |text: &str| {
            let accounts = Accounts::parse(text).ok().unwrap();
            let key = accounts.first_key().unwrap();
            (
                key.access_key_id.to_string(),
                key.secret.expose().to_owned(),
            )
        };
        let (one, two) = (key(&text(1)), key(&text(2)));
        assert_ne!(one.0, two.0);
        assert_ne!(one.1, two.1);
    }
}
