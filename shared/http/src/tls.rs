//! TLS to the outside, for every client of ours that opens such connections itself.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// Ring, with the system's roots or, where an image has none, those of Mozilla.
///
/// The defaults of HTTP clients load the system's roots for every client and fail where there are
/// none, even for plain http.
///
/// # Errors
/// When rustls refuses its own default protocol versions.
pub fn client_tls() -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    let (added, _) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
