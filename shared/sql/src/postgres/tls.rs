//! TLS to Postgres, as the address asks for it with `sslmode` and `sslrootcert`, in libpq's words.
//!
//! | sslmode | encrypted | the server's certificate |
//! |---|---|---|
//! | `disable` | no | |
//! | `prefer` (none given), `allow` | if the server can | not looked at |
//! | `require` | or refused | not looked at; with `sslrootcert` as `verify-ca` |
//! | `verify-ca` | or refused | signed by `sslrootcert`, or by what the system trusts |
//! | `verify-full` | or refused | that, and made for the host's name |

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{self, CryptoProvider},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{Result, StoreError};

/// What is asked of the server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    Nothing,
    Issuer,
    IssuerAndName,
}

/// What an address says of TLS, and the rest of it.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    url: String,
    check: Check,
    roots: Option<String>,
}

/// What to connect to, and how to encrypt it.
#[derive(Clone)]
pub struct Address {
    /// Server, user, database.
    pub config: tokio_postgres::Config,
    /// Encryption.
    pub tls: MakeRustlsConnect,
}

/// Reads an address.
pub fn address(url: &str) -> Result<Address> {
    let asked = read(url)?;
    let config = asked.url.parse().map_err(|_| {
        // The driver's own words may repeat the password.
        StoreError::Unavailable("DATABASE_URL is not a valid Postgres address".into())
    })?;
    Ok(Address { config, tls: MakeRustlsConnect::new(client(&asked)?) })
}

/// Takes out of the address what the driver does not know.
fn read(url: &str) -> Result<Asked> {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut mode, mut roots, mut rest) = (None, None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value),
            Some(("sslrootcert", value)) => {
                roots = Some(percent_decode_str(value).decode_utf8_lossy().into_owned());
            }
            _ => rest.push(pair.to_owned()),
        }
    }
    let roots = roots.filter(|path| path != "system");
    let (driver, check) = match mode {
        None => ("prefer", Check::Nothing),
        Some("disable") => ("disable", Check::Nothing),
        Some("allow" | "prefer") => ("prefer", Check::Nothing),
        Some("require") if roots.is_some() => ("require", Check::Issuer),
        Some("require") => ("require", Check::Nothing),
        Some("verify-ca") => ("require", Check::Issuer),
        Some("verify-full") => ("require", Check::IssuerAndName),
        Some(_) => {
            return Err(StoreError::Unavailable(
                "sslmode in DATABASE_URL must be disable, prefer, require, verify-ca or verify-full"
                    .into(),
            ));
        }
    };
    rest.push(format!("sslmode={driver}"));
    Ok(Asked { url: format!("{address}?{}", rest.join("&")), check, roots })
}

fn client(asked: &Asked) -> Result<ClientConfig> {
    let provider = Arc::new(crypto::ring::default_provider());
    let inner = match asked.check {
        Check::Nothing => None,
        Check::Issuer | Check::IssuerAndName => {
            let roots = Arc::new(roots(asked.roots.as_deref())?);
            let built =
                WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build();
            Some(built.map_err(|e| unusable("the certificates of sslrootcert", &e))?)
        }
    };
    let name = asked.check == Check::IssuerAndName;
    let verifier = Arc::new(Verifier { inner, name, provider: provider.clone() });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| unusable("TLS", &e))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

fn roots(file: Option<&str>) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    match file {
        Some(path) => {
            let what = format!("sslrootcert {path}");
            let found = CertificateDer::pem_file_iter(path).map_err(|e| unusable(&what, &e))?;
            for certificate in found {
                let certificate = certificate.map_err(|e| unusable(&what, &e))?;
                store.add(certificate).map_err(|e| unusable(&what, &e))?;
            }
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if store.is_empty() {
        let what = file.unwrap_or("the system's certificates (ca-certificates)");
        return Err(unusable(what, &"there is no certificate in it"));
    }
    Ok(store)
}

fn unusable(what: &str, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("{what} cannot be used: {why}"))
}

/// Looks at a certificate as far as it was asked for. That the server has its key is always checked.
#[derive(Debug)]
struct Verifier {
    inner: Option<Arc<WebPkiServerVerifier>>,
    name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, Error> {
        let Some(inner) = &self.inner else { return Ok(ServerCertVerified::assertion()) };
        let checked =
            inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match checked {
            // The issuer is looked at before the name.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.name => Ok(ServerCertVerified::assertion()),
            checked => checked,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, cert, dss, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, cert, dss, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_it_asks_for() {
        let of = |query: &str| {
            let asked = read(&format!("postgres://u:p@h/d{query}")).unwrap();
            (asked.url.replace("postgres://u:p@h/d", ""), asked.check, asked.roots)
        };
        assert_eq!(of(""), ("?sslmode=prefer".into(), Check::Nothing, None));
        assert_eq!(of("?sslmode=disable"), ("?sslmode=disable".into(), Check::Nothing, None));
        assert_eq!(
            of("?sslmode=require&x=y"),
            ("?x=y&sslmode=require".into(), Check::Nothing, None)
        );
        let full = of("?sslmode=verify-full&sslrootcert=system");
        assert_eq!(full, ("?sslmode=require".into(), Check::IssuerAndName, None));
        let ca = of("?sslrootcert=%2Fa%20b.crt&sslmode=require");
        assert_eq!(ca, ("?sslmode=require".into(), Check::Issuer, Some("/a b.crt".into())));
        let error = read("postgres://u:hush@h/d?sslmode=always").unwrap_err().to_string();
        assert!(error.contains("verify-full") && !error.contains("hush"), "{error}");
    }
}
