//! A response's body: read up to a limit, and unpacked up to the same.

use std::io::{self, Read};

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use crate::failure::Failure;

/// Reads the body as it was sent.
pub async fn read(mut body: Incoming, most: usize) -> Result<Vec<u8>, Failure> {
    if body.size_hint().lower() > most as u64 {
        return Err(Failure::Size(most));
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| Failure::Lost(e.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > most {
            return Err(Failure::Size(most));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// Undoes the content codings, last one first. What has a coding that is not known stays as it is.
pub async fn unpack(headers: &HeaderMap, body: Vec<u8>, most: usize) -> Result<Bytes, Failure> {
    let codings = codings(headers);
    if body.is_empty() || codings.is_empty() {
        return Ok(body.into());
    }
    // Unpacking takes the processor: beside the threads that serve.
    let unpacked = tokio::task::spawn_blocking(move || {
        codings.into_iter().rev().try_fold(body, |packed, coding| coding.unpack(&packed, most))
    });
    unpacked.await.map_err(|e| Failure::Lost(e.to_string()))?.map(Bytes::from)
}

#[derive(Clone, Copy)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
}

/// The codings in the order they were applied; none if one of them is not known.
fn codings(headers: &HeaderMap) -> Vec<Coding> {
    let values = headers.get_all(header::CONTENT_ENCODING).iter();
    let words: Vec<String> = values
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .map(|word| word.trim().to_ascii_lowercase())
        .filter(|word| !word.is_empty() && word != "identity")
        .collect();
    let known: Option<Vec<_>> = words
        .iter()
        .map(|word| match word.as_str() {
            "gzip" | "x-gzip" => Some(Coding::Gzip),
            "deflate" => Some(Coding::Deflate),
            "br" => Some(Coding::Brotli),
            _ => None,
        })
        .collect();
    known.unwrap_or_default()
}

impl Coding {
    fn unpack(self, packed: &[u8], most: usize) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Gzip => limited(flate2::read::MultiGzDecoder::new(packed), most)
                .map_err(|e| e.unwrap_or(Failure::Encoding("gzip"))),
            Self::Brotli => limited(brotli::Decompressor::new(packed, 4096), most)
                .map_err(|e| e.unwrap_or(Failure::Encoding("brotli"))),
            // Some servers send it without the wrapper that the standard asks for.
            Self::Deflate => limited(flate2::read::ZlibDecoder::new(packed), most)
                .or_else(|e| match e {
                    None => limited(flate2::read::DeflateDecoder::new(packed), most),
                    too_large => Err(too_large),
                })
                .map_err(|e| e.unwrap_or(Failure::Encoding("deflate"))),
        }
    }
}

/// All that `from` gives, if it is not too much; `Err(None)` if it cannot be read.
fn limited(from: impl Read, most: usize) -> Result<Vec<u8>, Option<Failure>> {
    let mut bytes = Vec::new();
    let read: io::Result<usize> = from.take(most as u64 + 1).read_to_end(&mut bytes);
    match read {
        Ok(length) if length > most => Err(Some(Failure::Size(most))),
        Ok(_) => Ok(bytes),
        Err(_) => Err(None),
    }
}
