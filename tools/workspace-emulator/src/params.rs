//! Query parameters.

use crate::error::ApiError;

/// A query in order; names may repeat.
#[derive(Debug, Clone, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Parses a query string.
    pub fn parse(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The last value of that name: what Google takes if a name repeats that should not.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Every value of that name, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// A boolean; false if absent.
    ///
    /// # Errors
    /// 400 if it is neither `true` nor `false`.
    pub fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name) {
            None | Some("" | "false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(invalid(name, other)),
        }
    }

    /// A page size: `usual` if absent or 0, at most 500.
    ///
    /// # Errors
    /// 400 if it is no number.
    pub fn page_size(&self, usual: usize) -> Result<usize, ApiError> {
        match self.get("maxResults") {
            None | Some("") => Ok(usual),
            Some(text) => match text.parse::<u32>() {
                Ok(0) => Ok(usual),
                Ok(size) => Ok((size as usize).min(500)),
                Err(_) => Err(invalid("maxResults", text)),
            },
        }
    }
}

fn invalid(name: &str, value: &str) -> ApiError {
    ApiError::parameter(name, format!("Invalid value for {name}: {value:?}"))
}
