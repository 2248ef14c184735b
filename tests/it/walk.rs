//! The way of an analyst, from the first try to going back: what `sql/README.md` shows is what happens.
//!
//! The page is the test: its commands are called in their order, and their screens compared with what stands there.
//! A `…` on the page is something that it leaves out.

use regex::Regex;

use crate::support::project::Project;

/// The section of the page that is walked.
const SECTION: &str = "## Add a column, from the first try to going back";

#[test]
fn an_analyst_who_follows_the_page_sees_what_it_shows() {
    let project = Project::customers();
    let page = project.read("sql/README.md");
    let section = page.split(SECTION).nth(1).expect("the section is there");
    let section = section.split("\n## ").next().unwrap_or(section);
    for block in blocks(section) {
        match block {
            Block::Edit(text) => edit(&project, text),
            Block::Test(text) => {
                let file = "sql/tests/engagement_score.yml";
                project.write(file, format!("{}\n{text}", project.read(file)));
            }
            Block::Screen(text) => follow(&project, text),
        }
    }
}

/// What a reader does with a block of the page.
enum Block<'a> {
    /// Changes files.
    Edit(&'a str),
    /// Writes down a test.
    Test(&'a str),
    /// Calls commands.
    Screen(&'a str),
}

fn blocks(section: &str) -> impl Iterator<Item = Block<'_>> {
    let fenced = section.split("```").skip(1).step_by(2);
    fenced.map(|block| {
        let (kind, text) = block.split_once('\n').expect("a block has lines");
        match kind {
            "diff" => Block::Edit(text),
            "yaml" => Block::Test(text),
            "console" => Block::Screen(text),
            other => panic!("nobody knows what to do with `{other}`"),
        }
    })
}

/// Makes the changes of a diff: after the name of a file, lines that are there, that go, and that come.
fn edit(project: &Project, diff: &str) {
    let (file, changes) = diff.split_once('\n').expect("a diff names a file");
    let file = file.trim_start_matches("# ");
    let without = |sign: char| {
        let lines = changes.lines().filter(|line| !line.starts_with(sign));
        let lines = lines.flat_map(|line| [&line[1..], "\n"]);
        lines.collect::<String>()
    };
    project.edit(file, &without('+'), &without('-'));
}

/// Calls the commands of a block, and compares.
fn follow(project: &Project, block: &str) {
    for call in block.split("$ dfpipe ").skip(1) {
        let (command, expected) = call.split_once('\n').unwrap_or((call, ""));
        // What stands behind it is said to the reader.
        let command = command.split("  #").next().unwrap_or(command).trim();
        let screen = screen(project, command);
        assert!(
            pattern(expected).is_match(screen.trim_end()),
            "the page shows of `dfpipe {command}`:\n{expected}\nand it gives:\n{screen}"
        );
    }
}

/// What a person sees: both streams as they come.
fn screen(project: &Project, command: &str) -> String {
    let path = project.surroundings().join("screen");
    let (out, _) = fs_err::File::create(&path)
        .expect("a file can be made")
        .into_parts();
    let err = out.try_clone().expect("a file can be shared");
    let binary = env!("CARGO_BIN_EXE_dfpipe");
    let mut shell = project.program("sh");
    shell.args(["-c", &format!("{binary} {command}")]);
    let ended = shell.stdout(out).stderr(err).status();
    assert!(ended.is_ok(), "`{command}` cannot be called");
    fs_err::read_to_string(&path).expect("a file can be read")
}

/// What the page shows as a pattern, in which `…` stands for anything.
fn pattern(shown: &str) -> Regex {
    // A line that leaves out something may leave out nothing.
    let shown = shown.trim_end().replace("\n…", "…").replace("…\n", "…");
    let parts = shown.split('…');
    let parts: Vec<_> = parts.map(regex::escape).collect();
    Regex::new(&format!("(?s)^{}$", parts.join(".*"))).expect("the pattern is a pattern")
}
