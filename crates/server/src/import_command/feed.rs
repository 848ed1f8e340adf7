//! The items of the files on their way to whoever writes them.

use std::ops::ControlFlow;
use std::thread;

use verified_permissions::bulk::Item;

use super::drive::Line;
use super::files::{Contents, Files};
use crate::error::Error;

/// How many items travel together, and about how many bytes: what the socket takes as one line is
/// bounded.
const TOGETHER: usize = 512;
const BYTES: usize = 1 << 20;

/// Reads the files again on a thread of its own and hands their items over, until `send` says that
/// nobody takes them. There is no end if the files have changed since they were checked: what is
/// not in half of a file must not be deleted.
pub(super) fn feed(
    files: Files,
    contents: Contents,
    send: impl Fn(Line) -> bool + Send + 'static,
) -> thread::JoinHandle<Result<(), Error>> {
    thread::spawn(move || {
        let mut together: Vec<Item> = Vec::new();
        let mut bytes = 0;
        let mut take = |item: Item| {
            bytes += item.bytes();
            together.push(item);
            if together.len() < TOGETHER && bytes < BYTES {
                return ControlFlow::Continue(());
            }
            bytes = 0;
            match send(Some(std::mem::take(&mut together))) {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        };
        let mut heard = contents.first.into_iter().try_for_each(&mut take);
        for (nameless, expected) in [(false, contents.named), (true, contents.nameless)] {
            if heard.is_break() || expected == 0 {
                continue;
            }
            let mut count = 0;
            files.policies(|item| {
                if item.is_nameless() != nameless {
                    return ControlFlow::Continue(());
                }
                count += 1;
                heard = take(item);
                heard
            })?;
            if heard.is_continue() && count != expected {
                let text = "the files have changed while they were read: import again";
                return Err(Error::Refused(text.to_owned()));
            }
        }
        if heard.is_continue() && send(Some(together)) {
            send(None);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc;

    use super::*;

    const NAMED: &str = "@id(\"x\") permit (principal, action, resource);\n";
    const NAMELESS: &str = "forbid (principal, action, resource);\n";

    /// What is sent of a file that changes between its two readings, and whether there was an end.
    fn fed(before: &str, after: &str) -> (Vec<u8>, bool, Result<(), String>) {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("a.cedar");
        fs::write(&file, before).unwrap();
        let files = Files::find(std::slice::from_ref(&file)).unwrap();
        let contents = files.contents().unwrap();
        fs::write(&file, after).unwrap();
        let (sender, lines) = mpsc::channel();
        let reading = feed(files, contents, move |line| sender.send(line).is_ok());
        let ended = reading.join().unwrap().map_err(|error| error.to_string());
        let lines: Vec<Line> = lines.iter().collect();
        let has_end = lines.last().is_some_and(Option::is_none);
        let items = lines.iter().flatten().flatten();
        (items.map(Item::turn).collect(), has_end, ended)
    }

    #[test]
    fn items_come_in_the_order_of_their_turns() {
        let text = format!("{NAMELESS}{NAMED}{NAMELESS}");
        assert_eq!(fed(&text, &text), (vec![3, 4, 4], true, Ok(())));
        assert_eq!(fed(NAMED, NAMED), (vec![3], true, Ok(())));
        assert_eq!(fed("", ""), (vec![], true, Ok(())));
    }

    #[test]
    fn files_that_change_meanwhile_have_no_end() {
        let both = format!("{NAMELESS}{NAMED}");
        for (before, after) in [
            (both.as_str(), NAMED),
            (&both, NAMELESS),
            (&both, ""),
            (NAMED, ""),
            (NAMELESS, &both.repeat(2)),
            (&both, "permit (principal"),
        ] {
            let (_, has_end, ended) = fed(before, after);
            assert!(!has_end && ended.is_err(), "{before} {after}");
        }
    }
}
