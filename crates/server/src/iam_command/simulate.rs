//! `treeline iam simulate`: one line of answer for every line of question.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

use iam::policy::simulate::simulate;
use serde_json::json;

/// The longest question, in bytes. Longer ones get an error line, and the rest goes on.
const LONGEST: u64 = 8 << 20;

/// Answers every line of `input` that is not blank, in order. Lines count from 1.
///
/// # Errors
/// `input` cannot be read or `output` not be written.
pub(super) fn run(input: impl Read, output: impl Write, terse: bool) -> io::Result<()> {
    let mut input = BufReader::new(input);
    let mut output = BufWriter::new(output);
    for number in 1_u64.. {
        let mut line = Vec::new();
        if (&mut input)
            .take(LONGEST + 1)
            .read_until(b'\n', &mut line)?
            == 0
        {
            break;
        }
        if line.len() as u64 > LONGEST {
            input.skip_until(b'\n')?;
            error(&mut output, number, "the line is longer than 8 MiB", terse)?;
        } else if !line.trim_ascii().is_empty() {
            answer(&mut output, number, &line, terse)?;
        }
        // Whoever asks one question at a time waits for its answer.
        if input.buffer().is_empty() {
            output.flush()?;
        }
    }
    output.flush()
}

fn answer(output: &mut impl Write, number: u64, line: &[u8], terse: bool) -> io::Result<()> {
    let Ok(line) = std::str::from_utf8(line) else {
        return error(output, number, "the line is not UTF-8", terse);
    };
    // Windows editors put a byte order mark in front.
    match simulate(line.trim_start_matches('\u{feff}')) {
        Ok(simulated) if terse => writeln!(output, "{}", simulated.word()),
        Ok(simulated) => writeln!(output, "{}", simulated.json_line()),
        Err(reason) => error(output, number, &reason.to_string(), terse),
    }
}

fn error(output: &mut impl Write, number: u64, reason: &str, terse: bool) -> io::Result<()> {
    if terse {
        writeln!(output, "Error line {number}: {}", reason.replace('\n', " "))
    } else {
        writeln!(output, "{}", json!({ "error": reason, "line": number }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: &str = r#"{"principal":"arn:aws:iam::111122223333:user/alice","action":"dsql:GetCluster","resource":"*","identityPolicies":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dsql:*","Resource":"*"}]}]}"#;

    fn lines(input: &[u8], terse: bool) -> Vec<String> {
        let mut output = Vec::new();
        run(input, &mut output, terse).unwrap();
        let text = String::from_utf8(output).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn every_question_gets_its_line_and_a_bad_one_its_number() {
        let denied = ALLOWED.replace("dsql:*", "s3:*");
        let input = format!("{ALLOWED}\n\n[]\n{denied}\r\n\u{feff}{ALLOWED}");
        let terse = lines(input.as_bytes(), true);
        assert_eq!(terse.len(), 4, "{terse:?}");
        assert_eq!(terse[0], "Allow");
        assert!(terse[1].starts_with("Error line 3: "), "{terse:?}");
        assert_eq!(terse[2..], ["ImplicitDeny", "Allow"]);

        let full: Vec<serde_json::Value> = lines(input.as_bytes(), false)
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(full[0]["decision"], "Allow");
        assert_eq!(full[0]["statement"]["index"], 0);
        assert_eq!(full[1]["line"], 3);
        assert!(full[1]["error"].is_string());
        assert_eq!(full[2]["decision"], "ImplicitDeny");
        let reason = full[2]["reason"].as_str().unwrap();
        assert!(
            reason.contains("because no identity-based policy allows"),
            "{reason}"
        );
    }

    #[test]
    fn what_is_no_text_or_too_long_is_told_and_the_rest_goes_on() {
        let mut input = b"\xff\n".to_vec();
        input.resize(input.len() + usize::try_from(LONGEST).unwrap() + 9, b'x');
        input.extend_from_slice(format!("\n{ALLOWED}\n").as_bytes());
        let terse = lines(&input, true);
        assert_eq!(
            terse,
            [
                "Error line 1: the line is not UTF-8",
                "Error line 2: the line is longer than 8 MiB",
                "Allow",
            ]
        );
    }
}
