//! `multipart/related` bodies: JSON metadata, then media.

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::options::Media;

/// The content type and body for metadata and media.
///
/// google-apis-common's reader has one fixed, public boundary, so media that contains it would
/// break out of its part; ours is random.
pub fn related(metadata: &[u8], media: &Media) -> (String, Bytes) {
    let boundary = format!("part{:032x}", rand::random::<u128>());
    let mut body = BytesMut::with_capacity(metadata.len() + media.data.len() + 256);
    let head = format!("--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n");
    body.put_slice(head.as_bytes());
    body.put_slice(metadata);
    let head = format!("\r\n--{boundary}\r\nContent-Type: {}\r\n\r\n", media.content_type);
    body.put_slice(head.as_bytes());
    body.put_slice(&media.data);
    body.put_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/related; boundary={boundary}"), body.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_framed_by_a_fresh_boundary() {
        let media = Media {
            content_type: "message/rfc822".into(),
            data: Bytes::from_static(b"Subject: x\r\n\r\nhi"),
            resumable: false,
        };
        let (content_type, body) = related(b"{\"a\":1}", &media);
        let boundary = content_type.strip_prefix("multipart/related; boundary=").unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
        assert_eq!(parts.len(), 4);
        assert!(parts[1].ends_with("\r\n\r\n{\"a\":1}\r\n"));
        assert!(parts[2].starts_with("\r\nContent-Type: message/rfc822\r\n\r\nSubject: x"));
        assert_eq!(parts[3], "--\r\n");
        assert_ne!(content_type, related(b"{}", &media).0);
    }
}
