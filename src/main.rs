//! The `fairway` program: its verbs are in `cli`.

fn main() -> std::process::ExitCode {
    fairway::cli::main()
}
