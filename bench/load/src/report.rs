//! One line of JSON on standard output for each result. The fields are few and flat, so they are written here
//! rather than by a library.

use std::fmt::Write as _;
use std::io::Write as _;

/// A line being put together.
#[derive(Debug)]
pub struct Line(String);

impl Line {
    pub fn of(kind: &str) -> Self {
        Self(format!("{{\"kind\":\"{kind}\""))
    }

    pub fn number(mut self, name: &str, value: f64) -> Self {
        // JSON knows no NaN and no infinity; a quotient by no units is reported as 0.
        let value = if value.is_finite() { value } else { 0.0 };
        let _ = write!(self.0, ",\"{name}\":{}", (value * 1000.0).round() / 1000.0);
        self
    }

    pub fn count(mut self, name: &str, value: usize) -> Self {
        let _ = write!(self.0, ",\"{name}\":{value}");
        self
    }

    pub fn text(mut self, name: &str, value: &str) -> Self {
        let _ = write!(self.0, ",\"{name}\":\"");
        for character in value.chars() {
            match character {
                '"' | '\\' => self.0.extend(['\\', character]),
                control if control.is_control() => self.0.push(' '),
                plain => self.0.push(plain),
            }
        }
        self.0.push('"');
        self
    }

    pub fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }

    /// Writes the line. A reader that has gone is no reason to fail: it will see that the line is missing.
    pub fn print(self) {
        let mut output = std::io::stdout().lock();
        let _ = writeln!(output, "{}", self.finish());
        let _ = output.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_json_whatever_the_text() {
        let line = Line::of("x").count("n", 3).number("ms", 1.23456).number("bad", f64::NAN);
        let line = line.text("t", "say \"a\\b\"\r\n").finish();
        assert_eq!(line, r#"{"kind":"x","n":3,"ms":1.235,"bad":0,"t":"say \"a\\b\"  "}"#);
    }
}
