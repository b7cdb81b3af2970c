//! Keys with which an identity provider signs.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// A key pair of an identity provider's.
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) private: EncodingKey,
    pub(crate) public: Value,
}

impl Key {
    pub(crate) fn new(id: &str, algorithm: Algorithm) -> Self {
        let random = SystemRandom::new();
        let (private, public) = match algorithm {
            Algorithm::RS256 => {
                let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
                let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
                // The key itself stands behind 26 bytes that say what it is.
                (EncodingKey::from_rsa_der(&der.as_ref()[26..]), None)
            }
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
                (EncodingKey::from_ec_der(pair.as_ref()), None)
            }
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
                let public = Ed25519KeyPair::from_pkcs8(pair.as_ref()).unwrap();
                let x = URL_SAFE_NO_PAD.encode(public.public_key());
                let public = json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "use": "sig" });
                (EncodingKey::from_ed_der(pair.as_ref()), Some(public))
            }
            other => panic!("no {other:?} here"),
        };
        let derived = || serde_json::to_value(Jwk::from_encoding_key(&private, algorithm).unwrap()).unwrap();
        let mut public = public.unwrap_or_else(derived);
        public["kid"] = id.into();
        Self { id: id.to_owned(), algorithm, private, public }
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.clone()), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.private).unwrap()
    }
}
