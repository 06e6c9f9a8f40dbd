//! What an installer asks on its console, and waits for a person to answer.

use labrig_plan::lab::AnswerFormat;

/// A way in which an installer waits.
struct Prompt {
    /// Whose it is.
    format: AnswerFormat,
    /// What its line begins with, as its source has it.
    line: &'static str,
    /// Which lines before it say what is asked.
    asks: Asks,
}

/// Which lines before a prompt say what is asked.
enum Asks {
    /// The title, and the line above the choices if there are any.
    Question,
    /// The title, and the text below it.
    Text,
    /// The entries that are marked as not complete.
    Marked(&'static str),
    /// The prompt itself.
    Itself,
}

const PROMPTS: [Prompt; 6] = [
    // cdebconf's src/modules/frontend/text/text.c: what asks for a value or a choice, and what tells of an error.
    Prompt { format: AnswerFormat::Preseed, line: "Prompt: '?' for help", asks: Asks::Question },
    Prompt { format: AnswerFormat::Preseed, line: "[Press enter to continue]", asks: Asks::Text },
    // Anaconda's text mode: simpleline's hub prompt (pyanaconda/ui/tui/hubs/summary.py), whose incomplete entries have
    // an exclamation mark.
    Prompt {
        format: AnswerFormat::Kickstart,
        line: "Please make a selection from the above",
        asks: Asks::Marked("[!]"),
    },
    // dracut's emergency shell, where a kickstart that cannot be fetched ends (its dracut-emergency.sh).
    Prompt { format: AnswerFormat::Kickstart, line: "Press Enter for maintenance", asks: Asks::Itself },
    // subiquity without `autoinstall` on the kernel's command line (its subiquity/server/server.py).
    Prompt { format: AnswerFormat::Autoinstall, line: "Continue with autoinstall?", asks: Asks::Itself },
    // The shell that subiquity offers after a failure (its subiquity/server/errors).
    Prompt { format: AnswerFormat::Autoinstall, line: "Press enter to start a shell", asks: Asks::Itself },
];

/// The longest question that is repeated, in characters.
const LONGEST: usize = 300;

/// What an installer with answers of this format asks, if `rest`, the line without an end, is a prompt of it; `before` are
/// the lines before that.
pub(crate) fn question(format: AnswerFormat, before: &[String], rest: &str) -> Option<String> {
    let lines: Vec<&str> = before.iter().map(String::as_str).chain([rest]).collect();
    // An installer may end the line of its prompt, and a long one has two lines.
    let last = lines.iter().enumerate().rev().filter(|(_, line)| !line.trim().is_empty()).take(2);
    let (index, prompt) = last.into_iter().find_map(|(index, line)| {
        let is_here = |prompt: &&Prompt| prompt.format == format && line.trim_start().starts_with(prompt.line);
        Some((index, PROMPTS.iter().find(is_here)?))
    })?;
    let (before, line) = (&before[..index], lines[index]);
    let words = match prompt.asks {
        Asks::Itself => vec![line.trim().to_owned()],
        Asks::Marked(mark) => {
            before.iter().filter(|line| line.contains(mark)).map(|line| line.trim().to_owned()).collect()
        }
        Asks::Question => {
            let (title, text) = titled(before);
            let asked = text.iter().rev().find(|line| !line.is_empty() && !is_choice(line));
            title.into_iter().chain(asked.map(String::as_str)).map(str::to_owned).collect()
        }
        Asks::Text => {
            let (title, text) = titled(before);
            let text: Vec<_> = text.iter().filter(|line| !line.is_empty()).map(|line| line.trim()).collect();
            title.map(str::to_owned).into_iter().chain([text.join(" ")]).collect()
        }
    };
    let words: Vec<_> = words.into_iter().filter(|words| !words.is_empty()).collect();
    let question = if words.is_empty() { line.trim().to_owned() } else { words.join(": ") };
    Some(question.chars().take(LONGEST).collect())
}

/// The last title, which has a line of dashes below it, and what is below that.
fn titled(lines: &[String]) -> (Option<&str>, &[String]) {
    let is_rule = |line: &String| line.len() >= 3 && line.bytes().all(|byte| byte == b'-');
    match lines.iter().rposition(is_rule) {
        Some(rule) => (rule.checked_sub(1).map(|title| lines[title].trim()), &lines[rule + 1..]),
        None => (None, lines),
    }
}

/// Whether a line is a choice among several: `  1: Afghanistan [*]`.
fn is_choice(line: &str) -> bool {
    let digits = line.trim_start().split(':').next().unwrap_or_default();
    line.contains(':') && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the installer of Debian 12 had on its console, and the question in it.
    fn asked(format: AnswerFormat, console: &str) -> Option<String> {
        let (before, rest) = console.rsplit_once('\n').unwrap_or(("", console));
        question(format, &before.lines().map(str::to_owned).collect::<Vec<_>>(), rest)
    }

    #[test]
    fn a_question_for_a_value() {
        let console = "Configuring the network with DHCP  ... 4%... 100%\n\
                       Configure the network\n\
                       ---------------------\n\
                       \n\
                       The name servers are used to look up host names on the network. Please enter\n\
                       the IP addresses (not host names) of up to 3 name servers, separated by spaces.\n\
                       Name server addresses:\n\
                       Prompt: '?' for help, default=>";
        let question = Some("Configure the network: Name server addresses:".to_owned());
        assert_eq!(asked(AnswerFormat::Preseed, console), question);
        // While it only looks as if it were the end of the text, there is no question.
        assert_eq!(asked(AnswerFormat::Preseed, console.trim_end_matches("Prompt: '?' for help, default=>")), None);
        assert_eq!(asked(AnswerFormat::Kickstart, console), None);
        assert_eq!(asked(AnswerFormat::Preseed, &format!("{console} \n")), question);
    }

    #[test]
    fn a_choice_among_several() {
        let console = "Choose a mirror of the Debian archive\n\
                       -------------------------------------\n\
                       \n\
                       The goal is to find a mirror of the Debian archive that is close to you on the\n\
                       network -- be aware that nearby countries, or even your own, may not be the best\n\
                       choice.\n\
                       Debian archive mirror country:\n\
                       \x20 1: enter information manually,\n\
                       \x2065: United States [*],\n\
                       \x2066: Uruguay,\n\
                       Prompt: '?' for help, default=65>";
        let question = "Choose a mirror of the Debian archive: Debian archive mirror country:";
        assert_eq!(asked(AnswerFormat::Preseed, console).as_deref(), Some(question));
    }

    #[test]
    fn an_error_that_has_to_be_seen() {
        let console = "Low memory\n----------\n\nEntering low memory mode\n\n\
                       This system has relatively little free memory, so it will enter low memory\n\
                       mode.\n[Press enter to continue]";
        let question = "Low memory: Entering low memory mode This system has relatively little free memory, so it will \
                        enter low memory mode.";
        assert_eq!(asked(AnswerFormat::Preseed, console).as_deref(), Some(question));
    }

    #[test]
    fn other_installers_ask_in_their_own_words() {
        let hub = "Installation\n\n1) [x] Language settings\n2) [!] Installation Destination\n\n\
                   Please make a selection from the above ['b' to begin installation, 'q' to quit,\n'r' to refresh]:";
        assert_eq!(asked(AnswerFormat::Kickstart, hub).as_deref(), Some("2) [!] Installation Destination"));
        let confirm = "Continue with autoinstall? (yes|no)";
        assert_eq!(asked(AnswerFormat::Autoinstall, confirm).as_deref(), Some(confirm));
        assert_eq!(asked(AnswerFormat::Autoinstall, ""), None);
    }
}
