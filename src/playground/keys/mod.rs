//! The playground's own RSA key pair. It is public, opens nothing but a playground, and is for tests only.

/// The private key, PKCS#1 as GitHub hands it out.
pub const PRIVATE: &str = include_str!("test-only.private.pem");
/// The public key.
pub const PUBLIC: &str = include_str!("test-only.public.pem");
